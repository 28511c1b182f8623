//! What `torvus-admin` says of itself.

use crate::programs::{admin_binary, bare, run_to_end};

/// What `torvus-admin PATH --help` prints, or with `-h`.
#[track_caller]
pub fn admin_help(path: &[String], flag: &str) -> String {
    let ended = run_to_end(bare(&admin_binary()).args(path).arg(flag));
    assert!(ended.status.success(), "{path:?} {flag}: {ended:?}");
    ended.stdout
}

/// Every command that does something, as its words: `["key", "rotate"]`.
pub fn admin_commands() -> Vec<Vec<String>> {
    below(&[])
}

fn below(path: &[String]) -> Vec<Vec<String>> {
    let help = admin_help(path, "--help");
    let mut lines = help.lines();
    if !lines.any(|line| line == "Commands:") {
        return vec![path.to_vec()];
    }
    // What is wrapped goes on further to the right.
    let names = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help");
    let paths = names.map(|name| [path, &[name.to_owned()]].concat());
    paths.flat_map(|path| below(&path)).collect()
}

/// The examples in a help text, each a line for a shell.
pub fn examples_in(help: &str) -> Vec<String> {
    let mut lines = help
        .lines()
        .skip_while(|line| !matches!(*line, "Example:" | "Examples:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "));
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let mut whole = line.trim().to_owned();
        while let Some(begun) = whole.strip_suffix('\\') {
            let rest = lines.next().expect("a line behind a backslash");
            whole = format!("{begun}{}", rest.trim());
        }
        found.push(whole);
    }
    found
}
