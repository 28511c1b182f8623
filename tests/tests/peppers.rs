//! The pepper is changed without anybody's key being refused, and a wrong one never is a wave of 401s.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use torvus_e2e::{BODY_503, Database, Key, TestApp, large, on_both, random_like, wait_until};

const SOON: Duration = Duration::from_secs(20);

fn app(database: Database) -> TestApp {
    TestApp::builder(database).pepper_in_file().start()
}

/// What `pepper status` says of a version.
#[track_caller]
fn status(app: &TestApp, version: u64) -> Value {
    let all = app.admin(&["pepper", "status"]);
    let all = all["data"].as_array().unwrap();
    let found = all.iter().find(|one| one["version"] == version);
    found.expect("the version is listed").clone()
}

fn versions_in(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().map(|line| line.split_once(':').unwrap().0);
    lines.map(str::to_owned).collect()
}

/// Clients that use their keys over and over while `work` is done, and are let in each time.
fn in_use(app: &TestApp, keys: &[Key], work: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let clients: Vec<_> = keys
            .chunks(keys.len().div_ceil(4))
            .map(|some| {
                let (stop, answered) = (&stop, &answered);
                let client = app.anonymous();
                scope.spawn(move || {
                    while !stop.load(Ordering::SeqCst) {
                        for key in some {
                            client.with_key(&key.token).get("/v1/account").expect(200);
                            answered.fetch_add(1, Ordering::SeqCst);
                        }
                        std::thread::sleep(Duration::from_millis(20));
                    }
                })
            })
            .collect();
        work();
        let before = answered.load(Ordering::SeqCst);
        wait_until(SOON, "each key is used once more", || {
            answered.load(Ordering::SeqCst) > before + 2 * keys.len()
                || clients.iter().any(|client| client.is_finished())
        });
        stop.store(true, Ordering::SeqCst);
        for client in clients {
            client.join().expect("no client was refused");
        }
    });
}

fn a_pepper_is_changed_under_load(database: Database) {
    let mut app = app(database);
    let account = app.account("enterprise");
    let keys: Vec<Key> = (0..large(200))
        .map(|_| app.key(&account, "live", "read"))
        .collect();
    let (used, unused) = keys.split_at(keys.len() / 2);
    let backup = std::fs::read(app.pepper_file()).unwrap();
    assert_eq!(status(&app, 1)["live_keys"], keys.len());

    in_use(&app, used, || {
        assert_eq!(app.admin(&["pepper", "add"])["version"], 2);
        // Of a pepper that the server may not have seen yet.
        let new = app.key(&account, "live", "read");
        app.client(&new.token).get("/v1/account").expect(200);
        wait_until(SOON, "the keys in use have moved", || {
            status(&app, 1)["live_keys"] == unused.len()
        });
    });
    let second = status(&app, 2);
    assert_eq!(second["live_keys"], used.len() + 1, "and the new one");
    assert_eq!(second["current"], true);
    assert_eq!(second["at_hand"], true);
    assert_eq!(second["fingerprint_matches"], true);
    let mode = app.pepper_file().metadata().unwrap().permissions().mode();
    assert_eq!(
        mode & 0o137,
        0,
        "{mode:o}: no others, and no more than reading for the group"
    );

    let refused = app.admin_run(&["pepper", "retire", "1"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.stderr.contains(&unused.len().to_string()));
    assert_eq!(app.admin_run(&["pepper", "retire", "2"]).code, 5);
    assert_eq!(app.admin_run(&["pepper", "retire", "3"]).code, 3);
    assert_eq!(versions_in(&app.pepper_file()), ["1", "2"]);

    // One more is used in the last moment; the others can't be saved.
    let (late, lost) = unused.split_first().unwrap();
    in_use(&app, used, || {
        app.client(&late.token).get("/v1/account").expect(200);
        wait_until(SOON, "it has moved", || {
            status(&app, 1)["live_keys"] == lost.len()
        });
        let retired = app.admin(&["pepper", "retire", "1", "--revoke-remaining"]);
        assert_eq!(retired["revoked"], lost.len());
    });
    assert_eq!(versions_in(&app.pepper_file()), ["2"]);
    for key in lost {
        app.client(&key.token).get("/v1/account").expect_401();
        let shown = app.admin(&["key", "show", &key.id]);
        assert_eq!(shown["revoke_reason"], "pepper retired");
    }
    assert!(status(&app, 1)["retired_at"].is_string());
    assert_eq!(app.admin_run(&["pepper", "retire", "1"]).code, 3);

    app.restart();
    for key in used.iter().chain([late]) {
        app.client(&key.token).get("/v1/account").expect(200);
    }
    let later_backup = std::fs::read(app.pepper_file()).unwrap();
    // No version is given twice, and each change is in the log.
    assert_eq!(app.admin(&["pepper", "add"])["version"], 3);
    let log = app.trail(&[]);
    let count = |action: &str| log.iter().filter(|one| one["action"] == action).count();
    assert_eq!(count("pepper.add"), 2);
    assert_eq!(count("pepper.retire"), 1);
    assert_eq!(count("key.revoke"), lost.len());

    app.stop();
    let kept = std::fs::read(app.pepper_file()).unwrap();
    std::fs::write(app.pepper_file(), &backup).unwrap();
    no_start(&app, "version 1 of the pepper was retired");
    std::fs::write(app.pepper_file(), &later_backup).unwrap();
    no_start(&app, "version 3 of the pepper is missing");
    // What other nodes still have of a retired one is no fault.
    std::fs::write(app.pepper_file(), [backup, kept.clone()].concat()).unwrap();
    app.restart();
    app.client(&late.token).get("/v1/account").expect(200);
    app.stop();
    std::fs::write(app.pepper_file(), kept).unwrap();
    app.start_again();
}

/// The server ends with one line that holds this.
#[track_caller]
fn no_start(app: &TestApp, words: &str) {
    let out = app.scratch().join("out");
    let ended = app.server_into(&["serve"], std::fs::File::create(&out).unwrap());
    assert!(!ended.success());
    assert_eq!(std::fs::read_to_string(out).unwrap(), "");
    let said = std::fs::read_to_string(app.scratch().join("other-log")).unwrap();
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.contains("migration applied"))
        .collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(said.contains("pepper") && said.contains(words), "{said}");
}

