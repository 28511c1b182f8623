//! A database that is away.

use torvus_e2e::{Answer, Database, TestApp, token};

use crate::HERE;

fn expect_unavailable(answer: Answer) {
    let answer = answer.expect(503);
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert!(answer.body.contains("Not available now"), "{answer:?}");
    assert!(answer.header("content-security-policy").is_some());
}

/// Nobody is let in by guessing, and nobody is thrown out.
#[test]
fn no_page_is_shown_and_nobody_signed_out() {
    let app = TestApp::builder(Database::Postgres).own_postgres().start();
    let holder = app.holder();
    let browser = app.signed_in(&holder);
    let end = "/settings/account/sessions/end";
    let sent = token(&browser.get(HERE), "/logout");
    let stranger = app.browser();
    let login = token(&stranger.get("/login"), "/login");
    app.postgres().freeze();
    expect_unavailable(browser.get(HERE));
    expect_unavailable(browser.post(end, &[("token", &sent)]));
    let fields = [
        ("token", &*login),
        ("email", &*holder.email),
        ("password", &*holder.password),
    ];
    expect_unavailable(stranger.post("/login", &fields));
    // What needs no database is there.
    stranger.get("/login").expect(200);
    app.postgres().thaw();
    assert!(browser.is_in());
    browser.post(end, &[("token", &sent)]).expect(303);
    stranger.post("/login", &fields).expect(303);
}
