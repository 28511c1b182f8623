//! Behind proxies: whose request it is, and the check for another API.

use std::fs;

use torvus_e2e::{Answer, Client, Database, Key, TestApp, on_both, wait_until};

/// Sends a request with these headers.
#[track_caller]
fn ask(client: &Client, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers
        .iter()
        .fold(client.request(method, path), |request, (name, value)| {
            request.header(*name, *value)
        });
    client.send(request)
}

fn told<'a>(method: &'a str, uri: &'a str) -> [(&'static str, &'a str); 2] {
    [("X-Forwarded-Method", method), ("X-Forwarded-Uri", uri)]
}

fn key_bound_to(app: &TestApp, account: &str, address: &str) -> Key {
    app.key_with(account, "live", "read", &["--allow-ip", address])
}

/// The newest records of a key: address, outcome, path.
fn records(app: &TestApp, key: &Key) -> Vec<[String; 3]> {
    let log = app.admin(&[
        "audit",
        "list",
        "--key",
        &key.id,
        "--category",
        "api_activity",
    ]);
    let text = |record: &serde_json::Value, field: &str| {
        record[field].as_str().unwrap_or_default().to_owned()
    };
    let rows = log["data"].as_array().unwrap().iter();
    rows.map(|record| ["ip", "outcome", "path"].map(|field| text(record, field)))
        .collect()
}

fn behind_a_trusted_proxy_the_last_untrusted_hop_is_the_client(database: Database) {
    let app = TestApp::builder(database)
        .args(&[
            "--trusted-proxy",
            "127.0.0.1",
            "--trusted-proxy",
            "10.0.0.0/8",
        ])
        .start();
    let account = app.account("enterprise");
    let key = key_bound_to(&app, &account, "203.0.113.7");
    let client = app.client(&key.token);
    for (forwarded, status) in [
        (&["203.0.113.7"][..], 200),
        (&["198.51.100.1, 203.0.113.7, 10.0.0.9"], 200),
        (&["198.51.100.1", "203.0.113.7:5555"], 200),
        (&["::ffff:203.0.113.7"], 200),
        (&["203.0.113.7, 198.51.100.1"], 403),
        (&["203.0.113.7", "198.51.100.1"], 403),
        (&[], 403), // the proxy itself
        (&["203.0.113.7, unknown"], 403),
        (&["203.0.113.7,"], 403),
        (&["unknown"], 403),
    ] {
        let lines: Vec<_> = forwarded
            .iter()
            .map(|line| ("X-Forwarded-For", *line))
            .collect();
        let answer = ask(&client, "GET", "/v1/account", &lines);
        assert_eq!(answer.status, status, "{forwarded:?}");
    }
    // Other headers that tell of a client are not read.
    for header in [
        "Forwarded",
        "X-Real-IP",
        "X-Client-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
    ] {
        let value = if header == "Forwarded" {
            "for=203.0.113.7"
        } else {
            "203.0.113.7"
        };
        ask(&client, "GET", "/v1/account", &[(header, value)]).expect_403();
    }
    let seen = records(&app, &key);
    let count = |ip: &str, outcome: &str| {
        seen.iter()
            .filter(|record| record[0] == ip && record[1] == outcome)
            .count()
    };
    assert_eq!(count("203.0.113.7", "ok"), 4, "{seen:?}");
    assert_eq!(count("198.51.100.1", "ip_not_allowed"), 2);
    assert_eq!(count("127.0.0.1", "ip_not_allowed"), 6);
    assert_eq!(
        count("", "ip_not_allowed"),
        3,
        "an address that can't be read is none"
    );
    let usage = app.admin(&["key", "usage", &key.id]);
    assert_eq!(usage["ip_addresses"][0]["ip"], "127.0.0.1");
    // Where nobody can say who it is, a key without a list is refused, too.
    let free = app.client(&app.key(&account, "live", "read").token);
    ask(
        &free,
        "GET",
        "/v1/account",
        &[("X-Forwarded-For", "unknown")],
    )
    .expect_403();
    // Without a valid key it is 401 first.
    ask(
        &app.anonymous(),
        "GET",
        "/v1/account",
        &[("X-Forwarded-For", "?")],
    )
    .expect_401();
}