fn a_wrong_pepper_stops_the_start(database: Database) {
    let mut app = app(database);
    let account = app.account("professional");
    let key = app.key(&account, "live", "read");
    app.admin(&["pepper", "add"]);
    let newer = app.key(&account, "live", "read");
    app.stop();
    let file = app.pepper_file();
    let right = std::fs::read_to_string(&file).unwrap();
    let (first, second) = right.split_once('\n').unwrap();
    let swapped = format!("2:{}\n1:{}", &first[2..], &second[2..]);
    for (wrong, words) in [
        (format!("{first}\n"), "version 2 of the pepper is missing"),
        (second.to_owned(), "version 1 of the pepper is missing"),
        (swapped, "version 1 of the pepper is not the one"),
        ("1:c2hvcnQ=\n".to_owned(), "line 1"),
        ("1:!\n".to_owned(), "line 1"),
        (String::new(), "there is no pepper"),
    ] {
        std::fs::write(&file, wrong).unwrap();
        no_start(&app, words);
        let args = ["key", "create", "--account", &account, "--name", "n"];
        let more = ["--environment", "live", "--permissions", "read"];
        let run = app.admin_run(&[&args[..], &more].concat());
        assert!(run.code != 0 && run.stderr.contains(words), "{run:?}");
    }
    std::fs::remove_file(&file).unwrap();
    no_start(&app, "can't be read");
    let listed = app.admin(&["pepper", "status"]);
    assert_eq!(listed["data"][0]["at_hand"], false);
    std::fs::write(&file, &right).unwrap();
    app.start_again();
    for key in [key, newer] {
        app.client(&key.token).get("/v1/account").expect(200);
    }
}

/// A pepper that is broken while the server runs changes nothing for keys that are known, and those that
/// are not are not refused for it.
fn a_pepper_that_is_lost_while_running_is_no_401(database: Database) {
    let app = app(database);
    let account = app.account("professional");
    let known = app.key(&account, "live", "read");
    let file = app.pepper_file();
    let first = std::fs::read(&file).unwrap();
    app.admin(&["pepper", "add"]);
    let whole = std::fs::read(&file).unwrap();
    let new = app.key(&account, "live", "read");
    app.client(&new.token).get("/v1/account").expect(200);

    std::fs::write(&file, &first).unwrap();
    app.hang_up();
    wait_until(SOON, "the file is refused", || {
        app.log().contains("the old ones stay")
    });
    for key in [&known, &new] {
        app.client(&key.token).get("/v1/account").expect(200);
    }
    app.client(&random_like("live"))
        .get("/v1/account")
        .expect_401();
    std::fs::write(&file, whole).unwrap();
}

