//! The way into the dashboard and out of it: sessions, forms, cookies, and what is recorded of them.

use serde_json::Value;
use torvus_e2e::{Answer, Browser, Database, Holder, TestApp, on_both, token};

const HERE: &str = "/settings/account";
const NEW: &str = "a sentence that nobody else says";

/// What is recorded of sign-ins: action, outcome and actor, the oldest first.
fn records(app: &TestApp) -> Vec<(String, String, String)> {
    let list = app.admin(&["audit", "list", "--category", "sign_in", "--limit", "1000"]);
    let text = |record: &Value, field: &str| record[field].as_str().unwrap_or_default().to_owned();
    let records = list["data"].as_array().unwrap().iter().rev();
    records
        .map(|record| {
            (
                text(record, "action"),
                text(record, "outcome"),
                text(record, "actor"),
            )
        })
        .collect()
}

fn change_password(browser: &Browser, current: &str, new: &str) -> Answer {
    let fields = [
        ("current_password", current),
        ("new_password", new),
        ("repeat_password", new),
    ];
    browser.fill(HERE, "/settings/account/password", &fields)
}

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

fn nobody_learns_which_accounts_there_are(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let answer = |email: &str| {
        let refused = app.browser().sign_in(email, "not the password").expect(401);
        let token = token(&refused, "/login");
        refused
            .body
            .replace(&token, "TOKEN")
            .replace(email, "EMAIL")
    };
    let known = answer(&holder.email);
    assert!(known.contains("Wrong email or password."));
    for unknown in ["nobody@example.com", "no address", "x@y"] {
        assert_eq!(answer(unknown), known, "{unknown}");
    }
    let wrong = records(&app);
    assert_eq!(wrong.len(), 4);
    for (action, outcome, actor) in wrong {
        assert_eq!(action, "session.sign_in");
        assert_eq!(outcome, "wrong_credentials");
        assert_eq!(actor, "anonymous");
    }
}

fn strangers_slow_down_nobody_but_themselves(database: Database) {
    let app = TestApp::start(database);
    let (holder, other) = (app.holder(), app.holder());
    let key = app.key(&holder.id, "live", "read");
    let home = app.signed_in(&holder);
    home.fill(HERE, "/logout", &[]).expect(303);
    let stranger = app.browser();
    for _ in 0..10 {
        stranger.sign_in(&holder.email, "a guess").expect(401);
    }
    for password in ["a guess", &holder.password] {
        let slowed = stranger.sign_in(&holder.email, password).expect(429);
        let wait: u64 = slowed.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=180).contains(&wait), "{wait}");
        assert!(slowed.body.contains("Too many tries."));
    }
    // Neither the holder's browser nor their keys, nor another account.
    home.sign_in(&holder.email, &holder.password).expect(303);
    app.client(&key.token).get("/v1/account").expect(200);
    app.signed_in(&other);
    // A known browser is not let in without the password, nor can it guess for ever.
    home.fill(HERE, "/logout", &[]).expect(303);
    let tries = (0..11).map(|_| home.sign_in(&holder.email, "a guess").status);
    let tries: Vec<u16> = tries.collect();
    assert_eq!(tries, [&[401; 10][..], &[429]].concat());

    // An address that has no account is slowed down like one that has.
    let unknown = app.browser();
    let tries = (0..11).map(|_| unknown.sign_in("nobody@example.com", "a guess").status);
    assert_eq!(
        tries.collect::<Vec<u16>>(),
        [&[401; 10][..], &[429]].concat()
    );
    let slowed = records(&app);
    let slowed = slowed.iter().filter(|record| record.1 == "rate_limited");
    assert_eq!(slowed.count(), 3, "each is told once an hour");

    // Time gives tries back.
    let earlier = "UPDATE sign_in_tries SET whole_at = whole_at - 200000000";
    app.sql(earlier);
    stranger
        .sign_in(&holder.email, &holder.password)
        .expect(303);
}

fn a_network_is_slowed_down_over_many_accounts(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let stranger = app.browser();
    let tries = (0..31).map(|n| stranger.sign_in(&format!("n{n}@example.com"), "x").status);
    assert_eq!(
        tries.collect::<Vec<u16>>(),
        [&[401; 30][..], &[429]].concat()
    );
    stranger
        .sign_in(&holder.email, &holder.password)
        .expect(429);
}

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

