//! The examples in `docs/clients`, each run as it is printed, against the real server.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use torvus_e2e::{
    Client, Database, EXAMPLES, Ended, Key, Passed, TestApp, Wire, example, examples_folder,
    random_like, run_to_end, wait_until,
};

/// A key of a limit such that one request comes back each three seconds: longer than a client would wait that
/// guesses (one second, then two).
const LIMIT: &str = "1200";

/// A client may be late by what a busy machine needs.
const LATE: Duration = Duration::from_secs(2);

/// A clock's reading and a timer's may differ by one tick.
const TICK: Duration = Duration::from_millis(2);

fn server() -> TestApp {
    TestApp::start(Database::Sqlite)
}

/// Does something with each example, all at the same time.
fn each(what: impl Fn(&'static str) + Sync) {
    std::thread::scope(|scope| {
        let threads: Vec<_> = EXAMPLES
            .into_iter()
            .map(|name| {
                let what = &what;
                let builder = std::thread::Builder::new().name(name.to_owned());
                (name, builder.spawn_scoped(scope, move || what(name)))
            })
            .collect();
        let failed: Vec<&str> = threads
            .into_iter()
            .filter_map(|(name, thread)| thread.unwrap().join().err().map(|_| name))
            .collect();
        assert!(failed.is_empty(), "failed: {failed:?}");
    });
}

/// A home of its own, with a trap in it: what `.netrc` says of the address must not take the key's place.
fn home(app: &TestApp, name: &str) -> PathBuf {
    let home = app.scratch().join(format!("home-{name}"));
    std::fs::create_dir(&home).unwrap();
    std::fs::write(
        home.join(".netrc"),
        "machine 127.0.0.1 login someone password else\n",
    )
    .unwrap();
    home
}

fn command(name: &str, home: &Path, url: &str, key: &str) -> Command {
    let mut command = example(name, home);
    command.env("TORVUS_URL", url).env("TORVUS_API_KEY", key);
    command
}

/// Runs an example, which must never show its key.
#[track_caller]
fn run(app: &TestApp, name: &str, url: &str, key: &str) -> Ended {
    let ended = run_to_end(&mut command(name, &home(app, name), url, key));
    assert!(
        !ended.stdout.contains(key) && !ended.stderr.contains(key),
        "{name} shows the key"
    );
    ended
}

/// Fails unless the example did all that it should: one vault was made, and is shown.
#[track_caller]
fn assert_done(ended: &Ended, client: &Client, account: &str) {
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let vaults = client.get("/v1/vaults").expect(200).json();
    let [vault] = vaults["data"].as_array().unwrap().as_slice() else {
        panic!("not one vault: {vaults}");
    };
    let (id, name) = (
        vault["id"].as_str().unwrap(),
        vault["name"].as_str().unwrap(),
    );
    let expected = format!("account {account}, plan enterprise\ncreated {id}\n{id}  {name}\n");
    assert_eq!(ended.stdout, expected, "{ended:?}");
    assert!(name.starts_with("From "), "{name}");
}

#[track_caller]
fn assert_refused(ended: &Ended, code: i32, said: &[&str]) {
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
    for text in said {
        assert!(ended.stderr.contains(text), "{text}: {ended:?}");
    }
}

/// Uses the limit up.
fn exhaust(client: &Client) {
    let refused = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !refused.load(Ordering::Relaxed) {
                    if client.get("/v1/account").status == 429 {
                        refused.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
}

/// Fails unless the request after each 429 came when `Retry-After` said, and not before: how many there were.
fn waits(name: &str, passed: &[Passed]) -> usize {
    let refused = passed
        .iter()
        .enumerate()
        .filter(|(_, p)| p.status() == Some(429));
    refused
        .map(|(index, refusal)| {
            let told = refusal.header("retry-after").unwrap().parse().unwrap();
            let told = Duration::from_secs(told);
            let next = passed[index + 1..].iter().find(|p| p.status().is_none());
            let waited = next.expect("it tries again").at - refusal.at;
            assert!(
                waited + TICK >= told && waited < told + LATE,
                "{name}: told to wait {told:?}, it waited {waited:?}"
            );
        })
        .count()
}

/// The statuses of an example's records, oldest first. The kit's own client sends no user agent.
fn recorded(app: &TestApp, key: &Key) -> Vec<Value> {
    let list = app.admin(&["audit", "list", "--key", &key.id, "--limit", "500"]);
    let records = list["data"].as_array().unwrap().iter().rev();
    records
        .filter(|record| record["user_agent"].is_string())
        .map(|record| record["status"].clone())
        .collect()
}

/// Whether the text stands among the arguments of any process of this machine.
fn in_arguments(text: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().map_while(Result::ok);
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .any(|arguments| String::from_utf8_lossy(&arguments).contains(text))
}

#[test]
fn each_example_is_short_and_run_here() {
    let mut found: Vec<String> = std::fs::read_dir(examples_folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("client."))
        .collect();
    let mut run = EXAMPLES.map(str::to_owned);
    found.sort();
    run.sort();
    assert_eq!(found, run);
    for name in EXAMPLES {
        let text = std::fs::read_to_string(examples_folder().join(name)).unwrap();
        let lines = text.lines().count();
        assert!(
            lines <= 90,
            "{name} is an example, not a library: {lines} lines"
        );
    }
}

#[test]
fn a_good_key_does_it_all() {
    let app = server();
    each(|name| {
        let account = app.account("enterprise");
        let key = app.key(&account, "test", "read,write");
        let ended = run(&app, name, &app.url(), &key.token);
        assert_done(&ended, &app.client(&key.token), &account);
        assert_eq!(ended.stderr, "");
    });
}

#[test]
fn a_wrong_key_is_exit_code_2() {
    let app = server();
    each(|name| {
        let ended = run(&app, name, &app.url(), &random_like("live"));
        assert_refused(&ended, 2, &["401", "TORVUS_API_KEY"]);
        assert_eq!(ended.stdout, "");
    });
}

#[test]
fn a_missing_permission_is_named_with_exit_code_3() {
    let app = server();
    let account = app.account("enterprise");
    let key = app.key(&account, "live", "read");
    each(|name| {
        let ended = run(&app, name, &app.url(), &key.token);
        assert_refused(&ended, 3, &["403", "permission", "\"write\""]);
        assert!(!ended.stdout.contains("created"), "{ended:?}");
    });
}

#[test]
fn a_refused_address_is_told_apart_from_a_missing_permission() {
    let app = server();
    let account = app.account("enterprise");
    let elsewhere = ["--allow-ip", "203.0.113.7"];
    let key = app.key_with(&account, "live", "read,write", &elsewhere);
    each(|name| {
        let ended = run(&app, name, &app.url(), &key.token);
        assert_refused(&ended, 3, &["403", "address"]);
        assert!(!ended.stderr.contains("\"write\""), "{ended:?}");
    });
}

#[test]
fn a_used_up_limit_is_waited_for_as_long_as_retry_after_says() {
    let app = server();
    each(|name| {
        let account = app.account("enterprise");
        let key = app.key_with(&account, "test", "read,write", &["--limit", LIMIT]);
        let wire = Wire::to(app.address());
        let mut command = command(name, &home(&app, name), &wire.url(), &key.token);
        let client = app.client(&key.token);
        exhaust(&client);

        let ended = std::thread::scope(|scope| {
            let run = scope.spawn(|| run_to_end(&mut command));
            while !run.is_finished() {
                // What comes back before the example has started must not be there for it.
                if wire.passed().is_empty() {
                    client.get("/v1/account");
                }
                assert!(!in_arguments(&key.token), "{name} shows the key to ps");
                std::thread::sleep(Duration::from_millis(100));
            }
            run.join().unwrap()
        });
        let passed = wire.passed();
        assert!(waits(name, &passed) >= 1, "{passed:?}");

        // The server's records say the same: nothing was asked beside what is seen here.
        let answered: Vec<Value> = passed
            .iter()
            .filter_map(Passed::status)
            .map(Value::from)
            .collect();
        assert_eq!(recorded(&app, &key), answered);

        let posts = passed.iter().filter(|p| p.first_line.starts_with("POST "));
        let mut keys: Vec<Option<&str>> = posts.map(|p| p.header("idempotency-key")).collect();
        keys.dedup();
        assert!(matches!(keys[..], [Some(_)]), "{name}: {keys:?}");
        let other = app.client(&app.key(&account, "test", "read").token);
        assert_done(&ended, &other, &account);
        assert!(!ended.stderr.contains(&key.token), "{name} shows the key");
    });
}

#[test]
fn a_server_that_is_back_soon_is_waited_for() {
    let app = server();
    let tries = EXAMPLES.map(|name| {
        let account = app.account("enterprise");
        let key = app.key(&account, "live", "read,write");
        (name, account, key, Wire::to(app.address()))
    });
    let blocker = app.block_records();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_until(Duration::from_secs(30), "a 503 for each", || {
                tries.iter().all(|(_, _, _, wire)| wire.has_seen(503))
            });
            drop(blocker);
        });
        each(|name| {
            let mut tries = tries.iter();
            let (_, account, key, wire) = tries.find(|one| one.0 == name).unwrap();
            let ended = run(&app, name, &wire.url(), &key.token);
            assert_done(&ended, &app.client(&key.token), account);
        });
    });
}

#[test]
fn no_server_is_a_message_without_the_key() {
    let app = server();
    let key = random_like("live");
    each(|name| {
        let ended = run(&app, name, "http://127.0.0.1:1", &key);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert_eq!(ended.stdout, "");
        let lines = ended.stderr.lines().count();
        assert!((1..=2).contains(&lines), "a message, no dump: {ended:?}");
    });
}

#[test]
fn no_key_is_a_message() {
    let app = server();
    each(|name| {
        let mut command = command(name, &home(&app, name), &app.url(), "");
        let ended = run_to_end(&mut command);
        assert_refused(&ended, 1, &["set TORVUS_API_KEY"]);
    });
}
