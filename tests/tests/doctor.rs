//! The doctor on installations that are really ill: it finds what is wrong, names it, and is content again
//! once it is mended.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use chrono::TimeDelta;
use rustix::process::{Pid, Signal, kill_process};
use torvus_audit::AuditFilter;
use torvus_domain::{AuditId, Change, Clock, SystemClock, Timestamp};
use torvus_e2e::{Database, TestApp, on_both, run_to_end};
use torvus_storage::{audit, leases};

/// What the doctor says of one thing: level, detail and advice.
#[derive(Debug)]
struct Said {
    code: i32,
    level: String,
    detail: String,
    advice: String,
}

#[track_caller]
fn asked(app: &TestApp, check: &str, more: &[&str]) -> Said {
    let run = app.admin_run(&[&["doctor"], more].concat());
    let findings = run.json["data"].as_array().unwrap();
    let found: Vec<_> = findings.iter().filter(|f| f["check"] == check).collect();
    assert_eq!(found.len(), 1, "{check}: {run:?}");
    let text = |name: &str| found[0][name].as_str().unwrap().to_owned();
    let any_fault = findings.iter().any(|f| f["level"] == "fault");
    assert_eq!(run.code, i32::from(any_fault), "{run:?}");
    Said {
        code: run.code,
        level: text("level"),
        detail: text("detail"),
        advice: text("advice"),
    }
}

#[track_caller]
fn assert_well(app: &TestApp, check: &str) {
    let said = asked(app, check, &[]);
    assert_eq!((said.level.as_str(), said.code), ("ok", 0), "{said:?}");
    assert_eq!(said.advice, "");
}

#[track_caller]
fn assert_found(app: &TestApp, check: &str, level: &str, word: &str) {
    let said = asked(app, check, &[]);
    assert_eq!(said.level, level, "{said:?}");
    assert_eq!(said.code, i32::from(level == "fault"));
    assert!(said.detail.contains(word), "{word}: {said:?}");
    assert!(!said.advice.is_empty(), "{said:?}");
}

