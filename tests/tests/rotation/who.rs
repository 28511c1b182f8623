//! Who still uses the old secret, from where and when last: as the log tells it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use torvus_e2e::{Database, TestApp, on_both};

use crate::{instant, rotate, secrets};

/// Requests, refused ones, first and last instant; by secret and address.
type Counts = BTreeMap<(u64, String), (u64, u64, String, String)>;

/// What the log says of a key since it was first rotated.
fn of_the_log(records: &[Value], key: &str) -> Counts {
    let mut counts = Counts::new();
    for record in records.iter().filter(|record| record["key_id"] == key) {
        let secret = record["secret"].as_u64().expect("a number");
        if secret == 1 && record["secret_replaced"] == false {
            continue;
        }
        let at = record["at"].as_str().unwrap().to_owned();
        let ip = record["ip"].as_str().unwrap().to_owned();
        let count = counts
            .entry((secret, ip))
            .or_insert((0, 0, at.clone(), at.clone()));
        count.0 += 1;
        count.1 += u64::from(record["outcome"] == "expired_key");
        // In one form, they sort as text only if they have the same digits; so compare as instants.
        if instant(&json!(at)) < instant(&json!(count.2)) {
            count.2.clone_from(&at);
        }
        if instant(&json!(at)) > instant(&json!(count.3)) {
            count.3 = at;
        }
    }
    counts
}

/// What is shown of a key.
fn of_the_sums(secrets: &[Value]) -> Counts {
    let mut counts = Counts::new();
    for secret in secrets {
        for address in secret["ip_addresses"].as_array().unwrap() {
            let text = |field: &str| address[field].as_str().unwrap().to_owned();
            let number = |field: &str| address[field].as_u64().unwrap();
            let one = (
                number("count"),
                number("refused"),
                text("first_seen"),
                text("last_seen"),
            );
            counts.insert((secret["number"].as_u64().unwrap(), text("ip")), one);
        }
    }
    counts
}

fn who_still_uses_the_old_secret_is_shown(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    let (key, other) = (
        app.key(&account, "test", "read"),
        app.key(&account, "test", "read"),
    );
    let ask = |ip: &str, token: &str, times: usize| {
        for _ in 0..times {
            app.client_from(ip, token).get("/v1/account");
        }
    };
    ask("127.0.0.1", &key.token, 4);
    ask("127.0.0.1", &other.token, 2);
    // A key with one secret has no such sums: they are its usage.
    assert_eq!(secrets(&app, &key)[0]["requests"], 0);
    let (new, _) = rotate(&app, &key, &[]);
    assert_eq!(secrets(&app, &key)[1]["last_used_at"], Value::Null);
    ask("127.0.0.2", &key.token, 3);
    ask("127.0.0.3", &key.token, 2);
    ask("127.0.0.2", &new.token, 5);
    app.client(&key.token)
        .post("/v1/vaults", &json!({ "name": "x" }))
        .expect_403();

    let found = secrets(&app, &key);
    assert_eq!(
        (&found[0]["requests"], &found[1]["requests"]),
        (&json!(5), &json!(6))
    );
    let from: Vec<&str> = found[1]["ip_addresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|address| address["ip"].as_str().unwrap())
        .collect();
    assert_eq!(
        from,
        ["127.0.0.1", "127.0.0.3", "127.0.0.2"],
        "the last first"
    );
    assert_eq!(
        found[1]["last_used_at"],
        found[1]["ip_addresses"][0]["last_seen"]
    );
    let usage = app.admin(&["key", "usage", &key.id]);
    assert_eq!(usage["secrets"], json!(found));
    assert_eq!(usage["total_requests"], 15);
    let text = app.admin_text(&["key", "show", &key.id]);
    for part in ["grace", "current", "127.0.0.3", &new.token[60..]] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }

    // Who has missed the end shows, too.
    app.admin(&["key", "grace", &key.id, "now"]);
    ask("127.0.0.3", &key.token, 2);
    let found = secrets(&app, &key);
    assert_eq!(
        (&found[1]["requests"], &found[1]["refused"]),
        (&json!(8), &json!(2))
    );
    let records = app.exported();
    let told = of_the_log(&records, &key.id);
    assert_eq!(told.len(), 4);
    assert_eq!(of_the_sums(&found), told);
    assert_eq!(of_the_sums(&secrets(&app, &other)), Counts::new());
    // Each authenticated request tells which secret it came with; others have none.
    app.anonymous().get("/v1/account").expect_401();
    for record in app.exported() {
        let known = record["key_id"].is_string();
        assert_eq!(record["secret"].is_u64(), known, "{record}");
        assert!(known || record["secret_replaced"] == false, "{record}");
    }
}

on_both!(who_still_uses_the_old_secret_is_shown);
