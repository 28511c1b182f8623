//! What is changed of a key or an account holds from then on, and is in the trail.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use torvus_e2e::{Database, Key, TestApp, on_both};

fn update(app: &TestApp, key: &Key, args: &[&str]) -> Value {
    app.admin(&[&["key", "update", &key.id], args].concat())
}

/// The newest entry of a key's trail: action and detail.
fn newest(app: &TestApp, key: &Key) -> (String, Value) {
    let trail = app.trail(&["--key", &key.id]);
    let record = &trail[0];
    assert!(
        record["actor"].as_str().unwrap().starts_with("operator:"),
        "{record}"
    );
    let action = record["action"].as_str().unwrap().to_owned();
    (action, record["detail"].clone())
}

fn each_field_takes_effect_and_leaves_before_after_and_reason(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("enterprise"), "live", "read");
    let client = app.client(&key.token);
    let wrote = || client.post("/v1/vaults", &json!({ "name": "x" })).status;
    let check = |reason: &str, before: Value, after: Value| {
        let detail = json!({ "before": before, "after": after, "reason": reason });
        assert_eq!(newest(&app, &key), ("key.update".to_owned(), detail));
    };

    let shown = update(&app, &key, &["--name", "  Käse  ", "--reason", "a"]);
    assert_eq!(
        (&shown["name"], &shown["id"]),
        (&json!("Käse"), &json!(key.id))
    );
    let name = app.admin(&["key", "show", &key.id])["name"].clone();
    assert_eq!(name, "Käse");
    let old_name = newest(&app, &key).1["before"]["name"].clone();
    check("a", json!({ "name": old_name }), json!({ "name": "Käse" }));

    assert_eq!(wrote(), 403);
    update(
        &app,
        &key,
        &["--permissions", "write,read", "--reason", "b"],
    );
    assert_eq!(wrote(), 201);
    let (read, both) = (json!(["read"]), json!(["read", "write"]));
    check(
        "b",
        json!({ "permissions": read }),
        json!({ "permissions": both }),
    );
    update(&app, &key, &["--permissions", "write"]);
    client.get("/v1/vaults").expect_403();

    update(
        &app,
        &key,
        &[
            "--allow-ip",
            "10.0.0.0/8",
            "--allow-ip",
            "192.0.2.1",
            "--reason",
            "c",
        ],
    );
    client.get("/v1/account").expect_403();
    let list = json!(["10.0.0.0/8", "192.0.2.1"]);
    check(
        "c",
        json!({ "allowed_ips": [] }),
        json!({ "allowed_ips": list }),
    );
    update(&app, &key, &["--allow-ip", "127.0.0.1"]);
    client.get("/v1/account").expect(200);
    update(&app, &key, &["--clear-ips", "--reason", "d"]);
    check(
        "d",
        json!({ "allowed_ips": ["127.0.0.1"] }),
        json!({ "allowed_ips": [] }),
    );

    let limit = || {
        let answer = client.get("/v1/account");
        answer.header("x-ratelimit-limit").unwrap().to_owned()
    };
    assert_eq!(limit(), "10000");
    let shown = update(&app, &key, &["--limit", "60", "--reason", "e"]);
    assert_eq!((limit(), &shown["limit"]), ("60".to_owned(), &json!(60)));
    check("e", json!({ "limit": null }), json!({ "limit": 60 }));
    update(&app, &key, &["--limit", "plan"]);
    assert_eq!(limit(), "10000");

    // Several at once are one entry.
    let before = app.trail(&["--key", &key.id]).len();
    update(&app, &key, &["--name", "last", "--expires", "never"]);
    assert_eq!(app.trail(&["--key", &key.id]).len(), before + 1);
    let (_, detail) = newest(&app, &key);
    assert_eq!(
        detail["after"],
        json!({ "name": "last", "expires_at": null })
    );
}

