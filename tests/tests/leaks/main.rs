//! Leaked keys: found, told of without their text, and ended.

mod archives;
mod expressions;
mod github;
mod revoke;
mod scan;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use torvus_e2e::{Ended, TestApp, key_like, run_fed};

/// Fails if a whole key was printed.
#[track_caller]
fn shows_no_key(ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        assert_eq!(key_like(text), None, "a key was printed: {ended:?}");
    }
}

/// Runs `torvus-admin leak ARGS --json`: how it ended, and its document.
#[track_caller]
fn leak(app: &TestApp, args: &[&str], input: impl Into<Stdio>) -> (Ended, Value) {
    let mut command = app.admin_command();
    let ended = run_fed(command.arg("leak").args(args).arg("--json"), input);
    shows_no_key(&ended);
    let document = serde_json::from_str(&ended.stdout).unwrap_or_default();
    (ended, document)
}

/// Runs a tool in a folder; it must do what it was asked.
#[track_caller]
fn tool(folder: &Path, words: &[&str]) -> String {
    let mut command = Command::new(words[0]);
    let output = command.args(&words[1..]).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{words:?}: {error}"));
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A list as `field` of each of its members.
fn each<'a>(document: &'a Value, field: &str) -> Vec<&'a str> {
    let list = document["data"].as_array().unwrap();
    list.iter()
        .map(|one| one[field].as_str().unwrap_or("-"))
        .collect()
}

/// What `torvus-admin` prints of a key.
fn hint(key: &str) -> String {
    format!("{}…{}", &key[..19], &key[60..])
}
