//! Every request that was answered is in the audit log.

use serde_json::{Value, json};
use torvus_e2e::{Answer, Database, TestApp, on_both};

fn records(app: &TestApp) -> Vec<Value> {
    let list = app.admin(&["audit", "list", "--limit", "1000"]);
    list["data"].as_array().expect("a list").clone()
}

/// The one record of an answer.
#[track_caller]
fn record_of<'r>(records: &'r [Value], answer: &Answer) -> &'r Value {
    let id = answer.header("x-request-id").unwrap();
    let mut found = records.iter().filter(|record| record["request_id"] == id);
    let record = found
        .next()
        .unwrap_or_else(|| panic!("no record of {answer:?}"));
    assert!(found.next().is_none(), "two records of {id}");
    assert_eq!(record["status"], answer.status);
    record
}

fn each_answer_has_its_record(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    let live = app.key(&account, "live", "read,write");
    let client = app.client(&live.token);
    let test = app.client(&app.key(&account, "test", "read").token);
    let vault = client.vault("v");
    let path = format!("/v1/vaults/{vault}");
    let limited = app.client(
        &app.key_with(&account, "live", "read", &["--limit", "1"])
            .token,
    );
    let far = app.key_with(&account, "live", "read", &["--allow-ip", "203.0.113.1"]);
    let far = app.client(&far.token);
    let revoked = app.key(&account, "live", "read");
    app.admin(&["key", "revoke", &revoked.id]);
    let long = format!("/v1/{}", "a".repeat(2100));

    let answers = [
        (
            client.get(&format!("{path}?secret=1")),
            "ok",
            "/v1/vaults/:id",
            true,
        ),
        (
            client.post("/v1/vaults", &json!({})),
            "invalid_request",
            "/v1/vaults",
            true,
        ),
        (client.get("/v1/nothing"), "not_found", "", false),
        (
            client.delete("/v1/account"),
            "method_not_allowed",
            "",
            false,
        ),
        (
            client.delete(&path),
            "missing_permission",
            "/v1/vaults/:id",
            false,
        ),
        (test.get("/v1/account"), "ok", "/v1/account", false),
        (app.anonymous().get("/v1/account"), "missing_key", "", false),
        (
            client.with_key("nonsense").get("/v1/account"),
            "malformed_key",
            "",
            false,
        ),
        (
            client
                .with_key(&torvus_e2e::random_like("live"))
                .get("/v1/x"),
            "unknown_key",
            "",
            false,
        ),
        (
            client.with_key(&revoked.token).get("/v1/account"),
            "revoked_key",
            "",
            false,
        ),
        (limited.get("/v1/account"), "ok", "/v1/account", true),
        (limited.get("/v1/account"), "rate_limited", "", false),
        (far.get("/v1/account"), "ip_not_allowed", "", false),
        (client.get(&long), "uri_too_long", "", false),
    ];
    let records = records(&app);
    for (answer, outcome, route, billable) in &answers {
        let record = record_of(&records, answer);
        assert_eq!(record["outcome"], *outcome, "{record}");
        if !route.is_empty() {
            assert_eq!(record["route"], *route, "{record}");
        }
        assert_eq!(record["billable"], *billable, "{record}");
        assert_eq!(record["category"], "api_activity");
        assert_eq!(record["ip"], "127.0.0.1");
        assert!(record["duration_us"].is_number(), "{record}");
        assert!(record["at"].as_str().unwrap().ends_with('Z'));
    }
    let first = record_of(&records, &answers[0].0);
    assert_eq!(first["path"], path, "no query string");
    assert_eq!(
        (&first["method"], &first["environment"]),
        (&json!("GET"), &json!("live"))
    );
    assert_eq!(
        (&first["account_id"], &first["key_id"]),
        (&json!(account), &json!(live.id))
    );
    assert_eq!(record_of(&records, &answers[6].0)["key_id"], Value::Null);
    assert_eq!(record_of(&records, &answers[9].0)["key_id"], revoked.id);
}

fn the_request_is_described_but_never_with_a_key(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("professional"), "live", "read");
    let client = app.client(&key.token);
    let request = client
        .request("GET", &format!("/v1/{}", key.token))
        .header("User-Agent", format!("tool {}", key.token))
        .header("X-Request-Id", "mine-1");
    let answer = client.send(request).expect(404);
    let elsewhere = app.anonymous().get("/elsewhere").expect(404);

    let records = records(&app);
    let record = record_of(&records, &answer);
    assert_eq!(record["client_request_id"], "mine-1");
    assert!(!record.to_string().contains(&key.token[15..]), "{record}");
    let hint = format!("{}…{}", &key.token[..19], &key.token[60..]);
    assert_eq!(record["user_agent"], format!("tool {hint}"));
    assert_eq!(record["path"], format!("/v1/{hint}"));
    let id = elsewhere.header("x-request-id");
    assert!(
        !records
            .iter()
            .any(|record| id.is_some_and(|id| record["request_id"] == id))
    );
}

fn a_record_outlives_a_kill(database: Database) {
    let mut app = TestApp::start(database);
    let client = app.client(&app.key(&app.account("enterprise"), "live", "read").token);
    let answers: Vec<Answer> = (0..20)
        .map(|_| client.get("/v1/account").expect(200))
        .collect();
    app.kill();
    let records = records(&app);
    for answer in &answers {
        record_of(&records, answer);
    }
    app.start_again();
}

fn what_operators_do_is_recorded(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let key = app.key(&account, "live", "read");
    app.admin(&["key", "revoke", &key.id, "--reason", "lost"]);
    let list = app.trail(&["--key", &key.id]);
    let actions: Vec<&str> = list
        .iter()
        .map(|record| record["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["key.revoke", "key.create"], "newest first");
    for record in &list {
        assert!(
            record["actor"].as_str().unwrap().starts_with("operator"),
            "{record}"
        );
    }
    let text = serde_json::to_string(&list).unwrap();
    assert!(text.contains("lost"));
}

on_both!(
    each_answer_has_its_record,
    the_request_is_described_but_never_with_a_key,
    a_record_outlives_a_kill,
    what_operators_do_is_recorded,
);
