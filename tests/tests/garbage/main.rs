//! A hundred thousand bad requests over raw sockets: none of them is an error of the server's, none that has
//! to be refused is granted, and afterwards the server is as it was.

mod bodies;
mod heads;
mod requests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use requests::{ODD, REFUSED, Valid};
use torvus_e2e::{Database, Dice, TestApp, large, on_both};

const SEED: u64 = 0x7075_7276_7573;
const CONNECTIONS: usize = 8;

/// How much memory may be gained besides a twentieth, in KiB. SQLite keeps up to 2 MB of pages for each of the
/// server's 9 connections, and these fill as the audit log grows; a leak of 100 bytes a request would be 10 MB.
const CACHES: usize = 4 * 1024;

/// How many answers had which status; 0 where the connection ended without one.
type Statuses = BTreeMap<u16, usize>;

/// The statuses of all the answers in what a connection gave.
fn statuses(read: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(read);
    text.split("HTTP/1.1 ")
        .skip(1)
        .filter_map(|answer| answer.get(..3)?.parse().ok())
        .collect()
}

/// Sends one bad request and judges what comes back.
fn check(app: &TestApp, valid: &Valid, dice: &mut Dice, seed: &str, counted: &mut Statuses) {
    let kind = dice.roll(REFUSED.len() + ODD.len());
    let (name, make) = *REFUSED.iter().chain(&ODD).nth(kind).unwrap();
    let request = make(dice, valid);
    let read = app.raw().send_and_end(&request);
    let found = statuses(&read);
    for &status in &found {
        let granted = kind < REFUSED.len() && (200..400).contains(&status);
        // 501 and 505 say that the framing or the version is not known.
        let failed = status >= 500 && !matches!(status, 501 | 505);
        assert!(
            !granted && !failed,
            "{seed}, {name}: {} was answered with {}",
            request.escape_ascii(),
            String::from_utf8_lossy(&read),
        );
    }
    for status in if found.is_empty() { vec![0] } else { found } {
        *counted.entry(status).or_default() += 1;
    }
}

/// Sends that many bad requests over several connections at a time.
fn send(app: &TestApp, valid: &Valid, round: u64, count: usize) -> Statuses {
    let mut counted = Statuses::new();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..CONNECTIONS)
            .map(|thread| {
                let seed = SEED + round * 100 + thread as u64;
                scope.spawn(move || {
                    let (mut dice, mut counted) = (Dice::new(seed), Statuses::new());
                    for number in 0..count.div_ceil(CONNECTIONS) {
                        let seed = format!("seed {seed:#x}, request {number}");
                        check(app, valid, &mut dice, &seed, &mut counted);
                    }
                    counted
                })
            })
            .collect();
        for thread in running {
            for (status, count) in thread.join().unwrap() {
                *counted.entry(status).or_default() += count;
            }
        }
    });
    counted
}

/// The memory that the server's process holds, in KiB.
fn resident(app: &TestApp) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

/// How many files and connections the server's process has open, but for the SQLite database: a connection to
/// it is opened when it is first needed.
fn open_files(app: &TestApp) -> usize {
    let open = std::fs::read_dir(format!("/proc/{}/fd", app.pid())).unwrap();
    open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter(|path| !path.to_string_lossy().contains("torvus.db"))
        .count()
}

fn garbage_does_no_harm(database: Database) {
    let count = large(match database {
        Database::Sqlite => 100_000,
        Database::Postgres => 10_000,
    });
    let plan = "[plans.enterprise]\ntest_requests_per_hour = 100000000\n";
    let app = TestApp::builder(database).config(plan).start();
    let key = app.key(&app.account("enterprise"), "test", "read,write,delete");
    let client = app.client(&key.token);
    let valid = Valid {
        vault: client.vault("a vault"),
        token: key.token,
    };

    // Buffers, caches and database connections grow to their size.
    send(&app, &valid, 0, count / 5);
    let (memory, files) = (resident(&app), open_files(&app));
    let counted = send(&app, &valid, 1, count);
    // Connections to PostgreSQL can't be told from others; the server has up to 9.
    let pool = if database == Database::Postgres { 9 } else { 0 };
    let settled =
        || open_files(&app) <= files + pool && resident(&app) <= memory + memory / 20 + CACHES;
    let deadline = Instant::now() + Duration::from_secs(10);
    while !settled() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    let after = (resident(&app), open_files(&app));
    assert!(
        settled(),
        "memory in KiB and open files: {:?} became {after:?}",
        (memory, files)
    );

    client.get("/v1/account").expect(200);
    assert!(!app.log().contains("panicked at"), "a panic in the log");
    println!(
        "{database:?}: {count} bad requests, seed {SEED:#x}: 0 x 5xx, 0 panics, memory {memory} KiB before and {} \
         after, open files {files} and {}; by status {counted:?}",
        after.0, after.1,
    );
}

on_both!(garbage_does_no_harm);