#[test]
fn a_node_without_the_pepper_says_503_and_never_401() {
    let app = app(Database::Postgres);
    let account = app.account("enterprise");
    let keys: Vec<Key> = (0..4).map(|_| app.key(&account, "live", "read")).collect();
    let theirs = app.scratch().join("their-pepper");
    std::fs::copy(app.pepper_file(), &theirs).unwrap();
    let their_flag = ["serve", "--pepper-file", theirs.to_str().unwrap()];
    let mut other = app.another_server(&their_flag);
    for key in &keys {
        other.client(&key.token).get("/v1/account").expect(200);
    }

    let refused = app.admin_run(&["pepper", "add"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.stderr.contains("--out"), "{refused:?}");
    let new = app.scratch().join("new-pepper");
    let made = app.admin(&["pepper", "add", "--out", new.to_str().unwrap()]);
    assert_eq!(made["version"], 2);
    assert_eq!(
        app.admin(&["pepper", "status"])["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let again = app.admin_run(&["pepper", "add", "--out", new.to_str().unwrap()]);
    assert_eq!(again.code, 4, "a file that is there stays: {again:?}");

    // Against the rules: one node has it, and the other is not told.
    std::fs::copy(&new, app.pepper_file()).unwrap();
    app.hang_up();
    let issued = app.key(&account, "live", "read");
    app.client(&issued.token).get("/v1/account").expect(200);
    for _ in 0..20 {
        let answer = other.client(&issued.token).get("/v1/account");
        assert_eq!((answer.status, answer.body.as_str()), (503, BODY_503));
        let answer = other.client(&random_like("live")).get("/v1/account");
        assert_eq!(answer.status, 503);
        for key in &keys {
            other.client(&key.token).get("/v1/account").expect(200);
        }
    }
    std::fs::copy(&new, &theirs).unwrap();
    wait_until(SOON, "the other node has read it", || {
        other.client(&issued.token).get("/v1/account").status == 200
    });
    other
        .client(&random_like("live"))
        .get("/v1/account")
        .expect_401();
    for key in &keys {
        app.client(&key.token).get("/v1/account").expect(200);
        other.client(&key.token).get("/v1/account").expect(200);
    }
    other.stop();
}

/// Two nodes move the same keys at the same time, and nobody is refused.
#[test]
fn nodes_move_keys_beside_each_other() {
    let app = app(Database::Postgres);
    let account = app.account("enterprise");
    let keys: Vec<Key> = (0..large(200))
        .map(|_| app.key(&account, "live", "read"))
        .collect();
    let mut other = app.another_server(&["serve"]);
    let new = app.scratch().join("new-pepper");
    app.admin(&["pepper", "add", "--out", new.to_str().unwrap()]);
    std::fs::rename(&new, app.pepper_file()).unwrap();
    app.hang_up();
    other.hang_up();
    std::thread::scope(|scope| {
        for turn in 0..8 {
            let (app, other, keys) = (&app, &other, &keys);
            scope.spawn(move || {
                for _ in 0..3 {
                    for key in keys {
                        let client = match turn % 2 {
                            0 => app.client(&key.token),
                            _ => other.client(&key.token),
                        };
                        client.get("/v1/account").expect(200);
                    }
                }
            });
        }
    });
    wait_until(SOON, "all have moved", || {
        app.admin(&["pepper", "status"])["data"][0]["live_keys"] == 0
            && status(&app, 2)["live_keys"] == keys.len()
    });
    app.admin(&["pepper", "retire", "1"]);
    other.stop();
}

/// What no program can write is said to be so, without a word of the secret.
#[test]
fn a_pepper_in_the_environment_is_not_added_to() {
    let app = TestApp::start(Database::Postgres);
    let run = app.admin_run(&["pepper", "add"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("TORVUS_PEPPER_FILE"), "{run:?}");
    assert!(!run.stderr.contains(&app.pepper()));
    let out = app.scratch().join("peppers");
    app.admin(&["pepper", "add", "--out", out.to_str().unwrap()]);
    assert_eq!(versions_in(&out), ["1", "2"]);
    assert_eq!(out.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

on_both!(
    a_pepper_is_changed_under_load,
    a_wrong_pepper_stops_the_start,
    a_pepper_that_is_lost_while_running_is_no_401,
);
