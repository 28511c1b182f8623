//! The whole permission matrix, as the running server answers it, against the file that people review.

use std::fmt::Write as _;
use std::path::Path;

use torvus_e2e::routes::{ALL, SETS};
use torvus_e2e::{Client, Database, Document, TestApp, on_both};

const HEADER: &str = "\
# What each set of permissions gets from each route: the status of a call that is right in all else.
# `none` is a call without a key, since no key can be without a permission.
# Printed from the answers of the real server by tests/tests/permissions.rs, and compared on each run.
# After a change that is meant: TORVUS_BLESS=1 cargo test -p torvus-e2e --test permissions
";

fn printed(document: &Document, owner: &Client, clients: &[(String, Client)]) -> String {
    let mut text = HEADER.to_owned();
    let mut line = |method: &str, path: &str, cells: Vec<String>| {
        write!(text, "\n{method:6} {path:47}").unwrap();
        for (cell, (set, _)) in cells.iter().zip(clients) {
            write!(text, " {cell:>width$}", width = set.len()).unwrap();
        }
    };
    let sets = clients.iter().map(|(set, _)| set.clone()).collect();
    line("", "", sets);
    for operation in &document.operations {
        let cells = clients.iter().map(|(_, client)| {
            let path = document.path(operation, owner);
            operation.call(client, &path).status.to_string()
        });
        line(&operation.method, &operation.template, cells.collect());
    }
    text.push('\n');
    text
}

fn the_matrix_is_the_one_in_the_file(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    let owner = app.client(&app.key(&account, "live", ALL).token);
    let mut clients = vec![("none".to_owned(), app.anonymous())];
    clients.extend(SETS.map(|set| {
        let client = app.client(&app.key(&account, "live", set).token);
        (set.replace(',', "+"), client)
    }));
    let found = printed(&Document::of(&app), &owner, &clients);

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("permissions.txt");
    if std::env::var("TORVUS_BLESS").as_deref() == Ok("1") {
        std::fs::write(&file, &found).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == kept,
        "tests/permissions.txt is not what the server does:\n{found}"
    );
}

on_both!(the_matrix_is_the_one_in_the_file);