fn now() -> Timestamp {
    SystemClock::new().now().wall
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn files_that_others_may_read(database: Database) {
    let app = TestApp::builder(database).pepper_in_file().start();
    app.key(&app.account("professional"), "live", "read");
    let mut files = vec![
        ("data folder", app.data_dir(), 0o755, 0o700),
        ("pepper file", app.pepper_file(), 0o644, 0o600),
    ];
    app.admin(&["audit", "checkpoint"]);
    files.push(("audit key", app.data_dir().join("audit-key"), 0o666, 0o600));
    let journal = app.data_dir().join("journal");
    let recorded = std::fs::read_dir(&journal).unwrap().next().unwrap();
    files.push(("journal files", recorded.unwrap().path(), 0o640, 0o600));
    files.push(("journal files", journal, 0o750, 0o700));
    if database == Database::Sqlite {
        let file = app.data_dir().join("torvus.db");
        files.push(("database file", file, 0o604, 0o600));
        let beside = app.data_dir().join("torvus.db-wal");
        files.push(("database file", beside, 0o644, 0o600));
    }
    set_mode(&app.pepper_file(), 0o600);
    for (check, path, open, shut) in files {
        set_mode(&path, shut);
        assert_well(&app, check);
        set_mode(&path, open);
        assert_found(&app, check, "fault", &format!("{open:03o}"));
        set_mode(&path, shut);
        assert_well(&app, check);
    }
}

fn a_pepper_that_is_not_the_right_one(database: Database) {
    let app = TestApp::builder(database).pepper_in_file().start();
    app.key(&app.account("professional"), "live", "read");
    let file = app.pepper_file();
    set_mode(&file, 0o600);
    let right = std::fs::read(&file).unwrap();
    assert_well(&app, "pepper");
    std::fs::write(&file, "1:c2hvcnQ=\n").unwrap();
    assert_found(&app, "pepper", "fault", "line 1");
    // Without a database, too.
    let away = asked(
        &app,
        "pepper",
        &["--database-url", "postgres://x@127.0.0.1:1/none"],
    );
    assert_eq!(away.level, "fault", "{away:?}");
    std::fs::remove_file(&file).unwrap();
    assert_found(&app, "pepper", "fault", "can't be read");
    std::fs::write(&file, &right).unwrap();
    set_mode(&file, 0o600);
    assert_well(&app, "pepper");

    // A backup from before the second one.
    app.admin(&["pepper", "add"]);
    let both = std::fs::read(&file).unwrap();
    assert_well(&app, "pepper");
    std::fs::write(&file, &right).unwrap();
    assert_found(&app, "pepper", "fault", "version 2 is missing");
    std::fs::write(&file, &both).unwrap();
    assert_well(&app, "pepper");
}

fn a_database_that_is_away(database: Database) {
    let app = TestApp::start(database);
    let url = "postgres://nobody@127.0.0.1:1/nothing";
    let said = asked(&app, "database", &["--database-url", url]);
    assert_eq!(said.level, "fault", "{said:?}");
    assert!(said.advice.contains("--database-url"));
    assert_well(&app, "database");
}

fn tables_of_another_version(database: Database) {
    let app = TestApp::start(database);
    let last = "(SELECT max(version) FROM __diesel_schema_migrations)";
    let table = "__diesel_schema_migrations";
    app.sql(&format!(
        "CREATE TABLE kept AS SELECT * FROM {table} WHERE version = {last}; \
         DELETE FROM {table} WHERE version = {last};"
    ));
    assert_found(&app, "database", "fault", "1 migrations behind");
    app.sql(&format!("INSERT INTO {table} SELECT * FROM kept;"));
    assert_well(&app, "database");
    app.sql(&format!(
        "UPDATE kept SET version = '99991231'; INSERT INTO {table} SELECT * FROM kept;"
    ));
    assert_found(&app, "database", "fault", "newer version");
    app.sql(&format!(
        "DELETE FROM {table} WHERE version = '99991231'; DROP TABLE kept;"
    ));
    assert_well(&app, "database");
}

fn a_record_from_the_future(database: Database) {
    let app = TestApp::start(database);
    app.account("professional");
    assert_well(&app, "clock");
    let store = app.store();
    let newest = store
        .read(|c| audit::list(c, &AuditFilter::default()))
        .unwrap();
    let mut record = newest[0].record.clone();
    record.at = now() + TimeDelta::hours(1);
    record.id = AuditId::new(record.at);
    let id = record.id;
    store.write(|c| audit::append(c, &[record])).unwrap();
    assert_found(&app, "clock", "fault", "from the future");
    app.sql(&format!("DELETE FROM audit_log WHERE id = '{id}';"));
    assert_well(&app, "clock");
}

/// The database server's clock is wrong as far as anybody who asks it can tell.
#[test]
fn a_database_server_whose_clock_is_off() {
    let app = TestApp::start(Database::Postgres);
    assert_well(&app, "clock");
    let wrong = |by: &str| {
        app.sql(&format!(
            "CREATE SCHEMA IF NOT EXISTS wrong; \
             CREATE OR REPLACE FUNCTION wrong.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS \
             $$ SELECT pg_catalog.clock_timestamp() + interval '{by}' $$; \
             DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = wrong, pg_catalog, public', \
             current_database()); END $$;"
        ));
    };
    wrong("1 hour");
    assert_found(&app, "clock", "fault", "behind the database server's");
    wrong("-1 hour");
    assert_found(&app, "clock", "fault", "ahead of the database server's");
    wrong("5 seconds");
    assert_found(&app, "clock", "warning", "behind the database server's");
    wrong("0 seconds");
    assert_well(&app, "clock");
}

/// Takes root, and a machine that allows a mount.
#[test]
fn a_disk_that_is_nearly_full() {
    let app = TestApp::builder(Database::Sqlite).on_tmpfs("48m").start();
    let size = |size: &str| {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,size={size}")]);
        let ended = run_to_end(mount.arg(app.data_dir()));
        assert!(ended.status.success(), "{ended:?}");
    };
    assert_found(&app, "disk", "fault", "MiB are free");
    size("600m");
    assert_found(&app, "disk", "warning", "MiB are free");
    size("3g");
    assert_well(&app, "disk");
}

fn proxies_that_are_everybody(database: Database) {
    let app = TestApp::start(database);
    assert_well(&app, "proxies");
    for (list, level) in [
        ("0.0.0.0/0", "fault"),
        ("10.0.0.0/8,::/0", "fault"),
        ("16.0.0.0/6", "warning"),
        ("10.0.0.0/8,203.0.113.0/24", "ok"),
    ] {
        let said = asked(&app, "proxies", &["--trusted-proxy", list]);
        assert_eq!(said.level, level, "{list}: {said:?}");
        assert_eq!(said.code, i32::from(level == "fault"), "{list}");
    }
}

fn keys_that_never_end_and_keys_that_end_soon(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let never = app.key_with(&account, "live", "read", &["--expires", "never"]);
    assert_found(&app, "expiry", "warning", "1 keys never expire");
    app.admin(&["key", "update", &never.id, "--expires", "90d"]);
    assert_well(&app, "expiry");
    assert_well(&app, "expiring");
    let soon = app.key_with(&account, "live", "read", &["--expires", "3d"]);
    assert_found(&app, "expiring", "warning", "1 keys expire within 14 days");
    app.admin(&["key", "update", &soon.id, "--expires", "90d"]);
    assert_well(&app, "expiring");
}

fn a_journal_that_nobody_indexes(database: Database) {
    let mut app = TestApp::builder(database).own_postgres().start();
    assert_well(&app, "journal");
    // Nothing can be indexed while somebody else writes, or the database does not move.
    let requests = |app: &mut TestApp| {
        for _ in 0..3 {
            app.anonymous().get("/v1/account").expect_401();
        }
        app.kill();
    };
    if database == Database::Sqlite {
        let store = app.store();
        store
            .write(|_| {
                requests(&mut app);
                Ok(())
            })
            .unwrap();
    } else {
        app.postgres().freeze();
        requests(&mut app);
        app.postgres().thaw();
    }
    assert_found(&app, "journal", "warning", "3 records wait to be indexed");
    app.start_again();
    assert_well(&app, "journal");
}

fn a_server_that_does_not_answer(database: Database) {
    let app = TestApp::builder(database).operators().start();
    assert_well(&app, "servers");
    let signal = |signal| {
        kill_process(Pid::from_raw(app.pid().cast_signed()).unwrap(), signal).unwrap();
    };
    signal(Signal::STOP);
    // Ten minutes later.
    app.sql("UPDATE nodes SET seen_at = seen_at - 600000000;");
    assert_found(
        &app,
        "servers",
        "warning",
        "0 alive within the last two minutes, 1 silent",
    );
    signal(Signal::CONT);
    let ready = reqwest::blocking::get(format!("{}/readyz", app.operators())).unwrap();
    assert_eq!(ready.status(), 200);
    assert_well(&app, "servers");
}

fn a_change_that_was_left_in_the_middle(database: Database) {
    let app = TestApp::start(database);
    let store = app.store();
    assert_well(&app, "changes");
    let begun = now() - TimeDelta::seconds(20);
    let epoch = store
        .write(|c| leases::announce(c, Change::Everything, begun))
        .unwrap();
    assert_found(&app, "changes", "warning", "1 under way, the oldest since");
    assert!(store.write(|c| leases::conclude(c, epoch)).unwrap());
    assert_well(&app, "changes");
}

/// The doctor only looks: a folder that is not there is not made.
#[test]
fn a_look_changes_nothing() {
    let app = TestApp::start(Database::Sqlite);
    let other = app.scratch().join("othr");
    let run = app.admin_run(&["doctor", "--data-dir", other.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(!other.exists());
    let found = run.json["data"].as_array().unwrap();
    let level = |check: &str| {
        let one = found.iter().find(|one| one["check"] == check);
        one.expect("the check is there")["level"].as_str().unwrap()
    };
    for check in ["data folder", "pepper file", "database file", "database"] {
        assert_eq!(level(check), "warning", "{check}: {run:?}");
    }
    for check in ["pepper", "audit key", "journal files"] {
        assert_eq!(level(check), "ok", "{check}: {run:?}");
    }
}

on_both!(
    files_that_others_may_read,
    a_pepper_that_is_not_the_right_one,
    a_database_that_is_away,
    tables_of_another_version,
    a_record_from_the_future,
    proxies_that_are_everybody,
    keys_that_never_end_and_keys_that_end_soon,
    a_journal_that_nobody_indexes,
    a_server_that_does_not_answer,
    a_change_that_was_left_in_the_middle,
);
