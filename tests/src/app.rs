//! A server with its data, and all that a test does with it.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::blocker::Blocker;
use crate::postgres::Cluster;
use crate::programs::{admin_binary, api_binary, bare};
use crate::server::Server;
use crate::tmpfs::Tmpfs;
use crate::{AnotherServer, Client, KeepAlive, Node, RawClient, template};

/// The pepper of every app on PostgreSQL: version and base64 of 32 bytes.
const PEPPER: &str = "1:VGhpcyBwZXBwZXIgaXMgZm9yIHRlc3RzIG9ubHkhISE=";

const ADMIN_LISTEN: &str = "TORVUS_ADMIN_LISTEN";

/// What an app keeps its data in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Database {
    /// A file in the data directory.
    Sqlite,
    /// A database of its own on this test process's server.
    Postgres,
}

/// How a [`TestApp`] is to be started.
#[derive(Debug)]
pub struct Builder {
    database: Database,
    args: Vec<String>,
    env: Vec<(String, String)>,
    config: Option<String>,
    empty: bool,
    own_cluster: bool,
    pepper_file: bool,
    tmpfs: Option<String>,
}

impl Builder {
    /// Starts with no data at all, as a first start does, instead of with a copy of the migrated template.
    #[must_use]
    pub fn empty(mut self) -> Self {
        self.empty = true;
        self
    }

    /// On PostgreSQL: with a database server of its own, which the test may stop.
    #[must_use]
    pub fn own_postgres(mut self) -> Self {
        self.own_cluster = true;
        self
    }

    /// Keeps the pepper in a file on PostgreSQL as well, beside the data directory.
    #[must_use]
    pub fn pepper_in_file(mut self) -> Self {
        self.pepper_file = true;
        self
    }

    /// Puts the data directory on a disk in memory of that size (`16m`). Only root may.
    #[must_use]
    pub fn on_tmpfs(mut self, size: &str) -> Self {
        self.tmpfs = Some(size.to_owned());
        self
    }

    /// Adds arguments after `serve`.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self
    }

    /// Sets a variable of the server's environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Gives the operators a port that the test can ask on: [`TestApp::operators`].
    #[must_use]
    pub fn operators(self) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().to_string();
        self.env(ADMIN_LISTEN, &port)
    }

    /// Gives both programs a settings file.
    #[must_use]
    pub fn config(mut self, text: &str) -> Self {
        self.config = Some(text.to_owned());
        self
    }

    /// Starts the server and waits until it listens.
    pub fn start(self) -> TestApp {
        let folder = tempfile::Builder::new()
            .prefix("torvus-test-")
            .tempdir()
            .unwrap();
        let mut settings = vec![(
            "TORVUS_DATA_DIR".to_owned(),
            folder.path().join("data").to_str().unwrap().to_owned(),
        )];
        let data = folder.path().join("data");
        let disk = self.tmpfs.map(|size| Tmpfs::mount(&data, &size));
        let cluster = self.own_cluster.then(Cluster::start);
        let mut url = None;
        if self.database == Database::Postgres {
            let cluster = cluster.as_ref();
            let cluster = cluster.unwrap_or_else(|| Cluster::of_this_process());
            let new = cluster.new_database(!self.empty);
            settings.push(("TORVUS_DATABASE_URL".to_owned(), new.clone()));
            if self.pepper_file {
                let file = folder.path().join("pepper");
                std::fs::write(&file, format!("{PEPPER}\n")).unwrap();
                let file = file.to_str().unwrap().to_owned();
                settings.push(("TORVUS_PEPPER_FILE".to_owned(), file));
            } else {
                settings.push(("TORVUS_PEPPER".to_owned(), PEPPER.to_owned()));
            }
            url = Some(new);
        }
        if self.database == Database::Sqlite && !self.empty {
            template::copy_to(&data);
        }
        let mut config = None;
        if let Some(text) = &self.config {
            let path = folder.path().join("torvus.toml");
            std::fs::write(&path, text).unwrap();
            config = Some(path);
        }
        let mut app = TestApp {
            _disk: disk,
            folder,
            cluster,
            wrapper: Vec::new(),
            url,
            config,
            settings,
            args: self.args,
            env: self.env,
            server: None,
            number: AtomicU32::new(1),
        };
        app.start_again();
        app
    }
}

