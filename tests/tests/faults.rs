//! Where a record can't be kept, or the database does not answer, the answer is 503, soon, and the service is
//! back by itself: no answer is without its record.

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use torvus_e2e::{Database, Key, Load, TestApp, large, wait_until};

const CYCLES: usize = 20;
const CONNECTIONS: usize = 8;
/// How long an answer may take, and how long the service may take to be back; a busy machine may be late by
/// the rest.
const SOON: Duration = Duration::from_secs(2);
const LATE: Duration = Duration::from_secs(2);
/// For so long a server may go on with what it knows.
const LEASE: Duration = torvus_domain::LEASE;
/// How long a fault lasts.
const HELD: Duration = Duration::from_secs(5);

/// An app whose operators' port is known, and that port's address.
struct Watched {
    app: TestApp,
    operators: String,
}

impl Watched {
    fn start(build: impl FnOnce() -> torvus_e2e::Builder) -> Self {
        let app = build().operators().start();
        let operators = app.operators();
        Self { app, operators }
    }

    /// Why the server is not ready, if it is not.
    fn trouble(&self) -> Option<String> {
        let ready = reqwest::blocking::get(format!("{}/readyz", self.operators)).unwrap();
        let well = ready.status().is_success();
        (!well).then(|| ready.text().unwrap().trim().to_owned())
    }

    /// Begins a fault and ends it, again and again, while clients ask.
    fn bear(mut self, name: &str, mut fault: impl FnMut(&TestApp) -> Box<dyn FnOnce(&TestApp)>) {
        let app = &self.app;
        let account = app.account("enterprise");
        let keys: Vec<Key> = ["live", "test"]
            .map(|environment| app.key(&account, environment, "read,write"))
            .into();
        let load = Load::of(&keys);
        let (mut slowest_back, mut why) = (Duration::ZERO, String::new());
        let cycles = large(CYCLES);
        load.during(app.address(), CONNECTIONS, || {
            let client = app.client(&keys[0].token);
            for _ in 0..cycles {
                thread::sleep(Duration::from_millis(300));
                let end = fault(app);
                let begun = Instant::now();
                wait_until(SOON + LATE, "it is not ready, and says why", || {
                    self.trouble().map(|trouble| why = trouble).is_some()
                });
                wait_until(LEASE + SOON + LATE, "requests are answered 503", || {
                    client.get("/v1/account").status == 503
                });
                // Longer than an answer may take, for whoever waits until the end.
                thread::sleep(HELD.saturating_sub(begun.elapsed()));
                end(app);
                let ended = Instant::now();
                wait_until(SOON + LATE, "the service is back", || {
                    client.get("/v1/account").status == 200
                });
                slowest_back = slowest_back.max(ended.elapsed());
                wait_until(SOON + LATE, "it is ready", || self.trouble().is_none());
            }
        });
        let noted = load.noted();
        let refused = || noted.iter().filter(|noted| noted.status == 503);
        // Of all answers: one that hangs until the end of the fault may then be 200.
        let slowest = noted.iter().map(|noted| noted.took).max().unwrap();
        let records = app.assert_recorded(&noted, &keys);
        // What was cut off or left over is no trouble for the next start.
        self.app.restart();
        assert!(self.app.assert_recorded(&noted, &keys) >= records);
        println!(
            "{name}, {cycles} times: {} answers, {} of them 503, the slowest of all after {slowest:.2?}; back \
             {slowest_back:.2?} after the end; 0 without a record; /readyz: {why}",
            noted.len(),
            refused().count()
        );
        assert!(slowest < SOON + LATE);
    }
}

#[test]
fn a_full_disk() {
    let build = || TestApp::builder(Database::Sqlite).on_tmpfs("24m");
    Watched::start(build).bear("disk full", |app| {
        let filler = app.data_dir().join("filler");
        let mut file = File::create(&filler).unwrap();
        while file.write_all(&[1; 4_096]).is_ok() {}
        Box::new(move |_| std::fs::remove_file(filler).unwrap())
    });
}

#[test]
fn a_disk_that_can_only_be_read() {
    Watched::start(|| TestApp::builder(Database::Sqlite)).bear("read-only", |app| {
        refuse(app, "pwrite64,ftruncate", "EROFS")
    });
}

#[test]
fn a_disk_that_fails() {
    let build = || TestApp::builder(Database::Sqlite).args(&["--audit-durability", "power"]);
    Watched::start(build).bear("EIO of fsync and truncate", |app| {
        refuse(app, "fdatasync,fsync,ftruncate", "EIO")
    });
}

#[test]
fn postgres_stopped() {
    let build = || TestApp::builder(Database::Postgres).own_postgres();
    Watched::start(build).bear("PostgreSQL stopped", |app| {
        app.postgres().stop_at_once();
        Box::new(|app| app.postgres().start_again())
    });
}

#[test]
fn postgres_frozen() {
    let build = || TestApp::builder(Database::Postgres).own_postgres();
    Watched::start(build).bear("PostgreSQL frozen", |app| {
        app.postgres().freeze();
        Box::new(|app| app.postgres().thaw())
    });
}

/// Makes these system calls of the server fail, whatever file they are for, until the returned is called.
fn refuse(app: &TestApp, calls: &str, error: &str) -> Box<dyn FnOnce(&TestApp)> {
    let pid = app.pid();
    let mut tracer: Child = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-p", &pid.to_string()])
        .args(["-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:error={error}")])
        .stderr(Stdio::inherit())
        .spawn()
        .expect("strace is installed: tests/run does it");
    wait_until(Duration::from_secs(5), "strace holds the server", || {
        assert!(tracer.try_wait().unwrap().is_none(), "strace can't trace");
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let status =
            |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("status"));
        threads
            .map(|thread| status(thread.unwrap()).unwrap_or_default())
            .all(|status| !status.contains("TracerPid:\t0\n"))
    });
    Box::new(move |_| {
        kill_process(Pid::from_child(&tracer), Signal::TERM).unwrap();
        tracer.wait().unwrap();
    })
}
