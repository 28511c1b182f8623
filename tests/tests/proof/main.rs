//! The log proves that it was not altered: to us, to `docs/verify.py`, with a checkpoint and after a pruning.
#![cfg(test)]

mod exported;
mod forged;
mod running;
mod signers;
mod tables;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use torvus_e2e::{Database, Key, TestApp, library, on_both, wait_until};

/// A server with a key that was used a little.
fn used(database: Database) -> (TestApp, Key) {
    let app = TestApp::builder(database).args(&["--workers", "2"]).start();
    let key = app.key(&app.account("enterprise"), "live", "read,write");
    use_it(&app, &key, 20);
    (app, key)
}

fn use_it(app: &TestApp, key: &Key, times: usize) {
    for _ in 0..times {
        app.client(&key.token).get("/v1/account").expect(200);
        app.client(&key.token).vault("x");
        app.anonymous().get("/v1/vaults").expect_401();
    }
}

fn file(app: &TestApp, name: &str) -> PathBuf {
    app.scratch().join(name)
}

fn export(app: &TestApp, name: &str) -> PathBuf {
    let path = file(app, name);
    let out = std::fs::File::create(&path).unwrap();
    let args = ["audit", "export", "--format", "jsonl"];
    assert!(app.admin_into(&args, out).success());
    path
}

/// What `docs/verify.py` says, and whether it is content.
fn python(log: &Path, more: &[&str]) -> (bool, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/verify.py");
    let ended = Command::new(library("venv/bin/python"))
        .arg(script)
        .arg(log)
        .args(more)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(matches!(ended.status.code(), Some(0 | 1)), "{ended:?}");
    (ended.status.success(), said)
}

