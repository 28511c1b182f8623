//! What the command prints for people, and what it does where nobody reads it.

use std::process::{Command, Stdio};

use torvus_e2e::{Database, Ended, TestApp, on_both, run_to_end};

/// Runs the command with its standard output closed.
fn unseen(app: &TestApp, args: &[&str]) -> Ended {
    let command = app.admin_command();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "exec \"$@\" >&-", "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .args(args);
    shell.env_clear();
    shell.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    run_to_end(&mut shell)
}

fn what_nobody_would_see_is_not_made(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let key = app.key(&account, "live", "read");
    let before = app.trail(&[]);
    let create = ["key", "create", "--account", &account, "--name", "n"];
    let create = [
        &create[..],
        &["--environment", "live", "--permissions", "read"],
    ]
    .concat();
    for args in [
        create.clone(),
        vec!["key", "rotate", &key.id, "--grace", "0", "--yes"],
        vec!["account", "create", "--email", "unseen@example.com"],
        vec!["account", "reset-password", &account, "--yes"],
    ] {
        let ended = unseen(&app, &args);
        assert_eq!(ended.status.code(), Some(1), "{args:?}: {ended:?}");
        assert!(
            ended.stderr.contains("standard output is closed"),
            "{args:?}: {ended:?}"
        );
    }
    assert_eq!(app.trail(&[]), before);
    app.client(&key.token).get("/v1/account").expect(200);

    // In a file it is seen; and who throws it away knows what that is.
    let file = app.scratch().join("key");
    let ended = unseen(
        &app,
        &[&create[..], &["--out", file.to_str().unwrap()]].concat(),
    );
    assert!(ended.status.success(), "{ended:?}");
    let token = std::fs::read_to_string(file).unwrap();
    app.client(token.trim()).get("/v1/account").expect(200);
    let mut thrown = app.admin_command();
    thrown.stderr(Stdio::null());
    assert!(
        thrown
            .args(&create)
            .stdout(Stdio::null())
            .status()
            .unwrap()
            .success()
    );
}

fn a_reader_that_has_gone_away_is_no_failure(database: Database) {
    let app = TestApp::start(database);
    for _ in 0..300 {
        app.anonymous().get("/v1/account").expect_401();
    }
    for format in ["csv", "jsonl"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = app.admin_command();
        command.args(["audit", "export", "--format", format]);
        let output = command
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(
            (output.status.code(), output.stderr.as_slice()),
            (Some(0), &b""[..]),
            "{format}"
        );
    }
}

fn a_key_of_a_suspended_account_is_not_called_active(database: Database) {
    let app = TestApp::start(database);
    let (account, other) = (app.account("professional"), app.account("professional"));
    let key = app.key(&account, "live", "read");
    app.key(&other, "live", "read");
    let words = || {
        let list = app.admin_text(&["key", "list"]);
        let show = app.admin_text(&["key", "show", &key.id]);
        (
            list.matches("suspended account").count(),
            show.matches("suspended account").count(),
        )
    };
    assert_eq!(words(), (0, 0));
    app.admin(&["account", "suspend", &account]);
    assert_eq!(words(), (1, 1));
    assert_eq!(app.admin(&["key", "show", &key.id])["state"], "active");
    app.admin(&["key", "revoke", &key.id]);
    assert_eq!(words(), (0, 0));
}

fn a_change_of_a_key_tells_what_has_changed(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("professional"), "live", "read");
    app.client(&key.token).get("/v1/account").expect(200);
    let told = |args: &[&str]| {
        let text = app.admin_text(&[&["key", args[0], &key.id], &args[1..]].concat());
        let lines = text.lines().map(|line| line.split_once("  ").unwrap());
        let lines = lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        lines.collect::<Vec<_>>()
    };
    let names = |lines: &[(String, String)]| {
        lines
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    let changed = told(&["update", "--permissions", "read,write", "--limit", "50"]);
    assert_eq!(names(&changed), ["id", "name", "permissions", "limit"]);
    assert_eq!(changed[2].1, "read,write  (was: read)");
    assert_eq!(names(&told(&["update", "--limit", "50"])), ["id", "name"]);
    let changed = told(&["update", "--name", "Other"]);
    assert_eq!(names(&changed), ["id", "name"]);
    assert!(changed[1].1.starts_with("Other  (was: "), "{changed:?}");
    app.admin(&["key", "rotate", &key.id]);
    assert_eq!(
        names(&told(&["grace", "2h"])),
        ["id", "name", "secret 1 ends"]
    );
    // For programs it is the whole key.
    let whole = app.admin(&["key", "update", &key.id, "--limit", "60"]);
    assert!(
        whole["secrets"].is_array() && whole["permissions"].is_array(),
        "{whole}"
    );
}

fn the_trail_of_a_key_tells_what_changed_and_why(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("professional"), "live", "read,write");
    app.admin(&[
        "key",
        "update",
        &key.id,
        "--permissions",
        "read",
        "--reason",
        "ticket 17",
    ]);
    let filters = ["--category", "key_management", "--key", &key.id];
    let told = app.admin_text(&[&["audit", "list"][..], &filters].concat());
    let words: Vec<&str> = told.split_whitespace().collect();
    let told = words.join(" ");
    assert!(
        told.contains("key.update: permissions read write → read"),
        "{told}"
    );
    assert!(told.contains("ticket 17"), "{told}");
}

fn an_account_is_known_by_its_holders_address(database: Database) {
    let app = TestApp::start(database);
    let made = app.admin(&["account", "create", "--email", "you@example.com"]);
    assert_eq!(
        app.admin(&["account", "show", "you@example.com"])["id"],
        made["id"]
    );
    let reset = app.admin(&["account", "reset-password", "you@example.com", "--yes"]);
    assert_eq!(reset["id"], made["id"]);
    for (name, code) in [("nobody@example.com", 3), ("@", 4)] {
        assert_eq!(
            app.admin_run(&["account", "show", name]).code,
            code,
            "{name}"
        );
    }
}

fn addresses_that_are_only_summed_are_spoken_of(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("professional"), "live", "read");
    app.client(&key.token).get("/v1/account").expect(200);
    let usage = |json: bool| {
        let mut command = app.admin_command();
        command
            .args(["key", "usage", &key.id])
            .args(json.then_some("--json"));
        let ended = run_to_end(&mut command);
        assert!(ended.status.success(), "{ended:?}");
        ended
    };
    assert!(!usage(false).stderr.contains("other addresses"));
    app.sql(&format!(
        "INSERT INTO usage_addresses (key_id, day, ip, requests, first_seen, last_seen) \
         SELECT key_id, day, '*', 41, first_seen, last_seen FROM usage_addresses WHERE key_id = '{}';",
        key.id
    ));
    let told = usage(false);
    assert!(
        told.stderr
            .contains("41 more requests came from other addresses"),
        "{told:?}"
    );
    let document: serde_json::Value = serde_json::from_str(&usage(true).stdout).unwrap();
    assert_eq!(
        document["ip_addresses"].as_array().unwrap().len(),
        1,
        "{document}"
    );
}

on_both!(
    the_trail_of_a_key_tells_what_changed_and_why,
    an_account_is_known_by_its_holders_address,
    addresses_that_are_only_summed_are_spoken_of,
    what_nobody_would_see_is_not_made,
    a_reader_that_has_gone_away_is_no_failure,
    a_key_of_a_suspended_account_is_not_called_active,
    a_change_of_a_key_tells_what_has_changed,
);
