//! Cookies, and what they open.

use torvus_e2e::{Database, TestApp, on_both, token};

use crate::HERE;

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

on_both!(
    over_https_the_cookies_are_for_this_host_alone,
    keys_and_cookies_open_their_own_door_alone,
    a_link_from_elsewhere_arrives_signed_in,
    without_a_dashboard_there_is_none,
);
