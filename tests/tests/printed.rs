//! What the command prints for people, and what it does where nobody reads it.

use std::process::Stdio;

use torvus_e2e::{Database, TestApp, on_both};

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
    a_reader_that_has_gone_away_is_no_failure,
);
