//! Starting, stopping, and keys that come and go while the API is in use.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use torvus_e2e::{Database, TestApp, key_like, large, on_both, wait_until};

const CONNECTIONS: usize = 32;

/// The first word that is a whole key of that environment.
fn printed_key(app: &TestApp, environment: &str) -> String {
    let text = app.greeting().join("\n");
    let start = format!("torvus_sk_{environment}_");
    let at = text
        .find(&start)
        .unwrap_or_else(|| panic!("no {environment} key: {text}"));
    text[at..at + 64].to_owned()
}

fn bootstrap_prints_its_secrets_once(database: Database) {
    let mut app = TestApp::builder(database)
        .empty()
        .args(&["--bootstrap", "you@example.com"])
        .start();
    let first = app.greeting().join("\n");
    assert!(first.contains("curl "), "{first}");
    let keys = [printed_key(&app, "live"), printed_key(&app, "test")];
    for key in &keys {
        let client = app.client(key);
        let shown = client.get("/v1/account").expect(200);
        assert_eq!(shown.text("email"), "you@example.com");
        assert_eq!(shown.text("plan"), "professional");
        let vault = client.vault("mine");
        client.get("/v1/vaults").expect(200);
        client.delete(&format!("/v1/vaults/{vault}")).expect(204);
    }

    app.restart();
    let second = app.greeting().join("\n");
    assert_eq!(key_like(&second), None, "{second}");
    assert!(!second.contains("torvus_sk_"), "{second}");
    assert!(!second.to_lowercase().contains("password"), "{second}");
    for key in &keys {
        app.client(key).get("/v1/account").expect(200);
    }
    let accounts = app.admin(&["account", "list"]);
    assert_eq!(accounts["data"].as_array().unwrap().len(), 1);
}

fn a_stop_finishes_what_is_under_way(database: Database) {
    let mut app = TestApp::start(database);
    let account = app.account("enterprise");
    let key = app.key(&account, "test", "read,write");
    let (mut stream, rest) = half_a_post(&app, &key.token);
    kill_process(
        Pid::from_raw(app.pid().cast_signed()).unwrap(),
        Signal::TERM,
    )
    .unwrap();
    wait_until(Duration::from_secs(5), "the port is closed", || {
        TcpStream::connect(app.address()).is_err()
    });
    stream.write_all(rest).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    // The kit checks: exit code 0, no panic, no key in the log.
    app.stop();
    app.start_again();
    let vaults = app.client(&key.token).get("/v1/vaults").expect(200).json();
    assert_eq!(vaults["data"][0]["name"], "kept");
    let records = app.admin(&["audit", "list", "--status", "201"]);
    assert_eq!(records["data"].as_array().unwrap().len(), 1);
}

fn a_revoke_is_true_when_the_command_returns(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    for _ in 0..large(50) {
        let key = app.key(&account, "live", "read");
        let client = app.client(&key.token);
        client.get("/v1/account").expect(200);
        let revoked = app.admin(&["key", "revoke", &key.id]);
        client.get("/v1/account").expect_401();
        assert_eq!(revoked["id"], key.id);
        let again = app.admin(&["key", "revoke", &key.id]);
        assert_eq!(again["revoked_at"], revoked["revoked_at"]);
        let shown = app.admin(&["key", "show", &key.id]);
        assert_eq!(shown["state"], "revoked");
        assert!(shown["revoked_at"].is_string());
    }
    let run = app.admin_run(&["key", "revoke", "key_01h2xcejqtf2nbrexx3vqjhp41"]);
    assert_eq!(run.code, 3, "{run:?}");
}

/// A request whose body is still on its way when its key is revoked changes nothing.
fn a_slow_body_does_not_outlive_its_key(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    let key = app.key(&account, "test", "read,write");
    let (mut stream, rest) = half_a_post(&app, &key.token);
    app.admin(&["key", "revoke", &key.id]);
    stream.write_all(rest).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let other = app.client(&app.key(&account, "test", "read").token);
    let vaults = other.get("/v1/vaults").expect(200).json();
    assert_eq!(vaults["data"], json!([]));
    let records = app.admin(&["audit", "list", "--outcome", "revoked_key"]);
    assert_eq!(records["data"].as_array().unwrap().len(), 1);
}

/// Sends a new vault but for the end of its body; the handler waits for the rest, which is given back.
fn half_a_post(app: &TestApp, token: &str) -> (TcpStream, &'static [u8]) {
    let (first, rest) = br#"{"name":"kept"}"#.split_at(5);
    let head = format!(
        "POST /v1/vaults HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        first.len() + rest.len()
    );
    let mut stream = TcpStream::connect(app.address()).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(first).unwrap();
    // The key was looked up long before this is over.
    std::thread::sleep(Duration::from_millis(300));
    (stream, rest)
}

fn keys_come_and_go_while_the_api_is_used(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    let keys: Vec<String> = (0..8)
        .map(|_| app.key(&account, "test", "read,write").token)
        .collect();
    let stop = AtomicBool::new(false);
    let answered = AtomicUsize::new(0);

    let failures: Vec<String> = std::thread::scope(|scope| {
        let users: Vec<_> = (0..CONNECTIONS)
            .map(|index| {
                let client = app.client(&keys[index % keys.len()]);
                let (stop, answered) = (&stop, &answered);
                scope.spawn(move || {
                    let mut failures = Vec::new();
                    let mut turn = index;
                    while !stop.load(Ordering::Relaxed) {
                        turn += 1;
                        let (request, expected) = match turn % 8 {
                            0 => {
                                let body = json!({ "note": "here" });
                                (client.request("POST", "/v1/check-ins").json(&body), 201)
                            }
                            1 => (client.request("GET", "/v1/vaults"), 200),
                            _ => (client.request("GET", "/v1/account"), 200),
                        };
                        match client.try_send(request) {
                            Ok(answer) if answer.status == expected => {}
                            Ok(answer) => failures.push(format!("{answer:?}")),
                            Err(error) => failures.push(error.to_string()),
                        }
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    failures
                })
            })
            .collect();

        let admin = scope.spawn(|| {
            for _ in 0..large(200) {
                let key = app.key(&account, "live", "read");
                let client = app.client(&key.token);
                client.get("/v1/account").expect(200);
                app.admin(&["key", "revoke", &key.id]);
                client.get("/v1/account").expect_401();
            }
        });
        let outcome = admin.join();
        stop.store(true, Ordering::Relaxed);
        let failures = users
            .into_iter()
            .flat_map(|user| user.join().unwrap())
            .collect();
        outcome.expect("the operator's part goes well");
        failures
    });
    assert_eq!(failures, Vec::<String>::new());
    assert!(answered.load(Ordering::Relaxed) > CONNECTIONS);
}

fn a_key_ends_at_its_instant(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let key = app.key_with(&account, "live", "read", &["--expires", "3s"]);
    app.client(&key.token).get("/v1/account").expect(200);
    wait_until(Duration::from_secs(10), "the key expires", || {
        app.client(&key.token).get("/v1/account").status == 401
    });
    assert_eq!(app.admin(&["key", "show", &key.id])["state"], "expired");
}

on_both!(
    bootstrap_prints_its_secrets_once,
    a_stop_finishes_what_is_under_way,
    a_revoke_is_true_when_the_command_returns,
    a_slow_body_does_not_outlive_its_key,
    keys_come_and_go_while_the_api_is_used,
    a_key_ends_at_its_instant,
);
