//! What operators rely on: probes, faults, reloads, peppers, exports, and the doctor.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use torvus_e2e::{Database, TestApp, api_binary, large, on_both, run_to_end, wait_until};

/// A server whose operators' port is known, and that port's address.
fn with_admin_port(database: Database, args: &[&str]) -> (TestApp, String) {
    let app = TestApp::builder(database).operators().args(args).start();
    let operators = app.operators();
    (app, operators)
}

fn status(url: &str) -> u16 {
    reqwest::blocking::get(url).unwrap().status().as_u16()
}

fn signal(app: &TestApp, signal: Signal) {
    kill_process(Pid::from_raw(app.pid().cast_signed()).unwrap(), signal).unwrap();
}

fn what_cannot_be_recorded_is_not_answered(database: Database) {
    let (app, operators) = with_admin_port(database, &[]);
    let key = app.key(&app.account("enterprise"), "live", "read,write");
    let client = app.client(&key.token);
    client.get("/v1/account").expect(200);
    assert_eq!(status(&format!("{operators}/readyz")), 200);

    let held = app.block_records();
    for _ in 0..2 {
        let asked = Instant::now();
        let answer = client.get("/v1/account").expect_error(503, "unavailable");
        // The bound is 2 s; the rest is the way there and back on a busy machine.
        assert!(asked.elapsed() < Duration::from_secs(4), "{answer:?}");
        app.anonymous()
            .get("/v1/account")
            .expect_error(503, "unavailable");
    }
    assert_eq!(status(&format!("{operators}/livez")), 200);
    assert_eq!(status(&format!("{operators}/readyz")), 503);
    drop(held);

    wait_until(Duration::from_secs(5), "the service is back", || {
        client.get("/v1/account").status == 200
    });
    wait_until(Duration::from_secs(5), "it is ready again", || {
        status(&format!("{operators}/readyz")) == 200
    });
}

fn probes_stay_off_the_public_port(database: Database) {
    let (app, operators) = with_admin_port(database, &[]);
    assert_eq!(status(&format!("{operators}/livez")), 200);
    for path in ["/livez", "/readyz", "/metrics"] {
        app.anonymous().get(path).expect_error(404, "not_found");
    }
}

/// What was asked, what was no request, and what became of the records.
fn metrics_tell_what_happened(database: Database) {
    let (app, operators) = with_admin_port(database, &[]);
    let metric = |name: &str| -> f64 {
        let text = reqwest::blocking::get(format!("{operators}/metrics"))
            .unwrap()
            .text()
            .unwrap();
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.rsplit(' ').next());
        value
            .unwrap_or_else(|| panic!("no {name} in\n{text}"))
            .parse()
            .unwrap()
    };
    let malformed = "torvus_http_rejected_total{reason=\"malformed\"}";
    assert_eq!(
        (
            metric(malformed),
            metric("torvus_unrecorded_requests_total")
        ),
        (0.0, 0.0)
    );
    let key = app.key(&app.account("professional"), "live", "read");
    for _ in 0..3 {
        app.client(&key.token).get("/v1/account").expect(200);
    }
    app.raw().send(b"GET /v1/account HTTP/9.9\r\n\r\n");
    wait_until(Duration::from_secs(5), "it is counted", || {
        metric(malformed) >= 1.0
    });
    let asked =
        "http_requests_total{route=\"/v1/account\",method=\"GET\",status=\"200\",outcome=\"ok\"}";
    assert_eq!(metric(asked), 3.0);
    wait_until(Duration::from_secs(5), "they are indexed", || {
        metric("torvus_audit_indexed_total") == 3.0
    });
    assert!(
        metric("torvus_audit_journal_bytes") > 1_000.0
            && metric("torvus_audit_index_lag_seconds") < 5.0
            && metric("torvus_audit_waiting_answers") < 100.0
    );
    let held = app.block_records();
    app.client(&key.token).get("/v1/account").expect(503);
    assert_eq!(metric("torvus_unrecorded_requests_total"), 1.0);
    drop(held);
}

fn draining_is_told_before_the_port_closes(database: Database) {
    let (mut app, operators) = with_admin_port(database, &["--drain-delay", "2s"]);
    signal(&app, Signal::TERM);
    wait_until(Duration::from_secs(2), "it is not ready", || {
        status(&format!("{operators}/readyz")) == 503
    });
    app.anonymous().get("/v1/account").expect_401();
    app.stop();
}

