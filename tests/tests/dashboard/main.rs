//! The dashboard in a real browser.

use serde_json::{Value, json};
use torvus_e2e::{Database, Holder, TestApp, on_both};

/// What a script needs to sign in.
fn told(holder: &Holder) -> Value {
    json!({ "account": holder.id, "email": holder.email, "password": holder.password })
}

/// The journeys of the product's own documentation: generate, use, look, edit, rotate, revoke, export.
fn a_key_from_its_first_day_to_its_last(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder_on("professional");
    let results = app.browse("journeys", json!({ "holder": told(&holder) }));
    for result in results.as_array().unwrap() {
        let name = result["name"].as_str().unwrap();
        let list = app.admin(&["key", "list", "--account", &holder.id, "--all"]);
        let keys: Vec<&Value> = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|key| key["name"] == name)
            .collect();
        let [key] = keys[..] else {
            panic!("{name}: not one key: {list}");
        };
        assert_eq!(key["state"], "revoked");
        assert_eq!(key["permissions"], json!(["read", "write"]));
        // Who did it, and that each thing was done once.
        let trail = app.trail(&["--key", key["id"].as_str().unwrap()]);
        let done: Vec<&str> = trail
            .iter()
            .rev()
            .map(|r| r["action"].as_str().unwrap())
            .collect();
        let expected = [
            "key.create",
            "key.update",
            "key.rotate",
            "key.grace",
            "key.rotate",
            "key.revoke",
        ];
        assert_eq!(done, expected, "{name}");
        for record in &trail {
            assert_eq!(
                record["actor"],
                format!("account:{}", holder.email),
                "{record}"
            );
        }
        // What was shown once is nowhere else.
        let export = app.admin_text(&["audit", "export", "--format", "jsonl"]);
        for token in result["tokens"].as_array().unwrap() {
            let token = token.as_str().unwrap();
            assert!(!export.contains(token) && !app.log().contains(token));
        }
    }
}

on_both!(a_key_from_its_first_day_to_its_last);
