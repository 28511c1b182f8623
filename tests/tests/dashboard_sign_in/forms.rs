//! Forms that count, and forms that do not.

use torvus_e2e::{Database, TestApp, on_both, token};

use crate::{HERE, NEW};

fn only_a_form_that_was_shown_counts_and_once(database: Database) {
    let app = TestApp::start(database);
    let (holder, other) = (app.holder(), app.holder());
    let (browser, foreign) = (app.signed_in(&holder), app.signed_in(&other));
    let change = "/settings/account/password";
    let fields = |token: &str| {
        [
            ("token".to_owned(), token.to_owned()),
            ("current_password".to_owned(), holder.password.clone()),
            ("new_password".to_owned(), NEW.to_owned()),
            ("repeat_password".to_owned(), NEW.to_owned()),
        ]
    };
    let post = |token: &str, headers: &[(&str, &str)]| {
        let fields = fields(token);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (&**k, &**v)).collect();
        browser.send("POST", change, Some(&fields), headers)
    };
    let shown = || token(&browser.get(HERE), change);
    let theirs = token(&foreign.get(HERE), change);
    let login = token(&app.browser().get("/login"), "/login");
    for wrong in ["", "x", &theirs, &login, &"A".repeat(67), &shown()[1..]] {
        post(wrong, &[]).expect(403);
    }
    let own = app.url();
    let host = own.strip_prefix("http://").unwrap();
    for headers in [
        &[("Origin", "https://evil.example")][..],
        &[("Origin", "null")],
        &[("Origin", "")],
        &[("Origin", "http://127.0.0.1")],
        &[("Origin", &format!("{own}.evil.example"))],
        &[("Origin", &format!("ftp://{host}"))],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "none")],
        &[("Origin", &own), ("Sec-Fetch-Site", "cross-site")],
        &[
            ("Origin", "https://evil.example"),
            ("Sec-Fetch-Site", "same-origin"),
        ],
        &[
            ("Origin", "http://evil.example"),
            ("X-Forwarded-Host", "evil.example"),
        ],
    ] {
        post(&shown(), headers).expect(403);
    }
    // Other methods, and other kinds of bodies.
    let sent = browser.send("GET", &format!("{change}?token={}", shown()), None, &[]);
    assert_eq!(sent.expect(405).header("allow"), Some("POST"));
    let json = [("Content-Type", "application/json")];
    browser.send("POST", change, None, &json).expect(400);
    let large = "x".repeat(65_536);
    browser
        .post(change, &[("token", &shown()), ("x", &large)])
        .expect(413);
    // Nothing came of any of it.
    assert!(browser.is_in());
    app.signed_in(&holder);

    let token = shown();
    post(
        &token,
        &[("Origin", &own), ("Sec-Fetch-Site", "same-origin")],
    )
    .expect(303);
    // The session goes on by another secret, and the token by none.
    post(&token, &[]).expect(403);
    let end = "/settings/account/sessions/end";
    app.browser().sign_in(&holder.email, NEW).expect(303);
    let page = browser.get(HERE);
    let token = torvus_e2e::token(&page, end);
    browser.post(end, &[("token", &token)]).expect(303);
    let again = browser.post(end, &[("token", &token)]).expect(409);
    assert!(again.body.contains("Sent already"), "{again:?}");
}

on_both!(only_a_form_that_was_shown_counts_and_once,);