fn from_anybody_else_forwarded_headers_are_worth_nothing(database: Database) {
    let app = TestApp::builder(database)
        .args(&["--trusted-proxy", "10.0.0.0/8"])
        .start();
    let account = app.account("enterprise");
    let key = key_bound_to(&app, &account, "203.0.113.7");
    let client = app.client(&key.token);
    for value in [
        "203.0.113.7",
        "10.0.0.1, 203.0.113.7",
        "203.0.113.7, 10.0.0.1",
        "unknown",
    ] {
        ask(&client, "GET", "/v1/account", &[("X-Forwarded-For", value)]).expect_403();
    }
    let free = app.key(&account, "live", "read");
    let client = app.client(&free.token);
    ask(
        &client,
        "GET",
        "/v1/account",
        &[("X-Forwarded-For", "unknown")],
    )
    .expect(200);
    for path in ["/auth/forward", "/auth/envoy/v1/account"] {
        ask(&client, "GET", path, &told("GET", "/v1/account")).expect_403();
    }
    let outcomes: Vec<_> = records(&app, &free)
        .into_iter()
        .map(|record| record[1].clone())
        .collect();
    assert_eq!(outcomes, ["ok"]);
    let log = app.admin(&["audit", "list", "--outcome", "untrusted_proxy"]);
    assert_eq!(log["data"].as_array().unwrap().len(), 2);
}

