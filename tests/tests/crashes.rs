//! Killed servers and databases: whatever a client read the answer of is in the audit log, once.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use torvus_e2e::{Database, Dice, Key, Load, TestApp, large, wait_until};

const CONNECTIONS: usize = 32;

/// An app with keys that are used by many.
fn busy(app: &TestApp) -> (Vec<Key>, Load) {
    let account = app.account("enterprise");
    let keys: Vec<Key> = ["live", "test", "live"]
        .map(|environment| app.key(&account, environment, "read,write"))
        .into();
    let load = Load::of(&keys);
    (keys, load)
}

/// Some time up to a third of a second.
fn moment(dice: &mut Dice) {
    thread::sleep(Duration::from_millis(20 + dice.roll(300) as u64));
}

fn nothing_answered_is_lost_by_kills(database: Database, kills: usize) {
    let mut app = TestApp::start(database);
    let (keys, load) = busy(&app);
    let (mut dice, mut slowest) = (Dice::new(1), Duration::ZERO);
    for _ in 0..kills {
        load.during(app.address(), CONNECTIONS, || {
            moment(&mut dice);
            app.kill();
        });
        let start = Instant::now();
        app.start_again();
        slowest = slowest.max(start.elapsed());
    }
    let noted = load.noted();
    let records = app.assert_recorded(&noted, &keys);
    println!(
        "{kills} kills on {database:?}: {} answers read, {records} records, 0 missing, 0 twice; \
         slowest start after a kill {slowest:.2?}",
        noted.len()
    );
    assert!(noted.iter().all(|noted| noted.status != 503));
}

#[test]
fn nothing_answered_is_lost_by_kills_on_sqlite() {
    nothing_answered_is_lost_by_kills(Database::Sqlite, large(100));
}

#[test]
fn nothing_answered_is_lost_by_kills_on_postgres() {
    nothing_answered_is_lost_by_kills(Database::Postgres, large(30));
}

#[test]
fn nothing_answered_is_lost_when_postgres_is_stopped_at_once() {
    let app = TestApp::builder(Database::Postgres).own_postgres().start();
    let (keys, load) = busy(&app);
    let (mut dice, stops) = (Dice::new(2), large(30));
    load.during(app.address(), CONNECTIONS, || {
        for _ in 0..stops {
            moment(&mut dice);
            app.postgres().stop_at_once();
            moment(&mut dice);
            app.postgres().start_again();
        }
        let client = app.client(&keys[0].token);
        wait_until(Duration::from_secs(10), "the service is back", || {
            client.get("/v1/account").status == 200
        });
    });
    let noted = load.noted();
    let refused = noted.iter().filter(|noted| noted.status == 503).count();
    let records = app.assert_recorded(&noted, &keys);
    println!(
        "{stops} stops of PostgreSQL: {} answers read, {refused} of them 503, {records} records, 0 missing, 0 twice",
        noted.len()
    );
}

/// Another program that has begun to write to the database, so that nobody else can.
struct Writer {
    process: Child,
    _held: ChildStdin,
}

impl Writer {
    fn begin(app: &TestApp) -> Self {
        const HOLD: &str = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
db.execute('BEGIN IMMEDIATE')
print('held', flush=True)
sys.stdin.read()
db.execute('ROLLBACK')
";
        let mut process = Command::new("python3")
            .args(["-c", HOLD])
            .arg(app.data_dir().join("torvus.db"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        let held = process.stdin.take().unwrap();
        Self {
            process,
            _held: held,
        }
    }

    fn end(self) {
        let Self { mut process, _held } = self;
        drop(_held);
        assert!(process.wait().unwrap().success());
    }
}

/// Sends a change that waits for the database, and does not wait for its answer.
fn change_that_waits(app: &TestApp, key: &Key) -> std::net::TcpStream {
    let body = r#"{"name":"cut off"}"#;
    let request = format!(
        "POST /v1/vaults HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        key.token,
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(app.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    wait_until(Duration::from_secs(1), "the intent is in a journal", || {
        journal(app)
            .windows(b"POST".len())
            .any(|bytes| bytes == b"POST")
    });
    stream
}

/// All bytes of the journals.
fn journal(app: &TestApp) -> Vec<u8> {
    let files = std::fs::read_dir(app.data_dir().join("journal")).unwrap();
    files
        .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap_or_default())
        .collect()
}

fn changes(app: &TestApp) -> Vec<Value> {
    let records = app.exported();
    records
        .into_iter()
        .filter(|record| record["method"] == "POST")
        .collect()
}

#[test]
fn a_change_that_was_cut_off_is_recorded_as_unknown() {
    let mut app = TestApp::start(Database::Sqlite);
    let key = app.key(&app.account("enterprise"), "live", "read,write");
    let writer = Writer::begin(&app);
    let _stream = change_that_waits(&app, &key);
    app.kill();
    writer.end();
    for _ in 0..2 {
        app.start_again();
        let changes = changes(&app);
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(
            (&changes[0]["status"], &changes[0]["outcome"]),
            (&Value::Null, &json!("unknown"))
        );
        assert_eq!(
            (&changes[0]["key_id"], &changes[0]["route"]),
            (&json!(key.id), &json!("/v1/vaults"))
        );
        let usage = app.admin(&["key", "usage", &key.id]);
        assert_eq!(usage["total_requests"], 1, "{usage}");
        app.assert_recorded(&[], std::slice::from_ref(&key));
        app.kill();
    }
}

#[test]
fn a_change_whose_client_went_away_is_recorded_as_it_ended() {
    let app = TestApp::start(Database::Sqlite);
    let key = app.key(&app.account("enterprise"), "live", "read,write");
    let writer = Writer::begin(&app);
    drop(change_that_waits(&app, &key));
    thread::sleep(Duration::from_millis(200));
    writer.end();
    wait_until(Duration::from_secs(5), "the record is there", || {
        !changes(&app).is_empty()
    });
    let changes = changes(&app);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["status"], 201, "{changes:?}");
    let vaults = app.client(&key.token).get("/v1/vaults").json();
    assert_eq!(vaults["data"].as_array().unwrap().len(), 1);
}

#[test]
fn records_wait_in_the_journal_while_the_database_cannot_be_written() {
    let app = TestApp::start(Database::Sqlite);
    // Refused requests need nothing of the database, and are recorded.
    let load = Load::of(&[]);
    let writer = Writer::begin(&app);
    let before = journal(&app).len();
    load.during(app.address(), 4, || {
        wait_until(Duration::from_secs(10), "the journal grows", || {
            journal(&app).len() > before + 100_000
        });
    });
    writer.end();
    wait_until(Duration::from_secs(10), "all is indexed", || {
        app.follow_chains() >= load.noted().len()
    });
    app.assert_recorded(&load.noted(), &[]);
}
