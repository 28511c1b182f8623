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

on_both!(
    what_nobody_would_see_is_not_made,
    a_reader_that_has_gone_away_is_no_failure,
);
