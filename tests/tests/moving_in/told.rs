//! What an import tells of lines: which key each of them is now, and which lines are none of it.

use serde_json::json;
use torvus_e2e::{Database, TestApp, on_both};

use crate::{assert_counts, import_args};

const HEADER: &str = "digest,name,environment,permissions,external_id\n";

fn line(number: usize, name: &str) -> String {
    format!("{number:064x},{name},live,read,user_{number}\n")
}

/// Whoever imports them must not believe that they are the account's.
fn a_key_of_another_account_is_refused(database: Database) {
    let app = TestApp::start(database);
    let (theirs, ours) = (app.account("professional"), app.account("enterprise"));
    let file = app.scratch().join("keys.csv");
    std::fs::write(&file, [HEADER, &line(1, "a")].concat()).unwrap();
    app.admin(&import_args(&theirs, &file, &[]));
    std::fs::write(
        &file,
        [HEADER, &line(1, "a"), &line(2, "b"), &line(1, "a")].concat(),
    )
    .unwrap();
    for (flags, imported, known) in [(&["--dry-run"][..], 1, 0), (&[], 1, 0), (&[], 0, 1)] {
        let run = app.admin_run(&import_args(&ours, &file, flags));
        assert_eq!(run.code, 4, "{run:?}");
        assert_counts(&run.json, imported, known, 0, 2);
        for (told, number) in run.json["lines"].as_array().unwrap().iter().zip([2, 4]) {
            assert_eq!(
                (&told["line"], &told["result"]),
                (&json!(number), &json!("refused"))
            );
            let reason = told["reason"].as_str().unwrap();
            assert!(
                reason.contains(&format!("a key of account {theirs}")),
                "{reason}"
            );
        }
    }
    // Dead or alive, it stays what it is.
    let keys = app.admin(&["key", "list", "--account", &theirs]);
    app.admin(&["key", "revoke", keys["data"][0]["id"].as_str().unwrap()]);
    let run = app.admin_run(&import_args(&ours, &file, &[]));
    assert_counts(&run.json, 0, 1, 0, 2);
}

on_both!(
    a_key_of_another_account_is_refused,
);
