//! What the server answers to whom: bodies, headers, and which check comes first.

use std::time::Duration;

use serde_json::json;
use torvus_e2e::{Answer, Client, Database, TestApp, large, on_both, random_like, wait_until};

const NO_SUCH_VAULT: &str = "/v1/vaults/vault_01h2xcejqtf2nbrexx3vqjhp41";
const ALL: &str = "read,write,delete";

#[track_caller]
fn challenge(answer: &Answer) -> String {
    answer
        .header("www-authenticate")
        .unwrap_or_default()
        .to_owned()
}

fn send_authorization(client: &Client, value: &str) -> Answer {
    let request = client.request("GET", "/v1/account");
    client.send(request.header("Authorization", value))
}

fn a_bad_credential_is_always_the_same_401(database: Database) {
    let app = TestApp::start(database);
    let anonymous = app.anonymous();

    let missing = anonymous.get("/v1/account").expect_401();
    assert_eq!(challenge(&missing), r#"Bearer realm="torvus""#);
    assert_eq!(missing.header("cache-control"), Some("no-store"));
    assert!(missing.header("x-ratelimit-limit").is_none());
    assert!(
        missing
            .header("content-type")
            .unwrap()
            .starts_with("application/json")
    );

    let unknown = random_like("live");
    let mut mistyped = unknown.clone();
    mistyped.replace_range(20..21, if &unknown[20..21] == "a" { "b" } else { "a" });
    for sent in [
        format!("Bearer {unknown}"),
        format!("Bearer {mistyped}"),
        format!("Bearer {}", &unknown[..63]),
        format!("Bearer {unknown}0"),
        format!("Bearer {}", unknown.replace("live", "test")),
        "Bearer nonsense".to_owned(),
    ] {
        let refused = send_authorization(&anonymous, &sent).expect_401();
        let challenge = challenge(&refused);
        assert!(
            challenge.starts_with(r#"Bearer realm="torvus""#),
            "{challenge}"
        );
        assert!(
            challenge.contains(r#"error="invalid_token""#),
            "{challenge}"
        );
        assert!(refused.header("x-ratelimit-limit").is_none(), "{refused:?}");
    }
    for sent in ["Bearer", "Basic dXNlcjpwYXNz", &unknown, "Bearer  "] {
        send_authorization(&anonymous, sent).expect_401();
    }
}

fn a_key_that_has_ended_is_the_same_401(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");

    let short = app.key_with(&account, "live", "read", &["--expires", "1s"]);
    wait_until(Duration::from_secs(10), "the key expires", || {
        app.client(&short.token).get("/v1/account").status == 401
    });
    let revoked = app.key(&account, "live", "read");
    app.admin(&["key", "revoke", &revoked.id, "--reason", "lost"]);
    let key = app.key(&account, "test", "read");
    app.client(&key.token).get("/v1/account").expect(200);
    app.admin(&["account", "suspend", &account]);

    for token in [&short.token, &revoked.token, &key.token] {
        let refused = app.client(token).get("/v1/account").expect_401();
        assert!(challenge(&refused).contains(r#"error="invalid_token""#));
        assert!(refused.header("x-ratelimit-limit").is_none());
    }
    app.admin(&["account", "resume", &account]);
    app.client(&key.token).get("/v1/account").expect(200);
    app.client(&revoked.token).get("/v1/account").expect_401();
}

fn a_key_counts_only_in_the_authorization_header(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("professional"), "live", ALL);
    let anonymous = app.anonymous();

    for scheme in ["Bearer", "bearer", "BEARER", "Bearer   "] {
        send_authorization(&anonymous, &format!("{scheme} {}", key.token)).expect(200);
    }
    anonymous
        .get(&format!("/v1/account?api_key={}", key.token))
        .expect_401();
    anonymous
        .post("/v1/vaults", &json!({ "api_key": key.token }))
        .expect_401();
    for (name, value) in [
        ("Cookie", format!("api_key={}", key.token)),
        ("X-Api-Key", key.token.clone()),
    ] {
        let request = anonymous.request("GET", "/v1/account");
        anonymous.send(request.header(name, value)).expect_401();
    }

    let line = format!("Authorization: Bearer {}\r\n", key.token);
    for headers in [
        format!("{line}{line}"),
        format!("{line}Authorization: Basic eA==\r\n"),
    ] {
        let request = format!("GET /v1/account HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        app.raw().send(request.as_bytes()).unwrap().expect_401();
    }
    let mut bytes = format!(
        "GET /v1/account HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}",
        key.token
    )
    .into_bytes();
    bytes.extend(b"\xc3\xa9\r\n\r\n");
    app.raw().send(&bytes).unwrap().expect_401();
}

fn a_refused_permission_names_itself(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let client = app.client(&app.key(&account, "live", "read").token);

    for (method, path, scope) in [
        ("POST", "/v1/vaults", "write"),
        ("DELETE", NO_SUCH_VAULT, "delete"),
    ] {
        let refused = client.call(method, path, None).expect_403();
        let challenge = challenge(&refused);
        assert!(
            challenge.starts_with(r#"Bearer realm="torvus""#),
            "{challenge}"
        );
        assert!(
            challenge.contains(r#"error="insufficient_scope""#),
            "{challenge}"
        );
        assert!(
            challenge.contains(&format!(r#"scope="{scope}""#)),
            "{challenge}"
        );
        assert!(refused.header("x-ratelimit-remaining").is_some());
        assert_eq!(refused.header("cache-control"), Some("no-store"));
    }
    let other = app.client(&app.key(&account, "live", "write,delete").token);
    let refused = other.get("/v1/vaults").expect_403();
    assert!(challenge(&refused).contains(r#"scope="read""#));
    other.get("/v1/account").expect(200);
}

fn the_checks_have_an_order(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    let elsewhere = ["--allow-ip", "203.0.113.0/24", "--limit", "1"];
    let elsewhere = app.client(&app.key_with(&account, "live", "read", &elsewhere).token);
    let spent = app.client(
        &app.key_with(&account, "live", "read", &["--limit", "1"])
            .token,
    );
    let reader = app.client(&app.key(&account, "live", "read").token);
    let anonymous = app.anonymous();

    // Key before everything, also where there is no route.
    for (method, path) in [
        ("GET", "/v1/nothing"),
        ("OPTIONS", "/v1/vaults"),
        ("TRACE", "/v1/x"),
    ] {
        anonymous.call(method, path, None).expect_401();
    }
    // Address before limit: refused alike however often, and without a word about the limit.
    for _ in 0..3 {
        let refused = elsewhere.get("/v1/nothing").expect_403();
        assert!(refused.header("x-ratelimit-limit").is_none(), "{refused:?}");
        assert!(refused.header("ratelimit").is_none(), "{refused:?}");
    }
    // Limit before route and permission.
    spent.get("/v1/account").expect(200);
    for (method, path) in [
        ("GET", "/v1/nothing"),
        ("PUT", "/v1/account"),
        ("POST", "/v1/vaults"),
    ] {
        spent
            .call(method, path, None)
            .expect_error(429, "rate_limit_exceeded");
    }
    // Route before permission.
    reader.get("/v1/nothing").expect_error(404, "not_found");
    reader
        .post("/v1/nothing", &json!({}))
        .expect_error(404, "not_found");
    reader
        .delete("/v1/vaults")
        .expect_error(405, "method_not_allowed");
    // Permission before the handler's own answers: ownership, existence, body.
    let other = app.account("professional");
    let foreign = app
        .client(&app.key(&other, "live", ALL).token)
        .vault("theirs");
    for path in [format!("/v1/vaults/{foreign}"), NO_SUCH_VAULT.to_owned()] {
        let refused = reader.delete(&path).expect_403();
        assert!(challenge(&refused).contains("insufficient_scope"));
    }
    let refused = reader.get(&format!("/v1/vaults/{foreign}")).expect_403();
    assert!(!challenge(&refused).contains("insufficient_scope"));
    let broken = reader.request("POST", "/v1/vaults").body("{");
    reader.send(broken).expect_403();
}

fn a_path_is_taken_as_it_is_written(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("professional"), "live", ALL);
    let get = |path: &str, authorization: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{authorization}\r\n");
        app.raw().send(request.as_bytes()).unwrap()
    };
    let with_key = format!("Authorization: Bearer {}\r\n", key.token);

    get("/v1/vaults", &with_key).expect(200);
    get("/v1/vaults?limit=1", &with_key).expect(200);
    for path in [
        "/v1/vaults/",
        "/v1//vaults",
        "/v1/./vaults",
        "/v1/x/../vaults",
        "/v1/VAULTS",
        "/v1/%76aults",
        "/v1/vaults%2f",
        "/v1/vaults;a=b",
        "/v1/",
        "/v1",
        "/v1/account/",
    ] {
        get(path, &with_key).expect_error(404, "not_found");
    }
    for path in ["/v1/vaults/", "/v1/", "/v1", "/v1/./vaults"] {
        get(path, "").expect_401();
    }
    for path in [
        "//v1/vaults",
        "/V1/vaults",
        "/v2/vaults",
        "/nothing",
        "/v1x",
    ] {
        get(path, &with_key).expect(404);
        get(path, "").expect(404);
    }
    get("/livez", "").expect(404);
    get("/readyz", "").expect(404);
    get("/metrics", "").expect(404);
}

fn a_wrong_method_is_told_the_right_ones(database: Database) {
    let app = TestApp::start(database);
    let client = app.client(&app.key(&app.account("professional"), "live", ALL).token);
    for (method, path, expected) in [
        ("POST", "/v1/account", "GET HEAD"),
        ("DELETE", "/v1/vaults", "GET HEAD POST"),
        ("OPTIONS", "/v1/vaults", "GET HEAD POST"),
        ("POST", NO_SUCH_VAULT, "DELETE GET HEAD PATCH PUT"),
        ("GET", "/v1/vaults/v/documents/d", "DELETE"),
        ("PUT", "/v1/check-ins", "GET HEAD POST"),
    ] {
        let refused = client
            .call(method, path, None)
            .expect_error(405, "method_not_allowed");
        let mut allowed: Vec<&str> = refused.header("allow").unwrap().split(", ").collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(" "), expected, "{method} {path}");
    }
}

fn a_body_must_be_json_and_not_too_large(database: Database) {
    let app = TestApp::start(database);
    let client = app.client(&app.key(&app.account("enterprise"), "test", ALL).token);
    let send = |path: &str, kind: &str, body: String| {
        let request = client.request("POST", path);
        client.send(request.header("Content-Type", kind).body(body))
    };
    let vault = client.vault("v");
    let documents = format!("/v1/vaults/{vault}/documents");
    let json = "application/json";
    let named = json!({ "name": "n" }).to_string();
    let padded = |length: usize| format!("{named}{}", " ".repeat(length - named.len()));

    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "",
    ] {
        send("/v1/vaults", kind, named.clone()).expect_error(415, "unsupported_media_type");
    }
    send(
        "/v1/vaults",
        "application/json; charset=utf-8",
        named.clone(),
    )
    .expect(201);

    send("/v1/vaults", json, padded(65_536)).expect(201);
    send("/v1/vaults", json, padded(65_537)).expect_error(413, "payload_too_large");
    send(&documents, json, padded(2_097_153)).expect_error(413, "payload_too_large");
    send(&documents, json, padded(2_097_152)).expect(201);

    for body in ["", "{", "nonsense", "{\"name\":\"a\"} x"] {
        send("/v1/vaults", json, body.to_owned()).expect_error(400, "invalid_request");
    }
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    send("/v1/vaults", json, deep(200)).expect_error(400, "invalid_request");
    for (body, field) in [
        (r#"{"name":""}"#, "name"),
        (r#"{"name":7}"#, "name"),
        ("{}", "name"),
        (r#"{"name":"a","colour":"red"}"#, "colour"),
    ] {
        let refused = send("/v1/vaults", json, body.to_owned());
        let refused = refused.expect_error(422, "invalid_request");
        assert_eq!(refused.text("field"), field, "{body}");
    }
}

fn what_is_too_long_is_refused_before_the_key(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("professional"), "live", "read");
    let ask = |uri: String, header: &str| {
        let request = format!("GET {uri} HTTP/1.1\r\nHost: x\r\n{header}\r\n");
        app.raw().send(request.as_bytes()).unwrap()
    };
    let uri = |length: usize| format!("/v1/account?{:a<1$}", "", length - "/v1/account?".len());
    let authorization = format!("Authorization: Bearer {}\r\n", key.token);

    ask(uri(2048), &authorization).expect(200);
    ask(uri(2049), &authorization).expect_error(414, "uri_too_long");
    ask(uri(2049), "").expect_error(414, "uri_too_long");
    let fill = |length: usize| format!("X-Fill: {}\r\n", "a".repeat(length));
    ask(uri(12), &format!("{authorization}{}", fill(15_000))).expect(200);
    ask(uri(12), &fill(17_000)).expect_error(431, "headers_too_large");
    ask(uri(12), &format!("{authorization}{}", fill(20_000)))
        .expect_error(431, "headers_too_large");
}

fn every_answer_names_its_request(database: Database) {
    let app = TestApp::start(database);
    let client = app.client(&app.key(&app.account("enterprise"), "live", "read").token);
    let mut seen = std::collections::HashSet::new();
    for (client, path) in [
        (&client, "/v1/account"),
        (&client, "/v1/nothing"),
        (&client, "/v1/vaults"),
        (&app.anonymous(), "/v1/account"),
    ] {
        for _ in 0..large(50) {
            let answer = client.get(path);
            let id = answer
                .header("x-request-id")
                .expect("a request id")
                .to_owned();
            assert!(id.starts_with("req_") && id.len() == 30, "{id}");
            assert!(seen.insert(id));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    let request = client
        .request("GET", "/v1/account")
        .header("X-Request-Id", "mine-1");
    let answer = client.send(request);
    assert!(answer.header("x-request-id").unwrap().starts_with("req_"));
}

on_both!(
    a_bad_credential_is_always_the_same_401,
    a_key_that_has_ended_is_the_same_401,
    a_key_counts_only_in_the_authorization_header,
    a_refused_permission_names_itself,
    the_checks_have_an_order,
    a_path_is_taken_as_it_is_written,
    a_wrong_method_is_told_the_right_ones,
    a_body_must_be_json_and_not_too_large,
    what_is_too_long_is_refused_before_the_key,
    every_answer_names_its_request,
);
