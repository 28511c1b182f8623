//! The dashboard in a real browser.

mod hostile;
mod pictures;

use serde_json::{Value, json};
use torvus_e2e::{Database, Holder, TestApp, large, on_both};

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

/// What is forged is refused, all of it: nothing has changed afterwards, for either account.
fn nothing_forged_is_accepted(database: Database) {
    let app = TestApp::start(database);
    let (holder, victim) = (app.holder_on("enterprise"), app.holder_on("enterprise"));
    let keys = |of: &Holder| -> Vec<String> {
        let made = app.key(&of.id, "test", "read,write");
        let rotated = app.key(&of.id, "test", "read");
        app.admin(&["key", "rotate", &rotated.id, "--grace", "24h"]);
        vec![made.id, rotated.id]
    };
    let (mine, theirs) = (keys(&holder), keys(&victim));
    let all = || app.admin(&["key", "list", "--all"]);
    let (before, trail) = (all(), app.trail(&[]).len());
    let count = large(5_000);
    let result = app.browse(
        "forgery",
        json!({
            "holder": told(&holder), "victim": told(&victim),
            "keys": mine, "theirs": theirs, "count": count,
        }),
    );
    assert!(result["sent"].as_u64().unwrap() >= count as u64, "{result}");
    // But for the one key that was meant to be made.
    let mut after = all();
    let kept = after["data"].as_array_mut().unwrap();
    let meant = kept.iter().position(|key| key["name"] == "Meant");
    kept.remove(meant.expect("the form that was all right"));
    assert_eq!(after, before);
    assert_eq!(app.trail(&[]).len(), trail + 1);
}

#[test]
fn no_text_is_more_than_text() {
    let app = TestApp::start(Database::Sqlite);
    let holder = app.holder_on("enterprise");
    let (names, agents) = (hostile::texts(1), hostile::texts(2));
    let keys = app.named_keys(&holder.id, &names);
    let client = app.client(&keys[0].token);
    for agent in &agents {
        let request = client.request("GET", "/v1/account");
        let value = reqwest::header::HeaderValue::from_bytes(agent.as_bytes()).unwrap();
        client.send(request.header("User-Agent", value)).expect(200);
    }
    // As a path it comes as it is, but for what would end the line.
    for name in names.iter().filter(|name| name.is_ascii()) {
        let path: String = name.chars().filter(|c| !c.is_whitespace()).collect();
        let head = format!(
            "GET /v1/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            keys[0].token
        );
        app.raw().send(head.as_bytes());
    }
    for (key, reason) in keys
        .iter()
        .skip(1)
        .step_by(20)
        .zip(hostile::texts(3).iter().step_by(10))
    {
        app.admin(&["key", "revoke", &key.id, "--reason", reason]);
    }
    let told_keys: Vec<Value> = keys
        .iter()
        .zip(&names)
        .map(|(key, name)| json!({ "id": key.id, "name": name }))
        .collect();
    let result = app.browse(
        "hostile",
        json!({ "holder": told(&holder), "keys": told_keys, "agents": agents }),
    );
    assert!(result["texts"].as_u64().unwrap() >= 200, "{result}");
}

#[test]
fn all_of_it_by_the_keyboard() {
    let app = TestApp::start(Database::Sqlite);
    let holder = app.holder();
    app.browse("keyboard", json!({ "holder": told(&holder) }));
}

on_both!(
    a_key_from_its_first_day_to_its_last,
    nothing_forged_is_accepted,
);