fn plans_are_read_again_and_a_bad_file_is_not(database: Database) {
    let plan = |limit: &str| format!("[plans.free]\nlive_requests_per_hour = {limit}\n");
    let app = TestApp::builder(database).config(&plan("5")).start();
    let key = app.key(&app.account("free"), "live", "read");
    let client = app.client(&key.token);
    let limit = || {
        client
            .get("/v1/account")
            .header("x-ratelimit-limit")
            .unwrap()
            .to_owned()
    };
    let file = app.scratch().join("torvus.toml");
    assert_eq!(limit(), "5");
    std::fs::write(&file, plan("700")).unwrap();
    app.hang_up();
    wait_until(Duration::from_secs(5), "the new plan holds", || {
        limit() == "700"
    });
    std::fs::write(&file, plan("\"many\"")).unwrap();
    app.hang_up();
    wait_until(Duration::from_secs(5), "the file is refused", || {
        app.log().contains("are refused")
    });
    assert_eq!(limit(), "700");
}

/// Accounts on a plan that the file no longer has would be answered 503.
fn a_plan_in_use_cannot_be_dropped(database: Database) {
    let plan = "[plans.partner]\nlive_requests_per_hour = 5\ntest_requests_per_hour = 5\n";
    let mut app = TestApp::builder(database).config(plan).start();
    let key = app.key(&app.account("partner"), "live", "read");
    let client = app.client(&key.token);
    let file = app.scratch().join("torvus.toml");
    std::fs::write(&file, "").unwrap();
    app.hang_up();
    wait_until(Duration::from_secs(5), "the file is refused", || {
        app.log().contains("plan partner")
    });
    client.get("/v1/account").expect(200);
    app.stop();
    let null = File::options().write(true).open("/dev/null").unwrap();
    assert_eq!(app.server_into(&["serve"], null).code(), Some(1));
    std::fs::write(&file, plan).unwrap();
    app.start_again();
    app.client(&key.token).get("/v1/account").expect(200);
}

/// A mistyped folder is not a database without accounts.
#[test]
fn a_database_that_is_not_there_is_not_made_by_a_look() {
    let app = TestApp::start(Database::Sqlite);
    let other = app.scratch().join("othr");
    let run = app.admin_run(&["account", "list", "--data-dir", other.to_str().unwrap()]);
    assert_eq!(run.code, 6, "{run:?}");
    assert!(!other.exists());
}

