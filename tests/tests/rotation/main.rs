//! The same key with a new secret: nobody who changes over in time is refused, and nobody is let in afterwards.
#![cfg(test)]

mod load;
mod who;

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use torvus_e2e::{Answer, Database, Key, TestApp, key_like, on_both};

/// Rotates a key: the same key with its new secret, and what was printed.
fn rotate(app: &TestApp, key: &Key, args: &[&str]) -> (Key, Value) {
    let made = app.admin(&[&["key", "rotate", &key.id], args].concat());
    let rotated = Key {
        id: made["id"].as_str().unwrap().to_owned(),
        token: made["api_key"].as_str().unwrap().to_owned(),
    };
    assert_eq!(rotated.id, key.id);
    (rotated, made)
}

/// The secrets of a key, the newest first.
fn secrets(app: &TestApp, key: &Key) -> Vec<Value> {
    let shown = app.admin(&["key", "show", &key.id]);
    shown["secrets"].as_array().unwrap().clone()
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

/// What an answer to the old secret has to carry, and only that one.
#[track_caller]
fn assert_told(answer: &Answer, replaced: &Value, ends: &Value) {
    let deprecation = format!("@{}", instant(replaced).timestamp());
    assert_eq!(
        answer.header("deprecation"),
        Some(&*deprecation),
        "{answer:?}"
    );
    let sunset = instant(ends)
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    assert_eq!(answer.header("sunset"), Some(&*sunset), "{answer:?}");
}

#[track_caller]
fn assert_not_told(answer: &Answer) {
    let told = ["deprecation", "sunset"].map(|name| answer.header(name));
    assert_eq!(told, [None, None], "{answer:?}");
}

fn a_rotated_key_is_the_same_key_and_its_old_secret_tells_its_end(database: Database) {
    let app = TestApp::builder(database)
        .args(&["--trusted-proxy", "127.0.0.1"])
        .start();
    let account = app.account("enterprise");
    let key = app.key_with(&account, "live", "read", &["--limit", "40"]);
    let created = app.admin(&["key", "show", &key.id]);
    assert_not_told(&app.client(&key.token).get("/v1/account").expect(200));
    let (new, made) = rotate(&app, &key, &["--reason", "somebody left"]);
    for field in [
        "id",
        "account_id",
        "name",
        "environment",
        "permissions",
        "expires_at",
        "allowed_ips",
        "limit",
        "state",
        "created_at",
    ] {
        assert_eq!(made[field], created[field], "{field}");
    }
    assert_ne!(new.token, key.token);
    assert!(new.token.starts_with("torvus_sk_live_"));

    let found = secrets(&app, &key);
    let [current, old] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (&current["state"], &old["state"]),
        (&json!("current"), &json!("grace"))
    );
    assert_eq!((&current["number"], &old["number"]), (&json!(2), &json!(1)));
    let (replaced, ends) = (&old["replaced_at"], &old["ends_at"]);
    assert_eq!(
        instant(ends) - instant(replaced),
        chrono::TimeDelta::days(1)
    );
    assert_eq!(ends, &made["old_secret_ends_at"]);
    for (secret, token) in [(current, &new.token), (old, &key.token)] {
        let hint = secret["hint"].as_str().unwrap();
        assert_eq!(hint, format!("{}…{}", &token[..19], &token[60..]));
    }
    assert_eq!(made["hint"], current["hint"]);

    // Both open the same door; each answer to the old one says so, whatever it is.
    let (with_old, with_new) = (app.client(&key.token), app.client(&new.token));
    for path in [
        "/v1/account",
        "/v1/vaults",
        "/v1/vaults/none",
        "/v1/nothing",
    ] {
        let answers = [with_old.get(path), with_new.get(path)];
        assert_eq!(answers[0].status, answers[1].status);
        assert_told(&answers[0], replaced, ends);
        assert_not_told(&answers[1]);
        assert_eq!(answers[0].header("x-key-expires-at"), None);
    }
    let refused = with_old.post("/v1/vaults", &json!({ "name": "x" }));
    assert_told(&refused.expect_403(), replaced, ends);
    let forward = |client: &torvus_e2e::Client| {
        let request = client.request("GET", "/auth/forward");
        let request = request.header("X-Forwarded-Method", "GET");
        client
            .send(request.header("X-Forwarded-Uri", "/v1/vaults"))
            .expect(200)
    };
    assert_told(&forward(&with_old), replaced, ends);
    assert_not_told(&forward(&with_new));

    // The trail has who, why, and which: never what.
    let list = app.trail(&["--key", &key.id]);
    let record = &list[0];
    assert_eq!(record["action"], "key.rotate");
    let detail = &record["detail"];
    assert_eq!(detail["reason"], "somebody left");
    assert_eq!(
        (&detail["before"]["key"], &detail["after"]["key"]),
        (&old["hint"], &current["hint"])
    );
    assert_eq!(&detail["after"]["old_secret_ends_at"], ends);
    assert_eq!(key_like(&record.to_string()), None);
    // A secret does not outlive its key, and does not claim so.
    let shown = app.admin(&["key", "update", &key.id, "--expires", "2h"]);
    let answer = with_old.get("/v1/account").expect(200);
    assert_told(&answer, replaced, &shown["expires_at"]);
    assert!(answer.header("x-key-expires-at").is_some());
}

