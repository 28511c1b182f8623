//! What every page has, and what nothing keeps.

use torvus_e2e::{Database, Holder, TestApp, on_both};

use crate::{HERE, NEW, change_password};

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
    for lost in [browser.get("/settings/nowhere"), browser.get("/logout")] {
        assert!(lost.body.contains(">Sign out</button>"), "{lost:?}");
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

on_both!(every_answer_has_the_headers, no_secret_of_a_session_is_kept,);