fn an_end_holds_from_that_very_instant(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("enterprise"), "live", "read");
    let client = app.client(&key.token);
    client.get("/v1/account").expect(200);
    let end = DateTime::from_timestamp_millis(
        (Utc::now() + TimeDelta::milliseconds(1_500)).timestamp_millis(),
    );
    let (end, text) = (
        end.unwrap(),
        end.unwrap()
            .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
    );
    let shown = update(&app, &key, &["--expires", &text]);
    assert_eq!(shown["expires_at"].as_str().unwrap().parse(), Ok(end));
    let (mut let_in, mut refused) = (0, 0);
    while refused < 20 {
        let sent = Utc::now();
        let status = client.get("/v1/account").status;
        let read = Utc::now();
        assert!(sent < end || status == 401, "let in at {sent}, after {end}");
        assert!(
            read >= end || status == 200,
            "refused at {read}, before {end}"
        );
        match status {
            200 => let_in += 1,
            _ => refused += 1,
        }
    }
    assert!(let_in > 0);
    assert_eq!(app.admin(&["key", "show", &key.id])["state"], "expired");
    // It can be given another end, and works again.
    update(&app, &key, &["--expires", "2h"]);
    let answer = client.get("/v1/account").expect(200);
    assert!(answer.header("x-key-expires-at").is_some());
    // A duration counts from now.
    let shown = update(&app, &key, &["--expires", "30d"]);
    let end: DateTime<Utc> = shown["expires_at"].as_str().unwrap().parse().unwrap();
    let days = end - Utc::now();
    assert!(days > TimeDelta::hours(719) && days <= TimeDelta::days(30));
}