fn over_https_the_cookies_are_for_this_host_alone(database: Database) {
    let app = TestApp::builder(database)
        .args(&["--trusted-proxy", "127.0.0.1"])
        .start();
    let holder = app.holder();
    let secure = app.browser().with_header("X-Forwarded-Proto", "https");
    let login = secure.sign_in(&holder.email, &holder.password).expect(303);
    let cookies = login
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie");
    let cookies: Vec<&str> = cookies.map(|(_, cookie)| cookie.as_str()).collect();
    assert_eq!(cookies.len(), 2);
    for cookie in cookies {
        assert!(cookie.starts_with("__Host-torvus_"), "{cookie}");
        for part in ["; Secure", "; HttpOnly", "; Path=/", "; SameSite="] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    assert!(login.header("strict-transport-security").is_some());
    assert!(secure.is_in());
    // A plain cookie does not count there: somebody else may have set it.
    let session = secure.cookie("__Host-torvus_session").unwrap();
    let plain = app.browser().with_header("X-Forwarded-Proto", "https");
    plain.set_cookie("torvus_session", &session);
    assert!(!plain.is_in());
    // The origin is that of the proxy.
    let change = |headers: &[(&str, &str)]| {
        let token = token(&secure.get(HERE), "/settings/account/sessions/end");
        let fields = [("token", token.as_str())];
        secure.send(
            "POST",
            "/settings/account/sessions/end",
            Some(&fields),
            headers,
        )
    };
    let mut second = app.browser().with_header("X-Forwarded-Proto", "https");
    second = second.with_header("X-Forwarded-For", "203.0.113.5");
    second.sign_in(&holder.email, &holder.password).expect(303);
    let public = ("X-Forwarded-Host", "keys.example");
    change(&[public, ("Origin", "http://keys.example")]).expect(403);
    change(&[public, ("Origin", "https://keys.example")]).expect(303);
    let unread = [("X-Forwarded-For", "nonsense")];
    secure.send("GET", "/login", None, &unread).expect(403);

    // Whoever is no trusted proxy has no say.
    let app = TestApp::start(database);
    let holder = app.holder();
    let browser = app.browser().with_header("X-Forwarded-Proto", "https");
    let login = browser.sign_in(&holder.email, &holder.password).expect(303);
    assert!(browser.cookie("torvus_session").is_some());
    assert!(!format!("{login:?}").contains("Secure"));
    assert!(login.header("strict-transport-security").is_none());
}

fn keys_and_cookies_open_their_own_door_alone(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let key = app.key(&holder.id, "live", "read,write,delete");
    let bearer = format!("Bearer {}", key.token);
    let by_key = app.browser().with_header("Authorization", &bearer);
    assert!(!by_key.is_in());
    let browser = app.signed_in(&holder);
    for path in ["/v1/account", "/v1/vaults", "/v1/settings"] {
        browser.get(path).expect_401();
    }
    let session = browser.cookie("torvus_session").unwrap();
    app.client(&session).get("/v1/account").expect_401();
    by_key.get("/v1/account").expect(200);
}

fn the_password_is_asked_for_once_more(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let browser = app.signed_in(&holder);
    let path = "/confirm?next=%2Fsettings%2Faccount";
    let led = browser.get(path).expect(303);
    assert_eq!(led.header("location"), Some("/settings/account"));
    let later = "UPDATE sessions SET confirmed_at = confirmed_at - 900000000";
    app.sql(later);
    let confirm = |password: &str, next: &str| {
        browser.fill(path, "/confirm", &[("password", password), ("next", next)])
    };
    let refused = confirm("wrong", "/settings/account").expect(403);
    assert!(
        refused.body.contains("That is not your password."),
        "{refused:?}"
    );
    confirm("", "/settings/account").expect(403);
    let led = confirm(&holder.password, "/settings/account").expect(303);
    assert_eq!(led.header("location"), Some("/settings/account"));
    browser.get(path).expect(303);
    // Never to another place.
    for next in [
        "https://evil.example/settings/",
        "//evil.example",
        "/\\evil.example",
        "/settings//evil.example",
        "/settings/\r\nx",
        "/login",
        "settings/account",
        "javascript:alert(1)",
    ] {
        app.sql(later);
        let led = confirm(&holder.password, next).expect(303);
        assert_eq!(led.header("location"), Some("/settings/api-keys"), "{next}");
    }
    app.sql(later);
    let tries = (0..6).map(|_| confirm("wrong", "").status);
    tries.for_each(|status| assert_eq!(status, 403));
    let slowed = confirm(&holder.password, "").expect(403);
    assert!(slowed.body.contains("Too many tries."), "{slowed:?}");
}

fn a_new_password_keeps_the_rules(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let browser = app.signed_in(&holder);
    for (current, new, said) in [
        ("wrong", NEW, "That is not your password."),
        (&*holder.password, "short", "12 to 128 characters"),
        (
            &holder.password,
            &"long ones ".repeat(13),
            "12 to 128 characters",
        ),
        (&holder.password, "aaaaaaaaaaaaaaaa", "different characters"),
        (
            &holder.password,
            &format!("my {}!", holder.email),
            "email address",
        ),
        (&holder.password, &holder.password, "the one that you have"),
    ] {
        let refused = change_password(&browser, current, new).expect(422);
        assert!(refused.body.contains(said), "{said}: {refused:?}");
    }
    let fields = [
        ("current_password", &*holder.password),
        ("new_password", NEW),
        ("repeat_password", "another"),
    ];
    let refused = browser
        .fill(HERE, "/settings/account/password", &fields)
        .expect(422);
    assert!(refused.body.contains("not the same"));
    let longest = "ä".repeat(64) + &"bcde".repeat(16);
    change_password(&browser, &holder.password, &longest).expect(303);
    app.browser().sign_in(&holder.email, &longest).expect(303);
    let trail = app.trail(&[]);
    assert_eq!(trail[0]["action"], "account.change_password");
    assert_eq!(trail[0]["actor"], format!("account:{}", holder.email));
}

/// The secret that a page shows, and the code of this moment.
fn code_now(page: &Answer) -> (totp_rs::Totp, String) {
    let (_, secret) = page.body.split_once("<p><code>").expect("a secret");
    let secret = secret.split_once('<').unwrap().0;
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let code = totp.generate(seconds()).to_string();
    (totp, code)
}

fn seconds() -> u64 {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    now.as_secs()
}

fn a_code_after_the_password(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let browser = app.signed_in(&holder);
    let two_step = "/settings/account/two-step";
    let set_up =
        |browser: &Browser| browser.fill(two_step, "/settings/account/two-step/set-up", &[]);
    let page = set_up(&browser).expect(200);
    assert!(page.body.contains("<svg role=\"img\"") && !page.body.contains(" style="));
    let on = "/settings/account/two-step/on";
    let wrong = [("token", &*token(&page, on)), ("code", "000000")];
    let page = browser.post(on, &wrong).expect(422);
    let (totp, code) = code_now(&page);
    let right = [("token", &*token(&page, on)), ("code", &*code)];
    let page = browser.post(on, &right).expect(200);
    let codes: Vec<String> = page
        .body
        .split("<li><code>")
        .skip(1)
        .map(|rest| rest.split_once('<').unwrap().0.to_owned())
        .collect();
    assert_eq!(codes.len(), 10);
    let off = "/settings/account/two-step/off";
    let again = token(&browser.get(two_step), off);
    let begun = browser.post("/settings/account/two-step/set-up", &[("token", &again)]);
    assert!(begun.expect(409).body.contains("is on already"));

    // The password alone opens nothing.
    let enter = |browser: &Browser, code: &str| {
        let led = browser.sign_in(&holder.email, &holder.password).expect(303);
        let place = led.header("location").unwrap().to_owned();
        assert!(place.starts_with("/login/code?next="), "{place}");
        assert!(!browser.is_in());
        browser.fill(&place, "/login/code", &[("code", code)])
    };
    let other = app.browser();
    assert_eq!(
        other.get("/login/code").expect(303).header("location"),
        Some("/login")
    );
    enter(&other, &code).expect(401);
    assert!(!other.is_in(), "no code is taken twice");
    let waiting = other.cookie("torvus_session").unwrap();
    let next = totp.generate(seconds() + 30).to_string();
    other
        .fill("/login/code", "/login/code", &[("code", &next)])
        .expect(303);
    assert!(other.is_in());
    assert_ne!(
        other.cookie("torvus_session").unwrap(),
        waiting,
        "a new one again"
    );
    let held = app.browser();
    held.set_cookie("torvus_session", &waiting);
    assert!(!held.is_in());
    held.get("/login/code").expect(303);

    // A recovery code, once, however it is typed.
    let typed = codes[3].to_lowercase().replace('-', " ");
    let lost = app.browser();
    enter(&lost, &typed).expect(303);
    assert!(lost.is_in());
    enter(&app.browser(), &codes[3]).expect(401);
    assert!(lost.get(two_step).body.contains("Recovery codes left: 9"));

    // Guessing is slow.
    let guesser = app.browser();
    enter(&guesser, "1").expect(401);
    let guess = || {
        guesser
            .fill("/login/code", "/login/code", &[("code", "123")])
            .status
    };
    let tries: Vec<u16> = (0..6).map(|_| guess()).collect();
    assert_eq!(tries.last(), Some(&429), "{tries:?}");
    app.sql("UPDATE sign_in_tries SET whole_at = 0");

    // Another pepper takes the secret over.
    if database == Database::Sqlite {
        app.admin(&["pepper", "add"]);
        app.admin(&["pepper", "retire", "1", "--yes"]);
        enter(&app.browser(), &codes[4]).expect(303);
        app.sql("UPDATE second_factors SET last_step = 0");
        let now = totp.generate(seconds()).to_string();
        enter(&app.browser(), &now).expect(303);
    }
    for place in [app.dump(), Some(app.log())].into_iter().flatten() {
        assert!(!codes.iter().any(|code| place.contains(code)));
    }

    // Off again: by the holder, who gives the password for it, or by an operator.
    app.sql("UPDATE sessions SET confirmed_at = confirmed_at - 900000000");
    browser.fill(two_step, off, &[]).expect(403);
    browser
        .fill(two_step, off, &[("password", &holder.password)])
        .expect(303);
    app.signed_in(&holder);
    let page = set_up(&browser).expect(200);
    let (_, code) = code_now(&page);
    let right = [("token", &*token(&page, on)), ("code", &*code)];
    browser.post(on, &right).expect(200);
    let reset = ["account", "reset-password", &holder.id];
    let password = app.admin(&reset)["dashboard_password"].clone();
    let led = app
        .browser()
        .sign_in(&holder.email, password.as_str().unwrap());
    assert!(led.header("location").unwrap().starts_with("/login/code"));
    let password = app.admin(&[&reset[..], &["--second-factor-off"]].concat());
    let password = password["dashboard_password"].as_str().unwrap();
    let browser = app.browser();
    browser.sign_in(&holder.email, password).expect(303);
    assert!(browser.is_in());
}

fn a_link_from_elsewhere_arrives_signed_in(database: Database) {
    let app = TestApp::start(database);
    let browser = app.browser();
    let from_elsewhere = [("Sec-Fetch-Site", "cross-site")];
    let page = browser.send("GET", "/settings/account?x=%22%3Cb", None, &from_elsewhere);
    let page = page.expect(200);
    let refresh = "<meta http-equiv=\"refresh\" content=\"0; url=/settings/account?x=%22%3Cb\">";
    assert!(page.body.contains(refresh), "{page:?}");
    // From there the browser has its cookie, or is led to sign in.
    let same = [("Sec-Fetch-Site", "same-origin")];
    browser.send("GET", HERE, None, &same).expect(303);
}

fn without_a_dashboard_there_is_none(database: Database) {
    let app = TestApp::builder(database).args(&["--no-dashboard"]).start();
    let browser = app.browser();
    for path in [
        "/",
        "/login",
        "/settings/api-keys",
        "/settings/account",
        "/assets/x",
        "/confirm",
    ] {
        browser.get(path).expect_error(404, "not_found");
    }
    browser.post("/login", &[]).expect_error(404, "not_found");
    let app = TestApp::builder(database)
        .config("dashboard = false")
        .start();
    app.browser().get("/login").expect_error(404, "not_found");
    let app = TestApp::builder(database)
        .config("dashboard = true")
        .start();
    app.browser().get("/login").expect(200);
}

fn every_answer_has_the_headers(database: Database) {
    let app = TestApp::start(database);
    let holder: Holder = app.holder();
    let browser = app.signed_in(&holder);
    let stranger = app.browser();
    let css = stranger.get("/login").body;
    let css = css
        .split("href=\"")
        .find(|part| part.starts_with("/assets/torvus-"))
        .unwrap();
    let css = css.split('"').next().unwrap().to_owned();
    let answers = [
        stranger.get("/login"),
        stranger.get("/"),
        stranger.get("/settings/account"),
        stranger.get("/settings/nowhere").expect(404),
        stranger.get("/assets/nothing.css").expect(404),
        stranger.get(&css).expect(200),
        stranger.post("/login", &[]).expect(403),
        stranger.send("PUT", "/login", None, &[]).expect(405),
        stranger.send("HEAD", "/login", None, &[]).expect(200),
        browser.get(HERE).expect(200),
        browser.get("/logout").expect(405),
        browser.get("/confirm").expect(303),
        stranger.sign_in("a@example.com", "x").expect(401),
    ];
    for answer in answers {
        let header = |name| {
            answer
                .header(name)
                .unwrap_or_else(|| panic!("{name}: {answer:?}"))
        };
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert!(header("x-request-id").starts_with("req_"));
        header("permissions-policy");
        let immutable = header("cache-control").contains("immutable");
        let is_asset = answer.header("content-type") == Some("text/css; charset=utf-8");
        assert_eq!(immutable, is_asset, "{answer:?}");
        assert!(immutable || header("cache-control") == "no-store");
        for mark in [" style=", " onclick=", "<style", "http://", "https://"] {
            assert!(
                is_asset || !answer.body.contains(mark),
                "{mark}: {answer:?}"
            );
        }
        assert!(answer.body.len() < 100_000);
    }
    let head = browser.send("HEAD", HERE, None, &[]).expect(200);
    assert!(head.body.is_empty());
}

fn no_secret_of_a_session_is_kept(database: Database) {
    let app = TestApp::builder(database).env("RUST_LOG", "trace").start();
    let holder = app.holder();
    let browser = app.signed_in(&holder);
    let mut secrets: Vec<String> = browser.cookies().into_values().collect();
    let typed = "a wrong password in any field";
    app.browser().sign_in(typed, typed).expect(401);
    app.browser().sign_in(&holder.email, typed).expect(401);
    change_password(&browser, &holder.password, NEW).expect(303);
    secrets.extend(browser.cookies().into_values());
    secrets.extend([typed.to_owned(), NEW.to_owned(), holder.password.clone()]);
    secrets.extend([typed, NEW].map(|text| text.replace(' ', "%20")));
    let mut places = vec![app.log().into_bytes()];
    places.extend(app.dump().map(String::into_bytes));
    for entry in std::fs::read_dir(app.data_dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            places.push(std::fs::read(path).unwrap());
        }
    }
    for place in places {
        let text = String::from_utf8_lossy(&place);
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret}");
        }
    }
}

on_both!(
    in_and_out,
    no_session_survives_what_ends_it,
    sessions_end_by_themselves,
    nobody_learns_which_accounts_there_are,
    strangers_slow_down_nobody_but_themselves,
    a_network_is_slowed_down_over_many_accounts,
    only_a_form_that_was_shown_counts_and_once,
    over_https_the_cookies_are_for_this_host_alone,
    keys_and_cookies_open_their_own_door_alone,
    the_password_is_asked_for_once_more,
    a_new_password_keeps_the_rules,
    a_code_after_the_password,
    a_link_from_elsewhere_arrives_signed_in,
    without_a_dashboard_there_is_none,
    every_answer_has_the_headers,
    no_secret_of_a_session_is_kept,
);
