//! One key signs a log, whichever data folder a command is given.

use serde_json::Value;
use torvus_e2e::{Database, TestApp};

use crate::{export, file, python, used};

/// Signs the log: the key that did.
fn signed(app: &TestApp, name: &str, more: &[&str]) -> (String, String) {
    let path = file(app, name).to_str().unwrap().to_owned();
    app.admin(&[&["audit", "checkpoint", "--out", &path], more].concat());
    let text = std::fs::read(&path).unwrap();
    let checkpoint: Value = serde_json::from_slice(&text).unwrap();
    (path, checkpoint["public_key"].as_str().unwrap().to_owned())
}

#[test]
fn a_second_folder_does_not_sign_with_a_key_of_its_own() {
    let (app, _) = used(Database::Postgres);
    let (_, public) = signed(&app, "first.json", &[]);
    let other = file(&app, "other");
    let folder = ["--data-dir", other.to_str().unwrap()];
    for command in [
        &["checkpoint"][..],
        &["prune", "--before", "2026-01-01T00:00:00Z", "--yes"],
    ] {
        let run = app.admin_run(&[&["audit"], command, &folder[..]].concat());
        assert!(run.code == 5 && run.stderr.contains(&public), "{run:?}");
    }
    std::fs::create_dir_all(&other).unwrap();
    std::fs::copy(app.data_dir().join("audit-key"), other.join("audit-key")).unwrap();
    app.admin(&[&["audit", "checkpoint"][..], &folder].concat());
}

#[test]
fn what_two_keys_have_signed_is_verified_with_both() {
    let (app, key) = used(Database::Sqlite);
    let (old_file, old) = signed(&app, "old.json", &[]);
    let newest = app.admin(&["audit", "list", "--limit", "1"]);
    let before = newest["data"][0]["at"].as_str().unwrap().to_owned();
    app.admin(&["audit", "prune", "--before", &before, "--yes"]);
    app.client(&key.token).get("/v1/account").expect(200);
    // The key is lost.
    std::fs::remove_file(app.data_dir().join("audit-key")).unwrap();
    let run = app.admin_run(&["audit", "checkpoint"]);
    assert!(run.code == 5 && run.stderr.contains("--new-key"), "{run:?}");
    let (new_file, new) = signed(&app, "new.json", &["--new-key"]);
    assert_ne!(old, new);
    assert_eq!(app.admin_run(&["audit", "verify"]).code, 1);
    let keys = ["--public-key", &old, "--public-key", &new];
    let log = export(&app, "log.jsonl");
    let checkpoints = ["--checkpoint", &old_file, "--checkpoint", &new_file];
    let of_export = ["--export", log.to_str().unwrap()];
    for more in [&[][..], &of_export] {
        let args = [&["audit", "verify"], more, &checkpoints, &keys].concat();
        assert_eq!(app.admin(&args)["ok"], true);
    }
    let (fine, said) = python(&log, &[&new_file, &old_file, &old, &new]);
    assert!(fine, "{said}");
    assert!(!python(&log, &[&new_file, &new]).0, "only one of both keys");
    // The older checkpoint still tells how long the log was.
    let text = std::fs::read_to_string(&log).unwrap();
    let cut: Vec<&str> = text.split_inclusive('\n').take(1).collect();
    std::fs::write(&log, cut.concat()).unwrap();
    let args = [&["audit", "verify"], &of_export[..], &checkpoints, &keys].concat();
    assert_eq!(app.admin_run(&args).code, 1);
    assert!(!python(&log, &[&new_file, &old_file, &old, &new]).0);
}
