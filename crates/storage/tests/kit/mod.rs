//! Databases that are thrown away: a file of SQLite, a server of PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;
use torvus_storage::{Store, StoreUrl};

/// A database, gone when this is dropped.
pub(crate) struct Database {
    pub(crate) url: StoreUrl,
    /// The server that it needs, shut down with its last database.
    _server: Option<std::sync::Arc<Server>>,
    _folder: Option<TempDir>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("sqlite:{}", folder.path().join("torvus.db").display());
        Self {
            url: StoreUrl::parse(&text).unwrap(),
            _server: None,
            _folder: Some(folder),
        }
    }

    pub(crate) fn postgres() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = Server::shared();
        let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
        server.psql(&format!("CREATE DATABASE {name}"));
        let socket = server
            .folder
            .path()
            .display()
            .to_string()
            .replace('/', "%2F");
        let text = format!("postgres://postgres@{socket}/{name}");
        Self {
            url: StoreUrl::parse(&text).unwrap(),
            _server: Some(server),
            _folder: None,
        }
    }

    /// Opened and migrated.
    pub(crate) fn store(&self) -> Store {
        let store = Store::open(&self.url).unwrap();
        store.migrate().unwrap();
        store
    }
}

/// A server of PostgreSQL that listens on a socket in its own folder.
struct Server {
    folder: TempDir,
    bin: PathBuf,
    process: Mutex<Child>,
}

/// Runs a program, as another user where PostgreSQL would refuse root.
fn command(program: &Path) -> Command {
    let root = fs::metadata("/proc/self").is_ok_and(|facts| {
        use std::os::unix::fs::MetadataExt;
        facts.uid() == 0
    });
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

fn done(mut command: Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Server {
    fn shared() -> std::sync::Arc<Self> {
        static SHARED: Mutex<std::sync::Weak<Server>> = Mutex::new(std::sync::Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = std::sync::Arc::new(Self::start());
        *shared = std::sync::Arc::downgrade(&server);
        server
    }

    fn start() -> Self {
        let bin = fs::read_dir("/usr/lib/postgresql")
            .expect("PostgreSQL is installed")
            .map(|entry| entry.unwrap().path().join("bin"))
            .find(|bin| bin.join("initdb").exists())
            .expect("PostgreSQL's programs are installed");
        // Short: a socket's path has room for 107 bytes.
        let folder = tempfile::Builder::new()
            .prefix("pg")
            .tempdir_in("/tmp")
            .unwrap();
        let mut mode = fs::metadata(folder.path()).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o777);
        fs::set_permissions(folder.path(), mode).unwrap();
        let data = folder.path().join("data");
        let mut initdb = command(&bin.join("initdb"));
        initdb
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(&data)
            .current_dir("/");
        done(initdb);
        let mut postgres = command(&bin.join("postgres"));
        postgres
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .args(["-c", "max_connections=200"])
            .current_dir("/")
            .stderr(Stdio::null())
            .stdout(Stdio::null());
        let process = Mutex::new(postgres.spawn().unwrap());
        let server = Self {
            folder,
            bin,
            process,
        };
        server.wait();
        server
    }

    fn wait(&self) {
        for _ in 0..600 {
            let ready = Command::new(self.bin.join("pg_isready"))
                .arg("-q")
                .arg("-h")
                .arg(self.folder.path())
                .status()
                .unwrap();
            if ready.success() {
                return;
            }
            pause();
        }
        panic!("PostgreSQL did not start");
    }

    fn psql(&self, sql: &str) {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"])
            .arg(self.folder.path())
            .args(["-d", "postgres", "-c", sql]);
        done(psql);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "another program starts: there is no event to wait for"
)]
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(20));
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = command(&self.bin.join("pg_ctl"));
        stop.args(["stop", "-m", "immediate", "-D"])
            .arg(self.folder.path().join("data"))
            .current_dir("/");
        let _ = stop.output();
        let _ = self
            .process
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .wait();
    }
}

/// Runs each test twice: `fn name(database: &Database)`, on both databases.
macro_rules! on_both {
    ($($(#[$doc:meta])* fn $name:ident($database:ident) $body:block)*) => {
        $($(#[$doc])* fn $name($database: &$crate::kit::Database) $body)*

        mod on_sqlite {
            $(#[test] fn $name() { super::$name(&$crate::kit::Database::sqlite()); })*
        }
        mod on_postgres {
            $(#[test] fn $name() { super::$name(&$crate::kit::Database::postgres()); })*
        }
    };
}
pub(crate) use on_both;
