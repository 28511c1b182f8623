//! What begins a session, and what ends it.

use torvus_e2e::{Database, TestApp, on_both, token};

use crate::{HERE, NEW, change_password, records};

fn in_and_out(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let browser = app.browser();
    let led = browser.get("/").expect(303);
    assert_eq!(led.header("location"), Some("/settings/api-keys"));
    let led = browser.get("/settings/account?x=1").expect(303);
    let login = led.header("location").unwrap().to_owned();
    let page = browser.get(&login).expect(200);
    assert!(page.body.contains("<label for=\"email\">Email</label>"));
    assert!(
        page.body
            .contains("<label for=\"password\">Password</label>")
    );
    assert!(page.body.contains(">Sign in</button>"));
    let fields = [
        ("token", &*token(&page, "/login")),
        ("next", "/settings/account?x=1"),
        ("email", &*holder.email.to_uppercase()),
        ("password", &*holder.password),
    ];
    let led = browser.post("/login", &fields).expect(303);
    assert_eq!(led.header("location"), Some("/settings/account?x=1"));
    let page = browser.get("/settings/account?x=1").expect(200);
    assert!(page.body.contains(&holder.email) && page.body.contains(">Sign out</button>"));
    let led = browser.get("/login").expect(303);
    assert_eq!(led.header("location"), Some("/settings/api-keys"));

    let session = browser.cookie("torvus_session").unwrap();
    browser.fill(HERE, "/logout", &[]).expect(303);
    assert!(browser.cookie("torvus_session").is_none() && !browser.is_in());
    browser.set_cookie("torvus_session", &session);
    assert!(
        !browser.is_in(),
        "the session has ended, not only its cookie"
    );

    let actor = format!("account:{}", holder.email);
    let expected = [("session.sign_in", "ok"), ("session.sign_out", "ok")];
    let expected =
        expected.map(|(action, outcome)| (action.to_owned(), outcome.to_owned(), actor.clone()));
    assert_eq!(records(&app), expected);
}

fn no_session_survives_what_ends_it(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    // A secret that somebody else planted is not taken over.
    let browser = app.browser();
    let planted = "A".repeat(43);
    browser.set_cookie("torvus_session", &planted);
    browser.sign_in(&holder.email, &holder.password).expect(303);
    let first = browser.cookie("torvus_session").unwrap();
    assert_ne!(first, planted);

    let with = |session: &str| {
        let other = app.browser();
        other.set_cookie("torvus_session", session);
        other
    };
    assert!(with(&first).is_in() && !with(&planted).is_in());
    // Signing in again from the same browser ends what it had.
    let held = app.browser();
    held.get("/login").expect(200);
    let page = held.get("/login");
    held.set_cookie("torvus_session", &first);
    let fields = [
        ("token", &*token(&page, "/login")),
        ("email", &*holder.email),
        ("password", &*holder.password),
    ];
    held.post("/login", &fields).expect(303);
    assert!(held.is_in() && !with(&first).is_in());

    // A new password: this browser goes on by another secret, others are out.
    let (mine, other) = (app.signed_in(&holder), app.signed_in(&holder));
    let before = mine.cookie("torvus_session").unwrap();
    change_password(&mine, &holder.password, NEW).expect(303);
    assert!(mine.is_in() && !other.is_in() && !held.is_in() && !with(&before).is_in());
    app.browser()
        .sign_in(&holder.email, &holder.password)
        .expect(401);
    let again = app.browser();
    again.sign_in(&holder.email, NEW).expect(303);

    // One session, and all others.
    let page = mine.get(HERE);
    let end = page
        .body
        .split("/settings/account/sessions/ses_")
        .nth(1)
        .unwrap();
    let id = end.split('/').next().unwrap();
    mine.fill(
        HERE,
        &format!("/settings/account/sessions/ses_{id}/end"),
        &[],
    )
    .expect(303);
    assert!(mine.is_in() && !again.is_in());
    let again = app.browser();
    again.sign_in(&holder.email, NEW).expect(303);
    mine.fill(HERE, "/settings/account/sessions/end", &[])
        .expect(303);
    assert!(mine.is_in() && !again.is_in());

    // An operator's reset and suspension.
    let reset = app.admin(&["account", "reset-password", &holder.id]);
    assert!(!mine.is_in());
    let password = reset["dashboard_password"].as_str().unwrap();
    let last = app.browser();
    last.sign_in(&holder.email, password).expect(303);
    app.admin(&["account", "suspend", &holder.id]);
    assert!(!last.is_in());
    let refused = app.browser().sign_in(&holder.email, password).expect(403);
    assert!(refused.body.contains("suspended"), "{refused:?}");
    app.admin(&["account", "resume", &holder.id]);
    assert!(!last.is_in(), "what has ended does not begin again");
}

fn every_server_knows_a_session(database: Database) {
    let mut app = TestApp::start(database);
    let holder = app.holder();
    let browser = app.signed_in(&holder);
    let session = browser.cookie("torvus_session").unwrap();
    app.restart();
    let again = app.browser();
    again.set_cookie("torvus_session", &session);
    assert!(again.is_in());
    if database == Database::Postgres {
        let other = app.node();
        let elsewhere = app.browser_at(&format!("http://{}", other.address().unwrap()));
        elsewhere.set_cookie("torvus_session", &session);
        assert!(elsewhere.is_in());
        again.fill(HERE, "/logout", &[]).expect(303);
        assert!(!elsewhere.is_in(), "nobody remembers it");
    }
}

fn sessions_end_by_themselves(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let minutes = |minutes: i64| minutes * 60 * 1_000_000;
    let back = |column: &str, by: i64| {
        app.sql(&format!("UPDATE sessions SET {column} = {column} - {by}"));
    };
    let browser = app.signed_in(&holder);
    back("seen_at", minutes(29));
    assert!(browser.is_in(), "29 minutes are not idle for long");
    back("seen_at", minutes(29));
    assert!(browser.is_in(), "being seen counts from anew");
    back("seen_at", minutes(30));
    assert!(!browser.is_in(), "30 minutes are");

    let browser = app.signed_in(&holder);
    back("created_at", minutes(12 * 60 - 1));
    assert!(browser.is_in());
    back("created_at", minutes(1));
    assert!(!browser.is_in(), "after 12 hours it ends, however busy");
}

on_both!(
    in_and_out,
    no_session_survives_what_ends_it,
    sessions_end_by_themselves,
    every_server_knows_a_session,
);
