//! What begins a session, and what ends it.

use std::io::{Read, Write};
use std::net::TcpStream;

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

fn an_account_has_twenty_sessions(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let first = app.signed_in(&holder);
    let others: Vec<_> = (0..20).map(|_| app.signed_in(&holder)).collect();
    assert!(!first.is_in(), "the oldest makes room");
    assert!(others.iter().all(torvus_e2e::Browser::is_in));
    let ended = records(&app);
    let ended = ended.iter().filter(|record| record.0 == "session.end");
    assert_eq!(ended.count(), 1);
    // Ending all others forgets their browsers too.
    let [mine, other] = [&others[0], &others[1]];
    let forgotten = other.cookie("torvus_browser").unwrap();
    mine.fill(HERE, "/settings/account/sessions/end", &[])
        .expect(303);
    let known = app.browser();
    known.set_cookie("torvus_browser", &forgotten);
    app.sql("UPDATE sign_in_tries SET whole_at = 0");
    for _ in 0..10 {
        app.browser().sign_in(&holder.email, "a guess").expect(401);
    }
    known.sign_in(&holder.email, &holder.password).expect(429);
    mine.fill(HERE, "/logout", &[]).expect(303);
    mine.sign_in(&holder.email, &holder.password).expect(303);
    let ended = records(&app).len();
    let session = mine.cookie("torvus_session").unwrap();
    mine.set_cookie("torvus_session", "none");
    let page = mine.get("/login").expect(200);
    mine.set_cookie("torvus_session", &session);
    let fields = [
        ("token", &*token(&page, "/login")),
        ("email", &*holder.email),
        ("password", &*holder.password),
    ];
    mine.post("/login", &fields).expect(303);
    let last = records(&app);
    let of_last: Vec<&str> = last[ended..].iter().map(|one| one.0.as_str()).collect();
    assert_eq!(of_last, ["session.end", "session.sign_in"]);
}

fn a_slow_form_ends_with_its_session(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let (slow, other) = (app.signed_in(&holder), app.signed_in(&holder));
    let action = "/settings/account/sessions/end";
    let body = format!("token={}", token(&slow.get(HERE), action));
    let (sent, kept) = body.split_at(body.len() - 1);
    let address = app.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "POST {action} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         Cookie: torvus_session={}\r\nConnection: close\r\n\r\n{sent}",
        body.len(),
        slow.cookie("torvus_session").unwrap(),
    )
    .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    other.fill(HERE, action, &[]).expect(303);
    stream.write_all(kept.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 303") && answer.contains("location: /login"),
        "{answer}"
    );
    assert!(other.is_in(), "what it asked for was not done");
}

on_both!(
    an_account_has_twenty_sessions,
    a_slow_form_ends_with_its_session,
    in_and_out,
    no_session_survives_what_ends_it,
    sessions_end_by_themselves,
    every_server_knows_a_session,
);