fn there_are_never_three_secrets(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("enterprise"), "test", "read");
    let (second, made) = rotate(&app, &key, &["--grace", "1h"]);
    let run = app.admin_run(&["key", "rotate", &key.id, "--grace", "0"]);
    assert_eq!(run.code, 4, "{run:?}");
    let error: Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!(error["error"], "conflict");
    let message = error["message"].as_str().unwrap();
    for part in [
        made["old_secret_ends_at"].as_str().unwrap(),
        &format!("torvus-admin key grace {} now", key.id),
        &key.token[60..],
    ] {
        assert!(message.contains(part), "no {part} in {message}");
    }
    app.admin(&["key", "grace", &key.id, "now"]);
    app.client(&key.token).get("/v1/account").expect_401();
    let (third, _) = rotate(&app, &key, &["--grace", "0"]);
    // Without a grace the old one ends with the call.
    assert_not_told(&app.client(&second.token).get("/v1/account").expect_401());
    app.client(&third.token).get("/v1/account").expect(200);
    let states: Vec<Value> = secrets(&app, &key)
        .iter()
        .map(|secret| secret["state"].clone())
        .collect();
    assert_eq!(states, ["current", "ended", "ended"]);

    // Of many that rotate at once, one does.
    let codes: Vec<i32> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| app.admin_run(&["key", "rotate", &key.id]).code))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let done = codes.iter().filter(|code| **code == 0).count();
    assert!(
        done == 1 && codes.iter().all(|code| [0, 4].contains(code)),
        "{codes:?}"
    );
    app.client(&third.token).get("/v1/account").expect(200);
}

fn a_grace_is_shortened_lengthened_and_ended(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("enterprise"), "test", "read");
    let grace = |end: &str| app.admin_run(&["key", "grace", &key.id, end]);
    let run = grace("now");
    assert!(
        run.code == 4 && run.stderr.contains("never rotated"),
        "{run:?}"
    );
    let (new, _) = rotate(&app, &key, &["--grace", "1h"]);
    let replaced = secrets(&app, &key)[1]["replaced_at"].clone();
    let client = app.client(&key.token);
    let ends = || secrets(&app, &key)[1]["ends_at"].clone();

    assert_eq!(grace("29d").code, 0);
    assert!(instant(&ends()) - Utc::now() > chrono::TimeDelta::days(28));
    assert_told(&client.get("/v1/account").expect(200), &replaced, &ends());
    let last = instant(&replaced) + chrono::TimeDelta::days(30);
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    assert_eq!(grace(&text(last)).code, 0);
    assert_eq!(instant(&ends()), last);
    let entries = || app.trail(&["--key", &key.id]).len();
    let before = entries();
    let run = grace(&text(last));
    assert!(
        run.code == 0 && run.stderr.contains("nothing was changed"),
        "{run:?}"
    );
    let too_far = text(last + chrono::TimeDelta::microseconds(1));
    for (end, says) in [
        (&*too_far, "30d"),
        ("31d", "30d"),
        ("2020-01-01T00:00:00Z", "already passed"),
        ("soon", "use now"),
        ("never", "use now"),
    ] {
        let run = grace(end);
        assert!(run.code == 4 && run.stderr.contains(says), "{end}: {run:?}");
    }
    assert_eq!((instant(&ends()), entries()), (last, before));
    assert_eq!(grace("2s").code, 0);
    torvus_e2e::wait_until(Duration::from_secs(10), "it ends", || {
        client.get("/v1/account").status == 401
    });
    assert!(Utc::now() >= instant(&ends()));
    // What has ended stays so.
    assert_eq!(grace("now").code, 0);
    let run = grace("1h");
    assert!(run.code == 4 && run.stderr.contains("ended at"), "{run:?}");
    client.get("/v1/account").expect_401();
    app.client(&new.token).get("/v1/account").expect(200);

    for (flag, says) in [("31d", "30d"), ("never", "24h"), ("-1", ""), ("1", "24h")] {
        let run = app.admin_run(&["key", "rotate", &key.id, &format!("--grace={flag}")]);
        assert!(
            run.code == 4 && run.stderr.contains(says),
            "{flag}: {run:?}"
        );
    }
    let nobody = "key_01h2xcejqtf2nbrexx3vqjhp41";
    assert_eq!(app.admin_run(&["key", "rotate", nobody]).code, 3);
    assert_eq!(app.admin_run(&["key", "grace", nobody, "now"]).code, 3);
}

