//! What is measured: each started as its users would, on one core.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Which one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A route that checks nothing.
    Bare,
    /// Ours, `--audit-durability process`.
    Process,
    /// Ours, `--audit-durability power`.
    Power,
    /// Another build of ours, as [`Kind::Process`].
    Other,
    Nginx,
    Haproxy,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Process => "torvus process",
            Self::Power => "torvus power",
            Self::Other => "torvus other",
            Self::Nginx => "nginx map",
            Self::Haproxy => "haproxy map",
        }
    }
}

impl Kind {
    /// The folder of its data.
    pub(crate) const fn data(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Other => "other",
            _ => "process",
        }
    }
}

/// A running server; stopped when this is dropped.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    child: Child,
    /// Where ours tells what it has indexed.
    metrics: Option<SocketAddr>,
}

/// Where and how servers are started.
pub(crate) struct Place<'a> {
    /// A folder for the run.
    pub(crate) folder: &'a Path,
    /// The core that servers are bound to.
    pub(crate) core: Option<usize>,
    /// What the bare route answers.
    pub(crate) body: &'a str,
    /// The program of [`Kind::Other`].
    pub(crate) other: Option<&'a Path>,
}

impl Place<'_> {
    /// A command that is bound to the servers' core.
    fn command(&self, program: &Path) -> Command {
        let Some(core) = self.core else {
            return bare_command(program);
        };
        let mut command = bare_command(Path::new("taskset"));
        command.arg("-c").arg(core.to_string()).arg(program);
        command
    }

    pub(crate) fn start(&self, kind: Kind) -> Server {
        match kind {
            Kind::Bare => {
                let mut command = self.command(&std::env::current_exe().unwrap());
                command.args(["serve-bare", self.body]);
                self.announced(kind, command, None)
            }
            Kind::Process => self.ours(kind, &beside("torvus-api"), "process"),
            Kind::Power => self.ours(kind, &beside("torvus-api"), "power"),
            Kind::Other => self.ours(kind, self.other.expect("--against"), "process"),
            Kind::Nginx => {
                let port = free_port();
                self.configure("nginx.conf", port);
                let mut command = self.command(Path::new("nginx"));
                command
                    .arg("-p")
                    .arg(self.folder)
                    .args(["-c", "nginx.conf"]);
                self.on_port(kind, command, port)
            }
            Kind::Haproxy => {
                let port = free_port();
                self.configure("haproxy.cfg", port);
                let mut command = self.command(Path::new("haproxy"));
                command.args(["-f", "haproxy.cfg"]);
                self.on_port(kind, command, port)
            }
        }
    }

    fn ours(&self, kind: Kind, program: &Path, durability: &str) -> Server {
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut command = self.command(program);
        command.args(["serve", "--workers", "1", "--listen", "127.0.0.1:0"]);
        command.args(["--audit-durability", durability, "--config"]);
        command.arg(settings_file());
        command.arg("--data-dir").arg(self.folder.join(kind.data()));
        command.arg("--admin-listen").arg(admin.to_string());
        self.announced(kind, command, Some(admin))
    }

    fn log(&self, kind: Kind) -> File {
        let name = kind.name().replace(' ', "-");
        File::create(self.folder.join(format!("{name}.log"))).unwrap()
    }

    /// Starts what prints its address.
    fn announced(&self, kind: Kind, mut command: Command, metrics: Option<SocketAddr>) -> Server {
        command.stdout(Stdio::piped()).stderr(self.log(kind));
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on http://")?.parse().ok());
        Server {
            kind,
            address: address.unwrap_or_else(|| panic!("{} did not start", kind.name())),
            child,
            metrics,
        }
    }

    fn on_port(&self, kind: Kind, mut command: Command, port: u16) -> Server {
        let log = self.log(kind);
        command.current_dir(self.folder);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let server = Server {
            kind,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            child: command.spawn().unwrap(),
            metrics: None,
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(server.address).is_err() {
            assert!(Instant::now() < deadline, "{} did not start", kind.name());
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn configure(&self, name: &str, port: u16) {
        let text = std::fs::read_to_string(home().join(name)).unwrap();
        let text = text.replace("@PORT@", &port.to_string());
        std::fs::write(self.folder.join(name), text).unwrap();
    }
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until so many requests are indexed; at once where nothing is.
    pub(crate) fn wait_until_indexed(&self, requests: usize) {
        let Some(metrics) = self.metrics else {
            return;
        };
        let deadline = Instant::now() + Duration::from_secs(120);
        while indexed(metrics) < requests {
            assert!(Instant::now() < deadline, "the audit log is not indexed");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked, not killed: nginx ends its worker.
        let asked = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let deadline = Instant::now() + Duration::from_secs(15);
        while asked.is_ok() && Instant::now() < deadline {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

fn indexed(metrics: SocketAddr) -> usize {
    let answer = get(metrics, "/metrics", "");
    let value = answer
        .lines()
        .find_map(|line| line.strip_prefix("torvus_audit_indexed_total "));
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// One request on a connection of its own: the whole answer.
pub(crate) fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A program that was built together with this one.
pub(crate) fn beside(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.with_file_name(name);
    assert!(program.is_file(), "{} is missing", program.display());
    program
}

/// A command with nothing of this process's environment but what programs need to run.
pub(crate) fn bare_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// The folder of the configurations.
fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn settings_file() -> PathBuf {
    home().join("torvus.toml")
}
