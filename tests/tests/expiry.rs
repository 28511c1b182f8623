//! Keys that end: not one request later than its instant, and nobody is surprised by it.

use std::thread;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use torvus_e2e::{BODY_401, Database, Key, TestApp, large, on_both};

/// Connections that ask at the same time.
const LANES: usize = 16;
/// From one key's end to the next on the same connection.
const APART: TimeDelta = TimeDelta::milliseconds(100);
/// How long before and after an end it is asked for.
const BEFORE: TimeDelta = TimeDelta::milliseconds(25);
const AFTER: TimeDelta = TimeDelta::milliseconds(15);
/// A thread that is put aside between the two clocks that a record is made with shifts them against each other.
const CLOCKS: TimeDelta = TimeDelta::milliseconds(10);

/// A request around the end of its key.
struct Asked {
    key: usize,
    sent: DateTime<Utc>,
    read: DateTime<Utc>,
    status: u16,
    request_id: String,
}

/// Asks for one key after the other, each around its end.
fn ask(app: &TestApp, keys: &[(usize, &Key, DateTime<Utc>)]) -> Vec<Asked> {
    let mut connection = app.keep_alive();
    let mut asked = Vec::new();
    for (index, key, end) in keys {
        let head = format!("Host: x\r\nAuthorization: Bearer {}\r\n\r\n", key.token);
        let request = format!("GET /v1/vaults HTTP/1.1\r\n{head}");
        thread::sleep((*end - BEFORE - Utc::now()).to_std().unwrap_or_default());
        loop {
            let sent = Utc::now();
            let answer = connection.send(request.as_bytes()).expect("an answer");
            let refused = answer.status == 401 && answer.body == BODY_401;
            assert!(refused || answer.status == 200, "{answer:?}");
            asked.push(Asked {
                key: *index,
                sent,
                read: Utc::now(),
                status: answer.status,
                request_id: answer.header("x-request-id").unwrap().to_owned(),
            });
            if sent > *end + AFTER {
                break;
            }
            thread::sleep(Duration::from_micros(500));
        }
    }
    asked
}

/// Of many keys, each is asked for until after its end: whatever was sent at or after that instant is refused,
/// and whatever was answered before it is let in. The server's own records tell the same.
fn none_of_many_keys_is_let_in_from_its_end_on(database: Database) {
    let count = large(10_000);
    let app = TestApp::builder(database).args(&["--workers", "2"]).start();
    let account = app.account("enterprise");
    // Long enough to make them all.
    let first = Utc::now() + TimeDelta::seconds(4) + TimeDelta::milliseconds(2) * count as i32;
    let first = DateTime::from_timestamp_micros(first.timestamp_micros()).unwrap();
    let ends: Vec<DateTime<Utc>> = (0..count)
        .map(|index| {
            let (place, lane) = ((index / LANES) as i32, (index % LANES) as i32);
            // All parts of a second come up, down to the microsecond.
            let odd = TimeDelta::microseconds((index as i64 * 7_919) % 1_000);
            first + APART * place + APART * lane / LANES as i32 + odd
        })
        .collect();
    let keys = app.many_keys(&account, &ends);
    assert!(Utc::now() + BEFORE < first, "they are made too slowly");

    let asked: Vec<Asked> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                let own: Vec<_> = (lane..count)
                    .step_by(LANES)
                    .map(|index| (index, &keys[index], ends[index]))
                    .collect();
                let app = &app;
                scope.spawn(move || ask(app, &own))
            })
            .collect();
        lanes
            .into_iter()
            .flat_map(|lane| lane.join().unwrap())
            .collect()
    });

    let records = app.exported();
    let by_request: std::collections::HashMap<&str, &Value> = records
        .iter()
        .map(|record| (record["request_id"].as_str().unwrap(), record))
        .collect();
    let (mut let_in, mut refused) = (vec![0_u32; count], vec![0_u32; count]);
    for asked in &asked {
        let (key, end) = (asked.key, ends[asked.key]);
        let late = asked.sent - end;
        match asked.status {
            200 => let_in[key] += 1,
            _ => refused[key] += 1,
        }
        assert!(
            asked.sent < end || asked.status == 401,
            "let in {late} after its end: {}",
            keys[key].id
        );
        assert!(
            asked.read >= end || asked.status == 200,
            "refused {late} before its end: {}",
            keys[key].id
        );
        let record = by_request[asked.request_id.as_str()];
        assert_eq!(record["status"], asked.status, "{record}");
        assert_eq!(record["key_id"], keys[key].id.as_str(), "{record}");
        assert_eq!(
            record["outcome"],
            match asked.status {
                200 => "ok",
                _ => "expired_key",
            },
            "{record}"
        );
        let at: DateTime<Utc> = record["at"].as_str().unwrap().parse().unwrap();
        let began = at - TimeDelta::microseconds(record["duration_us"].as_i64().unwrap());
        assert!(
            began < end + CLOCKS || asked.status == 401,
            "let in after {end}: {record}"
        );
    }
    assert!(refused.iter().all(|count| *count > 0), "each is refused");
    let before = let_in.iter().filter(|count| **count > 0).count();
    println!(
        "{count} keys, {} requests around their ends: {} let in before, of {before} keys; 0 at or after",
        asked.len(),
        let_in.iter().sum::<u32>(),
    );
    // A machine that is busy with other things is late for most of them; that they end is shown all the same.
    assert!(before > count / 50, "{before} of {count} were used before");
}