fn limit_and_usage_are_one_across_secrets(database: Database) {
    let mut app = TestApp::start(database);
    let account = app.account("enterprise");
    let key = app.key_with(&account, "live", "read", &["--limit", "5"]);
    for _ in 0..3 {
        app.client(&key.token).get("/v1/account").expect(200);
    }
    let (new, _) = rotate(&app, &key, &[]);
    let left = |token: &str| {
        let answer = app.client(token).get("/v1/account").expect(200);
        answer.header("x-ratelimit-remaining").unwrap().to_owned()
    };
    assert_eq!(left(&new.token), "1");
    assert_eq!(left(&key.token), "0");
    for token in [&new.token, &key.token] {
        let answer = app.client(token).get("/v1/account");
        let answer = answer.expect_error(429, "rate_limit_exceeded");
        assert_eq!(answer.header("deprecation").is_some(), *token == key.token);
    }
    app.restart();
    app.client(&new.token).get("/v1/account").expect(429);
    let usage = app.admin(&["key", "usage", &key.id]);
    assert_eq!(
        (&usage["total_requests"], &usage["billable_requests"]),
        (&json!(8), &json!(5))
    );
    // Nor does a rotation without a grace hand out a fresh budget.
    app.admin(&["key", "grace", &key.id, "now"]);
    let (newest, _) = rotate(&app, &key, &["--grace", "0"]);
    app.client(&newest.token).get("/v1/account").expect(429);
}

fn a_dead_key_is_not_rotated(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    let revoked = app.key(&account, "test", "read");
    app.admin(&["key", "revoke", &revoked.id]);
    let expired = app.key_with(&account, "test", "read", &["--expires", "1s"]);
    torvus_e2e::wait_until(Duration::from_secs(5), "it ends", || {
        app.client(&expired.token).get("/v1/account").status == 401
    });
    for (key, says) in [(&revoked, "was revoked at"), (&expired, "expired at")] {
        let run = app.admin_run(&["key", "rotate", &key.id]);
        assert!(
            run.code == 4 && run.stderr.contains("\"conflict\"") && run.stderr.contains(says),
            "{run:?}"
        );
        assert_eq!(secrets(&app, key).len(), 1);
    }
    // A revoke ends all secrets of a key.
    let key = app.key(&account, "test", "read");
    let (new, _) = rotate(&app, &key, &[]);
    app.admin(&["key", "revoke", &key.id]);
    for token in [&key.token, &new.token] {
        app.client(token).get("/v1/account").expect_401();
    }
}

fn a_secret_that_cannot_be_handed_over_is_taken_back(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("enterprise"), "test", "read");
    let file = app.scratch().join("new-key");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "something of mine").unwrap();
    let run = app.admin_run(&["key", "rotate", &key.id, "--out", path]);
    assert_eq!(run.code, 4, "{run:?}");
    assert_eq!(secrets(&app, &key).len(), 1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "something of mine");

    // Nowhere to print it to.
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for args in [
        &["key", "rotate", &key.id][..],
        &["key", "rotate", &key.id, "--grace", "0"],
    ] {
        assert_eq!(app.admin_into(args, full()).code(), Some(1));
        assert_not_told(&app.client(&key.token).get("/v1/account").expect(200));
    }
    let found = secrets(&app, &key);
    let states: Vec<&Value> = found.iter().map(|secret| &secret["state"]).collect();
    assert_eq!(states, ["ended", "ended", "current"]);
    let shown = app.admin(&["key", "show", &key.id]);
    assert_eq!(shown["hint"], found[2]["hint"]);
    let list = app.trail(&["--key", &key.id]);
    assert_eq!(list[0]["action"], "key.rotate_undo");

    std::fs::remove_file(&file).unwrap();
    let made = app.admin(&["key", "rotate", &key.id, "--out", path]);
    assert_eq!(made["api_key"], Value::Null);
    let token = std::fs::read_to_string(&file).unwrap();
    app.client(token.trim()).get("/v1/account").expect(200);
    let replaced = &secrets(&app, &key)[3];
    assert_eq!(replaced["state"], "grace");
    app.admin(&["key", "grace", &key.id, "now"]);
    app.client(&key.token).get("/v1/account").expect_401();
    app.client(token.trim()).get("/v1/account").expect(200);
}

/// A request whose body is still on its way when its secret ends changes nothing.
fn a_slow_body_does_not_outlive_its_secret(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("enterprise"), "test", "read,write");
    let (first, rest) = br#"{"name":"kept"}"#.split_at(5);
    let head = format!(
        "POST /v1/vaults HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        key.token,
        first.len() + rest.len()
    );
    let mut stream = TcpStream::connect(app.address()).unwrap();
    stream
        .write_all(&[head.as_bytes(), first].concat())
        .unwrap();
    // The key was looked up long before this is over.
    std::thread::sleep(Duration::from_millis(300));
    let (new, _) = rotate(&app, &key, &["--grace", "0"]);
    stream.write_all(rest).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let vaults = app.client(&new.token).get("/v1/vaults").expect(200).json();
    assert_eq!(vaults["data"], json!([]));
}

on_both!(
    a_rotated_key_is_the_same_key_and_its_old_secret_tells_its_end,
    there_are_never_three_secrets,
    a_grace_is_shortened_lengthened_and_ended,
    limit_and_usage_are_one_across_secrets,
    a_dead_key_is_not_rotated,
    a_secret_that_cannot_be_handed_over_is_taken_back,
    a_slow_body_does_not_outlive_its_secret,
);