/// A real server over throw-away data.
pub struct TestApp {
    /// Dropped before the folder that it is mounted in.
    _disk: Option<Tmpfs>,
    folder: TempDir,
    /// The database server that is the app's own.
    cluster: Option<Cluster>,
    /// What the server is started with, before its own name.
    wrapper: Vec<String>,
    /// The database on PostgreSQL.
    url: Option<String>,
    config: Option<PathBuf>,
    /// Variables that both programs get.
    settings: Vec<(String, String)>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    server: Option<Server>,
    number: AtomicU32,
}

impl TestApp {
    /// A server with nothing set but its data, on a free port.
    pub fn start(database: Database) -> Self {
        Self::builder(database).start()
    }

    /// A server with more settings.
    pub fn builder(database: Database) -> Builder {
        Builder {
            database,
            args: Vec::new(),
            env: Vec::new(),
            config: None,
            empty: false,
            own_cluster: false,
            pepper_file: false,
            tmpfs: None,
        }
    }

    /// Stops the server as a service manager would, checks how it ended, and starts it on the same data.
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Stops the server as a service manager would, and checks how it ended.
    #[track_caller]
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let ended = server.terminate();
            let complaints = server.complaints(&ended);
            assert!(
                complaints.is_empty(),
                "{complaints:?}\n{}",
                tail(&server.log())
            );
        }
    }

    /// Kills the server as a power switch would. `torvus-admin` still works on its data.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill();
        }
    }

    /// Starts a server that was stopped or killed.
    pub fn start_again(&mut self) {
        let mut command = self.api_command(&["serve"]);
        if let Some((program, args)) = self.wrapper.split_first() {
            let mut wrapped = bare(Path::new(program));
            wrapped.args(args).arg(command.get_program());
            wrapped.args(command.get_args());
            wrapped.envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
            command = wrapped;
        }
        command.args(&self.args).envs(self.env.iter().cloned());
        self.server = Some(Server::start(&mut command, self.log_file()));
    }

    /// From its next start on, the server is started by these words and its own name.
    pub fn wrap(&mut self, words: &[&str]) {
        self.wrapper = words.iter().map(|&word| word.to_owned()).collect();
    }

    /// The server that keeps the app's database on PostgreSQL.
    pub fn postgres(&self) -> &Cluster {
        let own = self.cluster.as_ref();
        own.unwrap_or_else(|| Cluster::of_this_process())
    }

    /// Where the app's database is, as the settings name it.
    pub(crate) fn database_url(&self) -> String {
        let file = || format!("sqlite:{}", self.data_dir().join("torvus.db").display());
        self.url.clone().unwrap_or_else(file)
    }

    /// What the database holds of the audit log on PostgreSQL: chain, number, hash and line, in hexadecimal.
    pub(crate) fn audit_rows(&self) -> Option<String> {
        let rows = "SELECT chain, seq, encode(hash, 'hex'), encode(convert_to(line, 'UTF8'), 'hex') \
                    FROM audit_log ORDER BY chain COLLATE \"C\", seq";
        Some(self.postgres().query(self.url.as_ref()?, rows))
    }

    /// Tells the server to read its settings again.
    pub fn hang_up(&self) {
        self.server().signal(Signal::HUP);
    }

    /// Starts one more server on the same database, with a data directory of its own and these arguments;
    /// waits until it listens.
    pub fn another_server(&self, args: &[&str]) -> AnotherServer {
        let number = self.next_number();
        let mut command = self.api_command(args);
        let data = self.folder.path().join(format!("data-{number}"));
        command.env("TORVUS_DATA_DIR", data);
        let log = self.folder.path().join(format!("log-{number}"));
        AnotherServer::start(&mut command, log)
    }

    /// Starts one more server on the same database, which may be frozen, killed or cut off.
    pub fn node(&self) -> Node<'_> {
        Node::start(self)
    }

    /// Where the app's PostgreSQL listens.
    pub(crate) fn database_address(&self) -> Option<SocketAddr> {
        let (server, _) = self.url.as_ref()?.rsplit_once('/')?;
        server.rsplit_once('@')?.1.parse().ok()
    }

    /// Runs `torvus-api ARGS` to its end, with its standard output going to `out`.
    pub fn server_into(&self, args: &[&str], out: File) -> ExitStatus {
        let log = File::create(self.folder.path().join("other-log")).unwrap();
        let mut command = self.api_command(args);
        command.stdout(out).stderr(log).status().unwrap()
    }

    /// Runs `torvus-admin ARGS` to its end, with its standard output going to `out`.
    pub fn admin_into(&self, args: &[&str], out: File) -> ExitStatus {
        let mut command = self.admin_command();
        command.args(args).stdout(out).status().unwrap()
    }

    /// Starts `torvus-admin ARGS`, with its standard output going to a new file.
    pub fn admin_background(&self, args: &[&str], out: &Path) -> Child {
        let mut command = self.admin_command();
        let command = command.args(args).stdout(File::create(out).unwrap());
        command.spawn().unwrap()
    }

    pub(crate) fn api_command(&self, args: &[&str]) -> Command {
        let mut command = bare(&api_binary());
        command.args(args);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command
            .env("TORVUS_LISTEN", "127.0.0.1:0")
            .env(ADMIN_LISTEN, "127.0.0.1:0")
            .envs(self.settings.iter().cloned())
            .current_dir(self.folder.path());
        command
    }

    /// A client with that key.
    pub fn client(&self, token: &str) -> Client {
        Client::new(&self.url(), Some(token))
    }

    /// A client with that key that calls from another address of this machine, such as 127.0.0.2.
    pub fn client_from(&self, ip: &str, token: &str) -> Client {
        Client::from_address(ip.parse().unwrap(), &self.url(), Some(token))
    }

    /// A client without a key.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.url(), None)
    }

    /// A new connection for any bytes.
    pub fn raw(&self) -> RawClient {
        RawClient::connect(self.address())
    }

    /// A connection for any bytes, that is made again where it ended.
    pub fn keep_alive(&self) -> KeepAlive {
        KeepAlive::new(self.address())
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.server().address
    }

    /// Where the server listens, as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where operators ask, as a URL, where the app was built for it.
    pub fn operators(&self) -> String {
        let mut set = self.env.iter();
        let (_, port) = set.find(|(name, _)| name == ADMIN_LISTEN).expect("a port");
        format!("http://{port}")
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.server().pid()
    }

    /// How many files and sockets the server has open.
    pub fn open_files(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.pid());
        std::fs::read_dir(folder).unwrap().count()
    }

    /// What the server printed before the line that tells its address.
    pub fn greeting(&self) -> &[String] {
        &self.server().greeting
    }

    /// The log so far, of all starts.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log_file()).unwrap()).into_owned()
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A place for a test's own files, gone with the app.
    pub fn scratch(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Lets the server write to no file, so that no record can be kept, until what it gives is dropped.
    pub fn block_records(&self) -> Blocker {
        Blocker::of(self.pid())
    }

    /// The text of the whole database on PostgreSQL; on SQLite it lies in the data directory.
    pub fn dump(&self) -> Option<String> {
        let url = self.url.as_ref()?;
        Some(self.postgres().dump(url))
    }

    /// Where the pepper lies, of an app that keeps it in a file.
    pub fn pepper_file(&self) -> PathBuf {
        match self.url {
            Some(_) => self.folder.path().join("pepper"),
            None => self.data_dir().join("pepper"),
        }
    }

    /// The pepper as it was given or generated: the base64 text.
    pub fn pepper(&self) -> String {
        let line = match self.url {
            Some(_) => PEPPER.to_owned(),
            None => std::fs::read_to_string(self.data_dir().join("pepper")).unwrap(),
        };
        line.trim().split_once(':').unwrap().1.to_owned()
    }

    /// `torvus-admin` with what it needs to find the app's data.
    pub fn admin_command(&self) -> Command {
        let mut command = bare(&admin_binary());
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command
            .envs(self.settings.iter().cloned())
            .current_dir(self.folder.path());
        command
    }

    pub(crate) fn next_number(&self) -> u32 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("the server runs")
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let mut complaints = Vec::new();
        if let Some(mut server) = self.server.take() {
            let ended = server.terminate();
            complaints = server.complaints(&ended);
            if std::thread::panicking() || !complaints.is_empty() {
                eprintln!("the server's log ends with:\n{}", tail(&server.log()));
            }
        }
        if let Some(url) = &self.url
            && !std::thread::panicking()
        {
            self.postgres().drop_database(url);
        }
        if !std::thread::panicking() {
            assert!(complaints.is_empty(), "the server: {complaints:?}");
        }
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
