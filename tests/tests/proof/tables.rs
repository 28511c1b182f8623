//! Tables and journals that were changed behind our back.

use std::process::Command;

use torvus_e2e::{Database, Dice, TestApp, large};

use crate::used;

const MUTATIONS: usize = 400;

/// Things that somebody with the database file may do to it; `?1` is a row.
const STATEMENTS: [&str; 8] = [
    "UPDATE audit_log SET line = replace(line, '200', '201') WHERE rowid = ?1 AND line LIKE '%200%'",
    "UPDATE audit_log SET line = substr(line, 1, length(line) - 1) || ' }' WHERE rowid = ?1",
    "UPDATE audit_log SET hash = randomblob(32) WHERE rowid = ?1",
    "UPDATE audit_log SET seq = seq + 1 WHERE rowid = ?1",
    "UPDATE audit_log SET at = at - 5 WHERE rowid = ?1",
    "UPDATE audit_log SET id = 'aud_' || substr(id, 6) || '0' WHERE rowid = ?1",
    "UPDATE audit_log SET chain = 'chn_00000000000000000000000001' WHERE rowid = ?1",
    "DELETE FROM audit_log WHERE rowid = ?1",
];

/// Runs statements on the file, and says how many rows they changed.
fn change(app: &TestApp, statement: &str, row: usize) -> usize {
    let script = "import sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1], timeout=20)\n\
        print(db.execute(sys.argv[2], (int(sys.argv[3]),)).rowcount)\n\
        db.commit()";
    let ended = Command::new("python3")
        .args(["-c", script])
        .arg(app.data_dir().join("torvus.db"))
        .args([statement, &row.to_string()])
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    String::from_utf8(ended.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

#[test]
fn each_change_of_the_tables_is_found() {
    let (mut app, _) = used(Database::Sqlite);
    app.admin(&["audit", "verify"]);
    app.stop();
    let database = app.data_dir().join("torvus.db");
    let rows = app.admin(&["audit", "verify"])["records"].as_u64().unwrap();
    // The last one to close a database moves all of its log into the file: the server may not have come to that.
    assert!(!database.with_extension("db-wal").exists());
    let (clean, mut dice) = (std::fs::read(&database).unwrap(), Dice::new(9));
    let (mut found, mut tried) = (0, 0);
    while found < large(MUTATIONS) {
        tried += 1;
        assert!(
            tried < 2 * MUTATIONS,
            "{found} of {tried} statements changed anything"
        );
        let (statement, row) = (*dice.pick(&STATEMENTS), 1 + dice.roll(rows as usize));
        if change(&app, statement, row) == 0 {
            continue;
        }
        let run = app.admin_run(&["audit", "verify"]);
        assert_eq!(run.code, 1, "{statement} on row {row}: {run:?}");
        assert!(run.stderr.contains("chain chn_"), "{run:?}");
        found += 1;
        assert!(!database.with_extension("db-wal").exists());
        std::fs::write(&database, &clean).unwrap();
    }
    assert_eq!(app.admin(&["audit", "verify"])["ok"], true);
    println!("{found} changes of the tables: all found");
    app.start_again();
}
