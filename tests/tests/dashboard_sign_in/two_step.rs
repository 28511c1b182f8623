//! A one-time code after the password.

use torvus_e2e::{Answer, Browser, Database, TestApp, on_both, token};

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
    app.sql("UPDATE sessions SET confirmed_at = confirmed_at - 900000000 WHERE awaits_code");
    let next = totp.generate(seconds() + 30).to_string();
    other
        .fill("/login/code", "/login/code", &[("code", &next)])
        .expect(303);
    assert!(other.is_in());
    other.fill(two_step, off, &[]).expect(403);
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
    // What was begun can be ended for so long.
    let page = set_up(&browser).expect(200);
    let (_, code) = code_now(&page);
    app.sql("UPDATE second_factors SET created_at = created_at - 900000000");
    let late = [("token", &*token(&page, on)), ("code", &*code)];
    browser.post(on, &late).expect(409);
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

on_both!(a_code_after_the_password,);