fn a_proxy_is_told_who_is_asking(database: Database) {
    let app = TestApp::builder(database)
        .args(&["--trusted-proxy", "127.0.0.1"])
        .start();
    let account = app.account("professional");
    let name = "Käse – 部署, \"x\"";
    let made = app.admin(&[
        "key",
        "create",
        "--account",
        &account,
        "--name",
        name,
        "--environment",
        "live",
        "--permissions",
        "read,write",
    ]);
    let key = Key {
        id: made["id"].as_str().unwrap().to_owned(),
        token: made["api_key"].as_str().unwrap().to_owned(),
    };
    let client = app.client(&key.token);
    for method in ["GET", "POST", "HEAD", "DELETE"] {
        let answer = ask(
            &client,
            method,
            "/auth/forward",
            &told("PUT", "/v1/vaults/x?y=%2F..//"),
        );
        let answer = answer.expect(200);
        assert_eq!(answer.body, "");
        for (header, value) in [
            ("x-torvus-account-id", account.as_str()),
            ("x-torvus-key-id", &key.id),
            (
                "x-torvus-key-name",
                "K%C3%A4se%20%E2%80%93%20%E9%83%A8%E7%BD%B2%2C%20%22x%22",
            ),
            ("x-torvus-environment", "live"),
            ("x-torvus-plan", "professional"),
            ("x-torvus-permissions", "read,write"),
            ("x-ratelimit-limit", "1000"),
            ("cache-control", "no-store"),
            ("vary", "Authorization"),
        ] {
            assert_eq!(answer.header(header), Some(value), "{header}");
        }
        assert!(answer.header("x-request-id").unwrap().starts_with("req_"));
    }
    let seen = records(&app, &key);
    assert_eq!(seen.len(), 4);
    assert!(
        seen.iter().all(|record| record[2] == "/v1/vaults/x"),
        "{seen:?}"
    );
    // The method that counts is the one that is told.
    let refused = ask(
        &client,
        "GET",
        "/auth/forward",
        &told("DELETE", "/v1/vaults/x"),
    )
    .expect_403();
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains(r#"scope="delete""#), "{challenge}");
    // Nobody without a key; and what is not in the table is refused.
    ask(
        &app.anonymous(),
        "GET",
        "/auth/forward",
        &told("GET", "/v1/account"),
    )
    .expect_401();
    for (method, uri) in [
        ("GET", "/v1/nothing"),
        ("GET", "/"),
        ("TRACE", "/v1/account"),
        ("get", "/v1/account"),
    ] {
        ask(&client, "GET", "/auth/forward", &told(method, uri)).expect_403();
    }
    // Envoy tells it in the request line.
    ask(&client, "PUT", "/auth/envoy/v1/vaults/x", &[]).expect(200);
    ask(&client, "DELETE", "/auth/envoy/v1/vaults/x", &[]).expect_403();
    for path in [
        "/auth",
        "/auth/",
        "/auth/forward/",
        "/auth/other",
        "/auth/envoys",
    ] {
        ask(&client, "GET", path, &told("GET", "/v1/account")).expect_error(404, "not_found");
    }
}

fn a_question_with_two_readings_is_refused(database: Database) {
    let app = TestApp::builder(database)
        .args(&["--trusted-proxy", "127.0.0.1"])
        .start();
    let key = app.key(&app.account("professional"), "live", "read,write,delete");
    let client = app.client(&key.token);
    for uri in [
        "//v1/account",
        "/v1//account",
        "/v1/./account",
        "/v1/x/../account",
        "/v1/account/..",
        "/v1\\account",
        "/v1/account;x",
        "/v1;x/account",
        "/v1/account#x",
        "/v1%2faccount",
        "/v1%2Faccount",
        "/v1%5caccount",
        "/v1/%2e/account",
        "/v1/account%3fx",
        "/v1/account%23",
        "/v1/account%00",
        "/v1/account%0d%0a",
        "/v1/account%25",
        "/v1/account%",
        "v1/account",
        "http://x/v1/account",
        "*",
        "",
        "/v1/acc ount",
        "/v1/%ff",
    ] {
        let answer = ask(&client, "GET", "/auth/forward", &told("GET", uri));
        assert_eq!(answer.status, 403, "{uri}");
    }
    let good = told("GET", "/v1/account");
    let also = [
        ("X-Original-Method", "GET"),
        ("X-Original-URI", "/v1/account"),
    ];
    ask(&client, "GET", "/auth/forward", &also).expect(200);
    for headers in [
        &[][..],
        &good[..1],
        &good[1..],
        &[good[0], good[1], also[0]],
        &[good[0], good[1], also[1]],
        &[good[0], good[0], good[1]],
        &[good[0], good[1], good[1]],
        &[good[0], good[1], ("X-Forwarded-Uri", "/v1/vaults")],
        &[
            ("X_Forwarded_Method", "GET"),
            ("X_Forwarded_Uri", "/v1/account"),
        ],
    ] {
        let answer = ask(&client, "GET", "/auth/forward", headers);
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    let log = app.admin(&[
        "audit",
        "list",
        "--outcome",
        "ambiguous_request",
        "--limit",
        "100",
    ]);
    assert_eq!(log["data"].as_array().unwrap().len(), 25 + 9);
}

/// Another API's routes, and a limit that is used up; then both are changed with a signal.
fn another_api_has_its_own_routes(database: Database) {
    let folder = tempfile::tempdir().unwrap();
    let routes = folder.path().join("routes.toml");
    let table = |permission: &str| {
        format!(
            "[[route]]\nmethod = \"GET\"\npath = \"/orders/:id\"\npermission = {permission:?}\n\n\
             [[route]]\nmethod = \"GET\"\npath = \"/files/*path\"\npermission = \"any\"\n"
        )
    };
    fs::write(&routes, table("read")).unwrap();
    let app = TestApp::builder(database)
        .args(&[
            "--trusted-proxy",
            "127.0.0.1",
            "--routes",
            routes.to_str().unwrap(),
        ])
        .start();
    let account = app.account("professional");
    let reader = app.client(&app.key(&account, "live", "read").token);
    let check = |uri: &str| ask(&reader, "GET", "/auth/forward", &told("GET", uri)).status;
    assert_eq!(check("/orders/17"), 200);
    assert_eq!(check("/files/a/b%20c.txt"), 200);
    assert_eq!(check("/v1/vaults"), 403, "the other API's table holds");
    assert_eq!(
        reader.get("/v1/vaults").status,
        200,
        "and /v1 keeps its own"
    );
    let limited = app.key_with(&account, "live", "read", &["--limit", "2"]);
    let limited = app.client(&limited.token);
    for (status, left) in [(200, "1"), (200, "0"), (429, "0")] {
        let answer = ask(&limited, "GET", "/auth/forward", &told("GET", "/orders/1"));
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(left));
        assert_eq!(answer.header("retry-after").is_some(), status == 429);
    }
    // A bad file changes nothing, a good one everything.
    for (text, logged, status) in [
        ("nonsense".to_owned(), "the old ones stay", 200),
        (table("delete"), "reloaded", 403),
    ] {
        fs::write(&routes, text).unwrap();
        app.hang_up();
        wait_until(std::time::Duration::from_secs(10), logged, || {
            app.log().contains(logged)
        });
        assert_eq!(check("/orders/17"), status, "{logged}");
    }
}

on_both!(
    behind_a_trusted_proxy_the_last_untrusted_hop_is_the_client,
    from_anybody_else_forwarded_headers_are_worth_nothing,
    a_proxy_is_told_who_is_asking,
    a_question_with_two_readings_is_refused,
    another_api_has_its_own_routes,
);
