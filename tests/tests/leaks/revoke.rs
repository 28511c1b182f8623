//! `torvus-admin leak revoke`.

use std::fs::{self, File};
use std::process::Stdio;
use std::time::Duration;

use torvus_e2e::{Database, TestApp, on_both, random_like, wait_until};

use crate::{each, leak};

fn every_key_that_stands_in_a_text_is_revoked_at_once(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let keys: Vec<_> = (0..20).map(|_| app.key(&account, "live", "read")).collect();
    let spared = app.key(&account, "live", "read");
    let dead = app.key(&account, "test", "read");
    app.admin(&["key", "revoke", &dead.id, "--reason", "before"]);
    let over = app.key_with(&account, "test", "read", &["--expires", "1s"]);
    wait_until(Duration::from_secs(5), "it has expired", || {
        app.client(&over.token).get("/v1/account").status == 401
    });
    let mut text = format!("{}\n{}\n{}\n", dead.token, over.token, random_like("live"));
    // Of a key that is to stay, all but the last character.
    text += &format!("{}!\n", &spared.token[..63]);
    let listed: Vec<String> = keys
        .iter()
        .map(|key| format!("- {}\n", key.token))
        .collect();
    let file = app.scratch().join("report");
    fs::write(&file, text + &listed.concat() + &listed.concat()).unwrap();
    let name = file.to_str().unwrap();
    let clients: Vec<_> = keys.iter().map(|key| app.client(&key.token)).collect();
    let all = |status: u16| {
        for client in &clients {
            client.get("/v1/account").expect(status);
        }
    };
    all(200);

    let (ended, told) = leak(&app, &["revoke", "--dry-run", name], Stdio::null());
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let expected = |done: &'static str| {
        let mut expected = vec!["dead", done, "unknown"];
        expected.extend([done; 20]);
        expected
    };
    assert_eq!(each(&told, "result"), expected("would_revoke"));
    assert_eq!(told["dry_run"], true);
    all(200);

    let (ended, told) = leak(&app, &["revoke", name], Stdio::null());
    all(401);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(each(&told, "result"), expected("revoked"));
    assert!(told["acknowledged"].is_u64() && told["expired"].is_u64());
    app.client(&spared.token).get("/v1/account").expect(200);

    let log = app.trail(&["--key", &keys[7].id]);
    let newest = &log[0];
    assert_eq!(newest["action"], "key.revoke");
    assert_eq!(newest["detail"]["reason"], "leaked");
    assert!(
        newest["actor"].as_str().unwrap().starts_with("operator:"),
        "{newest}"
    );
    let shown = app.admin(&["key", "show", &keys[7].id]);
    assert_eq!(shown["revoke_reason"], "leaked");
    let before = app.admin(&["key", "show", &dead.id]);
    assert_eq!(before["revoke_reason"], "before", "the first reason stays");

    // Again, from standard input: safe, and nothing is left to do.
    let (ended, told) = leak(&app, &["revoke", "-"], File::open(&file).unwrap());
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(each(&told, "result"), {
        let mut expected = vec!["dead", "dead", "unknown"];
        expected.extend(["dead"; 20]);
        expected
    });
}

fn a_text_without_keys_and_a_folder_are_refused(database: Database) {
    let app = TestApp::start(database);
    let (ended, _) = leak(&app, &["revoke", "-"], Stdio::null());
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    let folder = app.scratch();
    let (ended, _) = leak(&app, &["revoke", folder.to_str().unwrap()], Stdio::null());
    assert_eq!(ended.status.code(), Some(4), "{ended:?}");
    let (ended, _) = leak(&app, &["revoke", "gone"], Stdio::null());
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");

    // Without its database nothing is known, so nothing is said to be dead.
    let file = app.scratch().join("key");
    fs::write(&file, random_like("live")).unwrap();
    let away = "postgres://nobody@127.0.0.1:1/nothing";
    let args = ["revoke", file.to_str().unwrap(), "--database-url", away];
    let (ended, _) = leak(&app, &args, Stdio::null());
    assert_eq!(ended.status.code(), Some(6), "{ended:?}");
}

on_both!(
    every_key_that_stands_in_a_text_is_revoked_at_once,
    a_text_without_keys_and_a_folder_are_refused,
);