fn an_export_is_the_whole_log(database: Database) {
    let app = TestApp::start(database);
    let client = app.anonymous();
    // More than one page of what an export reads at once.
    let count = large(6_000);
    for _ in 0..count {
        client.get("/v1/account").expect_401();
    }
    let filter = ["--category", "api_activity"];
    let export = |format: &str| {
        app.admin_text(&[&["audit", "export", "--format", format], &filter[..]].concat())
    };
    let lines = export("jsonl");
    let records: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut ids: Vec<&str> = records
        .iter()
        .map(|r| r["request_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), count);
    let in_order = ids.clone();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "none twice");
    let csv = export("csv");
    let mut rows = csv.lines();
    assert_eq!(
        rows.next().unwrap(),
        "timestamp,request_id,key_id,key_name,environment,method,endpoint,status,ip_address,outcome"
    );
    let shown: Vec<&str> = rows.map(|row| row.split(',').nth(1).unwrap()).collect();
    assert_eq!(shown, in_order, "both the same, newest first");
}

fn usage_equals_the_log(database: Database) {
    let app = TestApp::start(database);
    let key = app.key_with(
        &app.account("enterprise"),
        "live",
        "read",
        &["--limit", "3"],
    );
    let client = app.client(&key.token);
    client.get("/v1/account").expect(200);
    client.get("/v1/vaults").expect(200);
    client.get("/v1/vaults/vault_none").expect(404);
    client.get("/v1/account").expect(429);
    let usage = app.admin(&["key", "usage", &key.id]);
    assert_eq!(usage["total_requests"], 4);
    assert_eq!(usage["billable_requests"], 3);
    assert_eq!(usage["error_rate"], 0.5);
    assert_eq!(usage["ip_addresses"][0]["ip"], "127.0.0.1");
    assert_eq!(usage["ip_addresses"][0]["count"], 4);
    let days = usage["days"].as_array().unwrap();
    assert_eq!(days.len(), 30);
    let sum = |field: &str| {
        days.iter()
            .map(|day| day[field].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(
        (
            sum("ok"),
            sum("client_errors"),
            sum("rate_limited"),
            sum("server_errors")
        ),
        (2, 1, 1, 0)
    );
}

fn the_doctor_finds_what_is_wrong(database: Database) {
    let app = TestApp::start(database);
    let well = app.admin_run(&["doctor"]);
    assert_eq!(well.code, 0, "{well:?}");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(app.data_dir(), open).unwrap();
    let ill = app.admin_run(&["doctor"]);
    assert_eq!(ill.code, 1, "{ill:?}");
    let findings = ill.json["data"].as_array().unwrap();
    let fault = findings
        .iter()
        .find(|finding| finding["level"] == "fault")
        .unwrap();
    assert_eq!(fault["check"], "data folder");
    assert_eq!(fault["advice"], "chmod 700 it");
}

/// A wrong pepper stops the start, and does not keep the right one from starting later.
#[test]
fn a_wrong_pepper_is_refused_and_leaves_nothing_behind() {
    let mut app = TestApp::builder(Database::Sqlite)
        .args(&["--bootstrap", "you@example.com"])
        .start();
    app.stop();
    let file = app.data_dir().join("pepper");
    let right = std::fs::read_to_string(&file).unwrap();
    let other = right.replacen("1:", "2:", 1);
    let broken = "1:c2hvcnQ=\n";
    for (wrong, word) in [(other.as_str(), "version 1"), (broken, "line 1")] {
        std::fs::write(&file, wrong).unwrap();
        let mut command = std::process::Command::new(api_binary());
        command
            .arg("serve")
            .env("TORVUS_DATA_DIR", app.data_dir())
            .env("TORVUS_LISTEN", "127.0.0.1:0")
            .env("TORVUS_ADMIN_LISTEN", "127.0.0.1:0");
        let ended = run_to_end(&mut command);
        assert!(
            !ended.status.success() && ended.stdout.is_empty(),
            "{ended:?}"
        );
        assert!(
            ended.stderr.contains("pepper") && ended.stderr.contains(word),
            "{ended:?}"
        );
    }
    std::fs::write(&file, right).unwrap();
    app.start_again();
}

/// Servers that start at once on a new database all serve; one of them makes the account.
#[test]
fn many_may_bootstrap_at_once() {
    let app = TestApp::builder(Database::Postgres).empty().start();
    let bootstrap = ["serve", "--bootstrap", "you@example.com"];
    let printed: usize = std::thread::scope(|scope| {
        let servers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| app.another_server(&bootstrap)))
            .collect();
        let ended = servers.into_iter().map(|server| {
            let mut server = server.join().unwrap();
            let greeting = server.greeting().join("\n");
            server.stop();
            usize::from(greeting.contains("torvus_sk_live_"))
        });
        ended.sum()
    });
    assert_eq!(printed, 1);
    let accounts = app.admin(&["account", "list"]);
    assert_eq!(accounts["data"].as_array().unwrap().len(), 1);
}

/// Two servers would write to the same journals.
fn a_data_directory_has_one_server(database: Database) {
    let app = TestApp::start(database);
    let out = File::create(app.scratch().join("out")).unwrap();
    assert_eq!(app.server_into(&["serve"], out).code(), Some(1));
    let said = std::fs::read_to_string(app.scratch().join("other-log")).unwrap();
    assert!(
        said.contains("journal: another server uses it: stop"),
        "{said}"
    );
    app.anonymous().get("/v1/account").expect_401();
}

/// What nobody could read must not stay alive.
fn secrets_that_cannot_be_shown_are_not_made(database: Database) {
    let mut app = TestApp::start(database);
    let account = app.account("professional");
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let mut args = vec!["key", "create", "--account", &account, "--name", "lost"];
    args.extend(["--environment", "live", "--permissions", "read"]);
    let status = app.admin_into(&args, full());
    assert_eq!(status.code(), Some(1));
    let keys = app.admin(&["key", "list", "--all"]);
    assert_eq!(keys["data"][0]["state"], "revoked");
    app.stop();
    let status = app.server_into(&["serve", "--bootstrap", "new@example.com"], full());
    assert_eq!(status.code(), Some(1));
    app.start_again();
    let accounts = app.admin(&["account", "list"]);
    let accounts = accounts["data"].as_array().unwrap();
    assert_eq!(accounts.len(), 1, "the new one was not made");
}

/// A lost pepper is not replaced by another one: the keys would all be refused, and a backup overwritten.
#[test]
fn a_lost_pepper_is_not_replaced() {
    let mut app = TestApp::builder(Database::Sqlite)
        .args(&["--bootstrap", "you@example.com"])
        .start();
    app.stop();
    let file = app.data_dir().join("pepper");
    let kept = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let accounts = app.admin(&["account", "list"]);
    let account = accounts["data"][0]["id"].as_str().unwrap();
    let mut args = vec!["key", "create", "--account", account, "--name", "n"];
    args.extend(["--environment", "live", "--permissions", "read"]);
    let run = app.admin_run(&args);
    assert!(run.code != 0 && run.stderr.contains("pepper"), "{run:?}");
    let null = File::options().write(true).open("/dev/null").unwrap();
    assert_eq!(app.server_into(&["serve"], null).code(), Some(2));
    assert!(!file.exists());
    std::fs::write(&file, kept).unwrap();
    app.start_again();
}

on_both!(
    a_data_directory_has_one_server,
    secrets_that_cannot_be_shown_are_not_made,
    what_cannot_be_recorded_is_not_answered,
    probes_stay_off_the_public_port,
    metrics_tell_what_happened,
    draining_is_told_before_the_port_closes,
    plans_are_read_again_and_a_bad_file_is_not,
    a_plan_in_use_cannot_be_dropped,
    an_export_is_the_whole_log,
    usage_equals_the_log,
    the_doctor_finds_what_is_wrong,
);
