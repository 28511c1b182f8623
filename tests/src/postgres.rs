//! One PostgreSQL server for each test process, started when first needed and gone when the process is.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use crate::programs::run_to_end;
use crate::template;

/// The database that others are copied from.
const TEMPLATE: &str = "torvus_template";

/// A server whose data lives in a temporary folder.
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    next_database: AtomicU32,
    /// Stops the server and removes its folder when this process is gone, however it ended.
    _watchdog: Child,
}

impl Cluster {
    pub(crate) fn of_this_process() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(Self::start)
    }

    pub(crate) fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new()
            .prefix("torvus-pg-")
            .tempdir()
            .unwrap()
            .keep();
        if is_root() {
            must_run(Command::new("chown").arg("postgres").arg(&folder));
        }
        let data = folder.join("data");
        let watchdog = watch(&programs, &folder, &data);
        must_run(
            as_postgres(&programs.join("initdb"))
                .args(["--auth=trust", "--username=postgres", "--encoding=UTF8"])
                .args(["--no-sync", "--locale=C.UTF-8", "--pgdata"])
                .arg(&data),
        );

        let port = free_port();
        let cluster = Self {
            programs,
            folder,
            port,
            next_database: AtomicU32::new(1),
            _watchdog: watchdog,
        };
        cluster.start_again();
        must_run(cluster.program("createdb").arg(TEMPLATE));
        template::migrate("TORVUS_DATABASE_URL", &cluster.address(TEMPLATE));
        cluster
    }

    /// Starts the server that was stopped, and waits until it answers.
    pub fn start_again(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c max_connections=300 -c fsync=off -k {}",
            self.port,
            self.folder.display()
        );
        let mut start = self.control(&["start", "--wait", "--silent", "--options", &options]);
        must_run(start.arg("--log").arg(self.folder.join("log")));
    }

    /// Ends the server as a crash would: nothing is written any more, and the next start has to recover.
    pub fn stop_at_once(&self) {
        must_run(&mut self.control(&["stop", "-m", "immediate", "--silent"]));
    }

    /// Stops every process of the server with SIGSTOP: connections stay, and nobody answers.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets the processes go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let file = self.folder.join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap();
        let server: i32 = text.lines().next().unwrap().parse().unwrap();
        let children = format!("/proc/{server}/task/{server}/children");
        // The parent first, so that it does not start others meanwhile.
        let send = |pid: i32| {
            // One that has just ended needs none.
            let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
        };
        send(server);
        let children = std::fs::read_to_string(children).unwrap();
        for child in children.split_whitespace() {
            send(child.parse().unwrap());
        }
    }

    fn control(&self, args: &[&str]) -> Command {
        let mut command = as_postgres(&self.programs.join("pg_ctl"));
        command.arg("--pgdata").arg(self.folder.join("data"));
        command.args(args);
        command
    }

    /// What a query gives: a line for each row, with `|` between its columns.
    pub(crate) fn query(&self, url: &str, sql: &str) -> String {
        let ended = run_to_end(self.program("psql").args(["-XAtq", url, "-c", sql]));
        assert!(ended.status.success(), "{}", ended.stderr);
        ended.stdout
    }

    /// A database of its own: its address. A copy of the migrated template, or an empty one.
    pub(crate) fn new_database(&self, migrated: bool) -> String {
        let number = self.next_database.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let source = if migrated { TEMPLATE } else { "template1" };
        must_run(self.program("createdb").args(["--template", source, &name]));
        self.address(&name)
    }

    fn address(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// All of a database's schema and rows as text.
    pub(crate) fn dump(&self, url: &str) -> String {
        let ended = run_to_end(self.program("pg_dump").arg(url));
        assert!(ended.status.success(), "{}", ended.stderr);
        ended.stdout
    }

    pub(crate) fn drop_database(&self, url: &str) {
        let name = url.rsplit('/').next().unwrap();
        must_run(self.program("dropdb").args(["--force", name]));
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", "postgres");
        command
    }
}

/// The folder of the newest server that Debian's packages installed.
fn programs() -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is installed: tests/run does it")
        .map(|entry| entry.unwrap())
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, programs)| programs.join("initdb").is_file())
        .collect();
    versions.sort();
    versions.pop().expect("a PostgreSQL server is installed").1
}

/// A shell that waits for its input to end, which it does when this process is gone.
fn watch(programs: &Path, folder: &Path, data: &Path) -> Child {
    let mut command = as_postgres(Path::new("/bin/sh"));
    command
        .args([
            "-c",
            r#"read -r _; "$1" stop -m immediate -D "$2"; rm -rf "$3""#,
        ])
        .arg("watchdog")
        .arg(programs.join("pg_ctl"))
        .arg(data)
        .arg(folder)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

/// The server refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    let mut command;
    if is_root() {
        command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
    } else {
        command = Command::new(program);
    }
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn must_run(command: &mut Command) {
    let ended = run_to_end(command);
    assert!(
        ended.status.success(),
        "{command:?}: {}{}",
        ended.stdout,
        ended.stderr
    );
}
