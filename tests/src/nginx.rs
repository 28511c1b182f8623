//! The real nginx, with the sample of the documentation.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::programs::{Ended, bare, run_to_end};
use crate::{Client, RawClient};

/// An nginx that belongs to nobody else. It is stopped when it is dropped.
pub struct Nginx {
    child: Child,
    folder: TempDir,
    address: SocketAddr,
}

impl Nginx {
    /// Starts nginx with `docs/proxies/nginx.conf`, of which only the three lines are replaced that its reader
    /// is told to change.
    #[track_caller]
    pub fn start(torvus: SocketAddr, api: SocketAddr) -> Self {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/proxies/nginx.conf");
        let sample = fs::read_to_string(sample).unwrap();
        // Nobody hands nginx a port that is already open, so another process may be faster.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = free.local_addr().unwrap();
            drop(free);
            let changed = [
                ("server 127.0.0.1:8080;", format!("server {torvus};")),
                ("server 127.0.0.1:9000;", format!("server {api};")),
                ("listen 80;", format!("listen {address};")),
            ]
            .iter()
            .fold(sample.clone(), |text, (line, new)| {
                let marked = text.lines().filter(|text| text.contains("# CHANGE"));
                assert_eq!(marked.filter(|text| text.contains(line)).count(), 1);
                text.replacen(line, new, 1)
            });
            if let Some(nginx) = Self::start_with(&changed, address) {
                return nginx;
            }
        }
        panic!("nginx found no free port");
    }

    fn start_with(sample: &str, address: SocketAddr) -> Option<Self> {
        let folder = tempfile::Builder::new()
            .prefix("torvus-nginx-")
            .tempdir()
            .unwrap();
        fs::write(folder.path().join("torvus.conf"), sample).unwrap();
        fs::write(folder.path().join("nginx.conf"), around(folder.path())).unwrap();
        let checked: Ended = run_to_end(command(folder.path()).arg("-t"));
        assert!(checked.status.success(), "{checked:?}");
        assert!(!checked.stderr.contains("[warn]"), "{checked:?}");

        let child = command(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut nginx = Self {
            child,
            folder,
            address,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        // It takes a connection, and it is the one that was started.
        while TcpStream::connect(address).is_err() || nginx.pid_file().is_none() {
            if nginx.child.try_wait().unwrap().is_some() {
                let log = nginx.log();
                assert!(log.contains("Address already in use"), "{log}");
                return None;
            }
            assert!(Instant::now() < deadline, "{}", nginx.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(nginx)
    }

    /// A client of the API, with that key or without.
    pub fn client(&self, token: Option<&str>) -> Client {
        Client::new(&format!("http://{}", self.address), token)
    }

    /// A client of the API that calls from this address.
    pub fn client_from(&self, ip: &str, token: Option<&str>) -> Client {
        Client::from_address(
            ip.parse().unwrap(),
            &format!("http://{}", self.address),
            token,
        )
    }

    /// A new connection for any bytes.
    pub fn raw(&self) -> RawClient {
        RawClient::connect(self.address)
    }

    /// What it wrote into its error log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }

    fn pid_file(&self) -> Option<String> {
        let text = fs::read_to_string(self.folder.path().join("pid")).ok()?;
        (text.trim() == self.child.id().to_string()).then_some(text)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

/// A configuration around the sample that works for anybody, and keeps everything in one folder.
fn around(folder: &Path) -> String {
    let folder = folder.display();
    let mut text = format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nevents {{}}\nhttp {{\n    access_log off;\n"
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        writeln!(text, "    {kind}_temp_path {folder}/{kind};").unwrap();
    }
    // As in Debian's nginx.conf: names of files tell their type.
    text + "    types { text/html html; text/plain txt; }\n    include torvus.conf;\n}\n"
}

fn command(folder: &Path) -> Command {
    let debian = Path::new("/usr/sbin/nginx"); // not in everybody's PATH
    let program = if debian.is_file() {
        debian
    } else {
        Path::new("nginx")
    };
    let mut command = bare(program);
    command
        .arg("-p")
        .arg(folder)
        .args(["-c", "nginx.conf", "-e", "error.log"]);
    command
}
