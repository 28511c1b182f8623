//! What the command prints, and that what it advises is enough.

use serde_json::{Value, json};
use torvus_e2e::{Database, TestApp, on_both};

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"))
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect()
}

fn explain(app: &TestApp, id: &str, more: &[&str]) -> Value {
    app.admin(&[&["key", "explain", id], more].concat())
}

fn it_names_each_check_and_what_would_help(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    let list = ["--allow-ip", "127.0.0.0/8"];
    let key = app.key_with(&account, "live", "read", &list);
    let told = explain(
        &app,
        &key.id,
        &["GET", "/v1/vaults?limit=1", "--ip", "127.0.0.1"],
    );
    assert_eq!(
        (&told["allowed"], &told["outcome"]),
        (&json!(true), &json!("ok"))
    );
    assert_eq!(told["would_allow"], Value::Null);
    let checks = told["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["passed"] == true));
    let names: Vec<&str> = checks
        .iter()
        .map(|c| c["check"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "request",
            "key",
            "record",
            "revocation",
            "expiry",
            "secret",
            "account",
            "address",
            "plan",
            "limit",
            "route",
            "permission"
        ]
    );
    app.client(&key.token).get("/v1/vaults").expect(200);

    let told = explain(
        &app,
        &key.id,
        &["POST", "/v1/vaults", "--ip", "203.0.113.7"],
    );
    assert_eq!(told["outcome"], "ip_not_allowed");
    assert_eq!(
        strings(&told["would_allow"]),
        [format!(
            "torvus-admin key update {} --permissions read,write --allow-ip 127.0.0.0/8 --allow-ip 203.0.113.7",
            key.id
        )]
    );
    let told = explain(&app, &key.id, &["GET", "/v1/vaults"]);
    assert_eq!(told["outcome"], "ip_not_allowed");
    assert!(strings(&told["would_allow"])[0].contains("--ip 127.0.0.0"));

    // For people: a word for each mark.
    let text = app.admin_text(&[
        "key",
        "explain",
        &key.id,
        "DELETE",
        "/v1/vaults/x",
        "--ip",
        "127.0.0.1",
    ]);
    let line = |check: &str| {
        text.lines()
            .find(|line| line.trim_start().starts_with(check))
            .unwrap()
    };
    assert!(line("permission").contains("FAILED"), "{text}");
    assert!(line("route").contains(" ok "), "{text}");
    assert!(
        text.contains("What would let it in:\n  torvus-admin key update"),
        "{text}"
    );

    for (args, code) in [
        (
            vec!["key_01kb3wcvygf0xv0h0h0h0h0h0h", "GET", "/v1/account"],
            3,
        ),
        (vec!["nonsense", "GET", "/v1/account"], 3),
        (vec![&key.id, "G T", "/v1/account"], 4),
        (vec![&key.id, "GET", "v1/account"], 4),
        (vec![&key.id, "GET", "/v1/account", "--ip", "1.2.3"], 4),
        (vec![&key.id, "GET", "/v1/account", "--at", "noon"], 4),
        (vec![&key.id, "GET", "/v1/account", "--old-secret"], 4),
        (vec![&key.id, "GET"], 2),
    ] {
        let run = app.admin_run(&[&["key", "explain"], &args[..]].concat());
        assert_eq!(run.code, code, "{args:?}: {run:?}");
    }
}

/// An account that is suspended, a limit that is used up, another instant.
fn what_it_advises_is_enough(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let key = app.key_with(
        &account,
        "live",
        "read",
        &["--limit", "2", "--expires", "90d"],
    );
    let client = app.client(&key.token);
    let ask = ["GET", "/v1/account"];
    // Asking costs nothing.
    for _ in 0..3 {
        assert_eq!(explain(&app, &key.id, &ask)["allowed"], true);
    }
    client.get("/v1/account").expect(200);
    client.get("/v1/account").expect(200);
    let told = explain(&app, &key.id, &ask);
    assert_eq!(told["outcome"], "rate_limited");
    client.get("/v1/account").expect(429);
    let wait = strings(&told["would_allow"])[0]
        .strip_prefix("wait until ")
        .unwrap();
    assert_eq!(
        explain(&app, &key.id, &[&ask[..], &["--at", wait]].concat())["allowed"],
        true
    );
    let told = explain(
        &app,
        &key.id,
        &[&ask[..], &["--at", "2099-01-01T00:00:00Z"]].concat(),
    );
    assert_eq!(told["outcome"], "expired_key");
    assert!(strings(&told["would_allow"])[0].contains("--expires 2099-04-01T00:00:00Z"));

    let other = app.key(&account, "test", "read");
    app.admin(&["account", "suspend", &account]);
    let told = explain(&app, &other.id, &ask);
    assert_eq!(told["outcome"], "suspended_account");
    app.client(&other.token).get("/v1/account").expect_401();
    let [advice] = strings(&told["would_allow"])[..] else {
        panic!("{told}");
    };
    let words: Vec<&str> = advice.split(' ').skip(1).collect();
    app.admin(&words);
    app.client(&other.token).get("/v1/account").expect(200);

    app.admin(&["key", "revoke", &other.id]);
    let told = explain(&app, &other.id, &ask);
    assert_eq!(told["outcome"], "revoked_key");
    let advice = strings(&told["would_allow"]);
    assert!(advice[0].contains("stays revoked") && advice[1].contains("key create"));
}

fn the_api_behind_the_proxies_has_its_own_routes(database: Database) {
    let folder = tempfile::tempdir().unwrap();
    let routes = folder.path().join("routes.toml");
    let text = "[[route]]\nmethod = \"GET\"\npath = \"/orders/:id\"\npermission = \"delete\"\n";
    std::fs::write(&routes, text).unwrap();
    let routes = ["--routes", routes.to_str().unwrap()];
    let app = TestApp::builder(database)
        .args(&[&["--trusted-proxy", "127.0.0.1"], &routes[..]].concat())
        .start();
    let key = app.key(&app.account("free"), "live", "read");
    let client = app.client(&key.token);
    for (uri, outcome, status) in [
        ("/orders/7", "missing_permission", 403),
        ("/orders/7/", "not_found", 403),
        ("/orders//7", "ambiguous_request", 403),
        ("/v1/vaults", "not_found", 403),
    ] {
        let more = [&["GET", uri, "--forward"], &routes[..]].concat();
        let told = explain(&app, &key.id, &more);
        assert_eq!(told["outcome"], outcome, "{told}");
        let request = client.request("GET", "/auth/forward");
        let request = request
            .header("X-Forwarded-Method", "GET")
            .header("X-Forwarded-Uri", uri);
        client.send(request).expect(status);
        let records = app.admin(&["audit", "list", "--limit", "1"]);
        assert_eq!(records["data"][0]["outcome"], outcome);
    }
    assert_eq!(
        explain(&app, &key.id, &["GET", "/v1/vaults"])["allowed"],
        true
    );
}

on_both!(
    it_names_each_check_and_what_would_help,
    what_it_advises_is_enough,
    the_api_behind_the_proxies_has_its_own_routes,
);