fn a_log_that_was_left_alone_is_whole(database: Database) {
    let (app, key) = used(database);
    let said = app.admin(&["audit", "verify"]);
    assert_eq!(said["ok"], true, "{said}");
    let (records, chains) = (
        said["records"].as_u64().unwrap(),
        said["chains"].as_u64().unwrap(),
    );
    assert!(records >= 62 && (2..=3).contains(&chains), "{said}");
    // The key is made once, for its owner alone, and only its public half is told.
    let checkpoint = file(&app, "checkpoint.json");
    let path = checkpoint.to_str().unwrap();
    let run = app.admin_run(&["audit", "checkpoint", "--out", path]);
    let secret = app.data_dir().join("audit-key");
    let public = serde_json::from_slice::<serde_json::Value>(&std::fs::read(&checkpoint).unwrap());
    let public = public.unwrap()["public_key"].as_str().unwrap().to_owned();
    assert!(run.code == 0 && run.stderr.contains(&public), "{run:?}");
    assert_eq!(
        secret.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = app.admin_run(&["audit", "checkpoint"]);
    assert_eq!(again.json["public_key"], public.as_str());
    assert!(!again.stderr.contains("new key"), "{again:?}");
    assert_eq!(
        app.admin_run(&["audit", "checkpoint", "--out", path]).code,
        4
    );
    // It goes on, and both checkpoint and export still fit, without any database.
    use_it(&app, &key, 3);
    assert_eq!(
        app.admin(&["audit", "verify", "--checkpoint", path])["ok"],
        true
    );
    let log = export(&app, "log.jsonl");
    let elsewhere = app.admin_run(&[
        "audit",
        "verify",
        "--export",
        log.to_str().unwrap(),
        "--checkpoint",
        path,
        "--public-key",
        &public,
        "--data-dir",
        "/nonexistent",
    ]);
    assert_eq!(elsewhere.json["ok"], true, "{elsewhere:?}");
    let (fine, said) = python(&log, &[path, &public]);
    assert!(fine && said.contains("as it was written"), "{said}");
    let stranger = "0".repeat(64);
    let run = app.admin_run(&[
        "audit",
        "verify",
        "--checkpoint",
        path,
        "--public-key",
        &stranger,
    ]);
    assert_eq!(run.code, 4, "{run:?}");
}

fn what_was_pruned_is_gone_and_the_rest_still_verifies(database: Database) {
    let (app, key) = used(database);
    let old = file(&app, "old.json");
    app.admin(&["audit", "checkpoint", "--out", old.to_str().unwrap()]);
    let newest = app.admin(&["audit", "list", "--limit", "1"]);
    let before = newest["data"][0]["at"].as_str().unwrap().to_owned();
    use_it(&app, &key, 4);
    let usage = app.admin(&["key", "usage", &key.id])["total_requests"].clone();
    let all = app.admin(&["audit", "verify"])["records"].as_u64().unwrap();
    let would = app.admin(&["audit", "prune", "--before", &before, "--dry-run"]);
    assert_eq!(app.admin(&["audit", "verify"])["records"], all);
    let done = app.admin(&["audit", "prune", "--before", &before, "--yes"]);
    assert_eq!(done["records"], would["records"]);
    // The rest, and the record of the pruning.
    let left = all - done["records"].as_u64().unwrap() + 1;
    for args in [&[][..], &["--checkpoint", old.to_str().unwrap()]] {
        let said = app.admin(&[&["audit", "verify"], args].concat());
        assert_eq!(
            (&said["ok"], &said["records"]),
            (&true.into(), &left.into()),
            "{said}"
        );
    }
    assert_eq!(
        app.admin(&["key", "usage", &key.id])["total_requests"],
        usage
    );
    let last = app.admin(&[
        "audit",
        "list",
        "--category",
        "key_management",
        "--limit",
        "1",
    ]);
    assert_eq!(last["data"][0]["action"], "audit.prune");
    // An export begins in the middle of its chains: the checkpoint made now says why.
    let new = file(&app, "new.json");
    app.admin(&["audit", "checkpoint", "--out", new.to_str().unwrap()]);
    let log = export(&app, "pruned.jsonl");
    let path = log.to_str().unwrap();
    let run = app.admin_run(&["audit", "verify", "--export", path]);
    assert!(run.code == 1 && run.stderr.contains("missing"), "{run:?}");
    let new = new.to_str().unwrap();
    app.admin(&["audit", "verify", "--export", path, "--checkpoint", new]);
    assert!(python(&log, &[new]).0);
    assert!(!python(&log, &[]).0);
    let future = app.admin_run(&[
        "audit",
        "prune",
        "--before",
        "2999-01-01T00:00:00Z",
        "--yes",
    ]);
    assert_eq!(future.code, 4);
    // A pruning that nobody with the key has signed shows.
    app.admin(&["audit", "checkpoint", "--new-key"]);
    let run = app.admin_run(&["audit", "verify"]);
    assert!(
        run.code == 1 && run.stderr.contains("without the log's key"),
        "{run:?}"
    );
}

fn a_tail_shows_records_as_they_come(database: Database) {
    let (app, key) = used(database);
    assert_eq!(
        app.admin_text(&["audit", "tail", "--limit", "3"])
            .lines()
            .count(),
        3
    );
    let path = file(&app, "tail");
    let mut follower = app.admin_background(
        &["audit", "tail", "--follow", "--json", "--key", &key.id],
        &path,
    );
    let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
    wait_until(std::time::Duration::from_secs(20), "the newest ten", || {
        lines() >= 10
    });
    let had = lines();
    use_it(&app, &key, 2);
    wait_until(std::time::Duration::from_secs(20), "what came", || {
        lines() >= had + 4
    });
    follower.kill().unwrap();
    follower.wait().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let ids: std::collections::HashSet<_> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].to_string())
        .collect();
    assert_eq!((ids.len(), lines()), (had + 4, had + 4), "each once");
}

fn filters_name_method_route_address_and_request(database: Database) {
    let (app, key) = used(database);
    let count = |args: &[&str]| {
        let all = [&["audit", "list", "--limit", "1000"], args].concat();
        app.admin(&all)["data"].as_array().unwrap().len()
    };
    assert_eq!(count(&["--method", "POST"]), 20);
    assert_eq!(count(&["--route", "/v1/vaults", "--status", "401"]), 20);
    assert_eq!(count(&["--ip", "127.0.0.1", "--key", &key.id]), 40);
    assert_eq!(count(&["--ip", "192.0.2.1"]), 0);
    let answer = app.client(&key.token).get("/v1/account").expect(200);
    assert_eq!(
        count(&["--request-id", answer.header("x-request-id").unwrap()]),
        1
    );
    for (args, code) in [(["--ip", "here"], 4), (["--request-id", "none"], 3)] {
        let run = app.admin_run(&[&["audit", "list"], &args[..]].concat());
        assert_eq!(run.code, code, "{run:?}");
    }
}

on_both!(
    a_log_that_was_left_alone_is_whole,
    what_was_pruned_is_gone_and_the_rest_still_verifies,
    a_tail_shows_records_as_they_come,
    filters_name_method_route_address_and_request,
);
