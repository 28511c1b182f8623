//! The description of the API is for everybody, and is not a use of it.

use torvus_e2e::{Database, TestApp, on_both};

fn the_description_is_public_and_not_recorded(database: Database) {
    let app = TestApp::start(database);
    let anyone = app.anonymous();
    for (path, kind) in [
        ("/openapi.json", "application/json"),
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/guide", "text/html; charset=utf-8"),
        ("/docs/style.css", "text/css; charset=utf-8"),
    ] {
        let answer = anyone.get(path).expect(200);
        assert_eq!(answer.header("content-type"), Some(kind));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("x-request-id").is_some());
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'"),
            "{policy}"
        );
        let head = anyone.call("HEAD", path, None).expect(200);
        assert_eq!(head.body, "");
        let refused = anyone
            .call("POST", path, None)
            .expect_error(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    }
    anyone.get("/docs/").expect_error(404, "not_found");
    let records = app.admin(&["audit", "list", "--limit", "10"]);
    assert_eq!(records["data"].as_array().map(Vec::len), Some(0));
}

fn every_start_describes_the_same(database: Database) {
    let mut app = TestApp::start(database);
    let first = app.anonymous().get("/openapi.json").expect(200).body;
    app.restart();
    assert_eq!(app.anonymous().get("/openapi.json").expect(200).body, first);
}

on_both!(
    the_description_is_public_and_not_recorded,
    every_start_describes_the_same,
);