fn what_is_not_allowed_changes_nothing(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("professional"), "live", "read");
    let before = app.admin(&["key", "show", &key.id]);
    let entries = app.trail(&["--key", &key.id]).len();
    let too_long = "x".repeat(101);
    for (args, code, says) in [
        (&[][..], 2, "nothing to change"),
        (&["--reason", "only that"], 2, "nothing to change"),
        (
            &["--clear-ips", "--allow-ip", "127.0.0.1"],
            2,
            "--clear-ips",
        ),
        (&["--name", &too_long], 4, "at most 100"),
        (&["--name", " "], 4, "1 to 100"),
        (&["--permissions", "admin"], 4, "use read, write, delete"),
        (&["--permissions", ""], 4, "at least one"),
        (&["--limit", "0"], 4, "1 to 1000"),
        (&["--limit", "1001"], 4, "1 to 1000"),
        (&["--limit", "many"], 4, "plan"),
        (&["--expires", "2020-01-01T00:00:00Z"], 4, "revoke"),
        (&["--expires", "soon"], 4, "never"),
        (&["--allow-ip", "127.0.0.1"], 4, "no address lists"),
        (&["--allow-ip", "10.0.0.1/8"], 4, "10.0.0.0/8"),
        (&["--allow-ip", ""], 4, "--clear-ips"),
        (&["--name", "n", "--reason", "a\nb"], 4, "reason"),
        // All or nothing.
        (
            &["--permissions", "write", "--limit", "1001"],
            4,
            "1 to 1000",
        ),
    ] {
        let run = app.admin_run(&[&["key", "update", &key.id], args].concat());
        assert_eq!(run.code, code, "{args:?}: {run:?}");
        assert!(run.stderr.contains(says), "{args:?}: {run:?}");
    }
    let nobody = "key_01h2xcejqtf2nbrexx3vqjhp41";
    let run = app.admin_run(&["key", "update", nobody, "--name", "n"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert_eq!(app.admin(&["key", "show", &key.id]), before);
    assert_eq!(app.trail(&["--key", &key.id]).len(), entries);
    // What is so already is no change, and leaves no entry.
    let name = before["name"].as_str().unwrap();
    let expires = before["expires_at"].as_str().unwrap();
    let same = [
        "--name",
        name,
        "--permissions",
        "read",
        "--clear-ips",
        "--limit",
        "plan",
        "--expires",
        expires,
    ];
    let run = app.admin_run(&[&["key", "update", &key.id], &same[..]].concat());
    assert!(
        run.code == 0 && run.stderr.contains("nothing was changed"),
        "{run:?}"
    );
    assert_eq!(app.trail(&["--key", &key.id]).len(), entries);

    app.admin(&["key", "revoke", &key.id]);
    let run = app.admin_run(&["key", "update", &key.id, "--name", "n"]);
    assert!(
        run.code == 4 && run.stderr.contains("\"conflict\"") && run.stderr.contains("revoked"),
        "{run:?}"
    );
}

/// A list that a lowered plan left in force may be narrowed or cleared, and not widened.
fn a_list_of_a_lowered_plan_does_not_grow(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    let key = app.key_with(&account, "live", "read", &["--allow-ip", "127.0.0.0/8"]);
    app.admin(&["account", "set-plan", &account, "professional"]);
    let allow = |list: &[&str]| {
        let flags = list.iter().flat_map(|entry| ["--allow-ip", entry]);
        let args: Vec<&str> = ["key", "update", &key.id]
            .into_iter()
            .chain(flags)
            .collect();
        app.admin_run(&args).code
    };
    assert_eq!(allow(&["127.0.0.0/8"]), 0);
    assert_eq!(allow(&["127.0.0.0/8", "192.0.2.1"]), 4);
    assert_eq!(allow(&["126.0.0.0/7"]), 4);
    assert_eq!(allow(&["127.0.0.1", "127.0.1.0/24"]), 0);
    assert_eq!(allow(&["127.0.0.0/8"]), 4);
    app.client(&key.token).get("/v1/account").expect(200);
    app.client_from("127.0.0.2", &key.token)
        .get("/v1/account")
        .expect_403();
    update(&app, &key, &["--clear-ips"]);
    assert_eq!(allow(&["127.0.0.1"]), 4);
    // A limit above the new plan's was never asked for again: other fields can still be changed.
    let key = app.key_with(&account, "live", "read", &["--limit", "900"]);
    app.admin(&["account", "set-plan", &account, "free"]);
    let shown = update(&app, &key, &["--name", "n", "--limit", "900"]);
    assert_eq!(shown["limit"], 100);
}

fn reasons_of_what_is_done_to_an_account_are_kept(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let key = app.key(&account, "live", "read");
    let leaked = format!("they posted {}", key.token);
    app.admin(&["account", "set-plan", &account, "free", "--reason", "asked"]);
    app.admin(&["account", "set-plan", &account, "free", "--reason", "again"]);
    app.admin(&["account", "suspend", &account, "--reason", &leaked]);
    // A suspended account's keys can be edited and rotated: they are refused all the same.
    update(&app, &key, &["--name", "renamed"]);
    app.admin(&["key", "rotate", &key.id]);
    app.client(&key.token).get("/v1/account").expect_401();
    app.admin(&["account", "resume", &account, "--reason", "paid"]);
    app.client(&key.token).get("/v1/account").expect(200);
    let told: Vec<(String, Value)> = app
        .trail(&["--account", &account])
        .into_iter()
        .rev()
        .map(|record| {
            let action = record["action"].as_str().unwrap().to_owned();
            (action, record["detail"]["reason"].clone())
        })
        .filter(|(action, _)| action.starts_with("account."))
        .collect();
    let action = |name: &str, reason: Value| (format!("account.{name}"), reason);
    assert_eq!(told[1], action("set_plan", json!("asked")));
    assert_eq!(told[2].0, "account.suspend");
    let kept = told[2].1.as_str().unwrap();
    assert!(
        kept.starts_with("they posted torvus_sk_live_") && !kept.contains(&key.token),
        "{kept}"
    );
    assert_eq!(told[3], action("resume", json!("paid")));
    assert_eq!(told.len(), 4);
}

on_both!(
    each_field_takes_effect_and_leaves_before_after_and_reason,
    an_end_holds_from_that_very_instant,
    what_is_not_allowed_changes_nothing,
    a_list_of_a_lowered_plan_does_not_grow,
    reasons_of_what_is_done_to_an_account_are_kept,
);