/// Makes a key that ends then: its id.
fn ending(app: &TestApp, account: &str, expires: &str) -> String {
    app.key_with(account, "live", "read", &["--expires", expires])
        .id
}

fn keys_that_end_soon_are_listed_and_counted(database: Database) {
    let mut app = TestApp::builder(database).operators().start();
    let (one, other) = (app.account("professional"), app.account("free"));
    let later = ending(&app, &one, "13d");
    let sooner = ending(&app, &other, "2d");
    ending(&app, &one, "15d");
    ending(&app, &one, "never");
    let revoked = ending(&app, &one, "1d");
    app.admin(&["key", "revoke", &revoked]);
    let over = ending(&app, &one, "1s");
    torvus_e2e::wait_until(Duration::from_secs(5), "one has ended", || {
        app.admin(&["key", "show", &over])["state"] == "expired"
    });

    let listed = |args: &[&str]| -> Vec<String> {
        let list = app.admin(&[&["key", "list", "--expiring"], args].concat());
        let ids = list["data"].as_array().unwrap().iter();
        ids.map(|key| key["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(listed(&["14d"]), [sooner.clone(), later.clone()]);
    assert_eq!(listed(&["2d"]), [sooner]);
    assert_eq!(listed(&["14d", "--account", &one]), [later]);
    assert_eq!(listed(&["1h"]), Vec::<String>::new());
    for (args, code) in [
        (&["--expiring", "soon"][..], 4),
        (&["--expiring", "never"], 4),
        (&["--expiring", "2999-01-01T00:00:00Z"], 4),
        (&["--expiring", "14d", "--all"], 2),
    ] {
        let run = app.admin_run(&[&["key", "list"], args].concat());
        assert_eq!(run.code, code, "{args:?}: {run:?}");
    }

    // Counted at the start, and then once a minute.
    app.restart();
    let counted = || {
        let text = reqwest::blocking::get(format!("{}/metrics", app.operators()));
        let text = text.and_then(reqwest::blocking::Response::text).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("torvus_keys_expiring "));
        line.map(str::to_owned)
    };
    torvus_e2e::wait_until(Duration::from_secs(5), "they are counted", || {
        counted().as_deref() == Some("torvus_keys_expiring 2")
    });
}

on_both!(
    none_of_many_keys_is_let_in_from_its_end_on,
    keys_that_end_soon_are_listed_and_counted,
);
