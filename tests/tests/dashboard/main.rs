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

/// An account with keys of every kind, each of which has been used.
struct Furnished {
    holder: Holder,
    /// Used and refused, with a name that is long and holds no blank.
    key: String,
    /// With a secret that is in its grace.
    rotated: String,
    revoked: String,
    unused: String,
}

fn furnished(app: &TestApp) -> Furnished {
    let holder = app.holder_on("enterprise");
    let key = app.key(&holder.id, "live", "read,write");
    let long = "An-unbroken-name-of-".repeat(5);
    app.admin(&["key", "update", &key.id, "--name", &long]);
    let client = app.client(&key.token);
    client.vault("one");
    for _ in 0..30 {
        client.get("/v1/vaults").expect(200);
    }
    client.delete("/v1/vaults/vault_1").expect(403);
    client
        .get(&format!("/v1/{}", "long/".repeat(60)))
        .expect(404);
    let rotated = app.key(&holder.id, "test", "read");
    app.admin(&["key", "rotate", &rotated.id, "--grace", "24h"]);
    app.client(&rotated.token).get("/v1/account").expect(200);
    let revoked = app.key(&holder.id, "test", "read");
    app.admin(&[
        "key",
        "revoke",
        &revoked.id,
        "--reason",
        "It was in a ticket",
    ]);
    app.client(&revoked.token).get("/v1/account").expect(401);
    let more = [
        "--expires",
        "2d",
        "--allow-ip",
        "203.0.113.0/24",
        "--allow-ip",
        "2001:db8::/32",
    ];
    let unused = app.key_with(&holder.id, "live", "read,write,delete", &more);
    Furnished {
        holder,
        key: key.id,
        rotated: rotated.id,
        revoked: revoked.id,
        unused: unused.id,
    }
}

#[test]
fn nobody_is_kept_out() {
    let app = TestApp::start(Database::Sqlite);
    let Furnished {
        holder,
        key,
        rotated,
        revoked,
        unused,
    } = furnished(&app);
    let free = app.holder_on("free");
    let weights = app.browse(
        "access",
        json!({
            "holder": told(&holder), "free": told(&free),
            "key": key, "rotated": rotated, "revoked": revoked, "unused": unused,
        }),
    );
    println!("bytes over the wire: {weights}");
}
