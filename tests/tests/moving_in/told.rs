//! What an import tells of lines: which key each of them is now, and which lines are none of it.

use serde_json::{Value, json};
use torvus_e2e::{Database, TestApp, on_both};

use crate::{assert_counts, import_args};

const HEADER: &str = "digest,name,environment,permissions,external_id\n";

fn line(number: usize, name: &str) -> String {
    format!("{number:064x},{name},live,read,user_{number}\n")
}

fn each_new_key_is_named_for_programs(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let file = app.scratch().join("keys.csv");
    let text = [HEADER, "\n", &line(1, "a"), &line(2, "b"), &line(1, "a")].concat();
    std::fs::write(&file, text).unwrap();
    let dry = app.admin(&import_args(&account, &file, &["--dry-run"]));
    let unnamed = |line: u64, user: &str| json!({ "line": line, "external_id": user, "id": null });
    assert_eq!(
        dry["keys"],
        json!([unnamed(3, "user_1"), unnamed(4, "user_2")])
    );
    assert_eq!(dry["already_there"], 1);

    let done = app.admin(&import_args(&account, &file, &[]));
    assert_counts(&done, 2, 1, 0, 0);
    let keys = done["keys"].as_array().unwrap();
    for (key, (number, user, name)) in keys.iter().zip([(3, "user_1", "a"), (4, "user_2", "b")]) {
        assert_eq!(
            (&key["line"], &key["external_id"]),
            (&json!(number), &json!(user))
        );
        let shown = app.admin(&["key", "show", key["id"].as_str().unwrap()]);
        assert_eq!(
            (&shown["name"], &shown["account_id"]),
            (&json!(name), &json!(account))
        );
    }
    let again = app.admin(&import_args(&account, &file, &[]));
    assert_counts(&again, 0, 3, 0, 0);
    assert_eq!(again["keys"], json!([]));
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

fn a_stray_quote_takes_no_line_with_it_unsaid(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let file = app.scratch().join("keys.csv");
    let lines = [
        HEADER.to_owned(),
        line(2, "two"),
        line(3, "\"three"),
        line(4, "four"),
        line(5, "five"),
        line(6, "\"six\""),
        line(7, "seven"),
        line(8, "\"eight, and \"\"more\"\"\""),
        line(9, "\"nine"),
        line(10, "ten"),
    ];
    std::fs::write(&file, lines.concat()).unwrap();
    let run = app.admin_run(&import_args(&account, &file, &[]));
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.stderr.contains("6 of 9 lines were refused"), "{run:?}");
    assert_counts(&run.json, 3, 0, 0, 6);
    let told = run.json["lines"].as_array().unwrap();
    let told: Vec<(&Value, &str)> = told
        .iter()
        .map(|one| (&one["line"], one["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            (&json!(3), "lines 3 to 6 are held together by a quote"),
            (&json!(9), "lines 9 to 10 are held together by a quote"),
        ]
    );
    let imported = run.json["keys"].as_array().unwrap();
    let numbers: Vec<u64> = imported
        .iter()
        .map(|key| key["line"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [2, 7, 8]);
}

on_both!(
    each_new_key_is_named_for_programs,
    a_key_of_another_account_is_refused,
    a_stray_quote_takes_no_line_with_it_unsaid,
);
