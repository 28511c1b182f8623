//! A running server: started, watched and stopped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const STARTS_WITHIN: Duration = Duration::from_secs(60);
const ENDS_WITHIN: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    child: Child,
    /// The lines of standard output up to the one that tells the address.
    pub(crate) greeting: Vec<String>,
    pub(crate) address: SocketAddr,
    lines: Mutex<Receiver<String>>,
    log: PathBuf,
}

impl Server {
    /// Starts the command and waits until it listens. Its log is appended to `log`.
    pub(crate) fn start(command: &mut Command, log: PathBuf) -> Self {
        Self::try_start(command, log).unwrap_or_else(|why| panic!("{why}"))
    }

    /// As [`Server::start`]; what it said where it did not.
    pub(crate) fn try_start(command: &mut Command, log: PathBuf) -> Result<Self, String> {
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .unwrap();
        let lines = read_lines(&mut child);

        let mut greeting = Vec::new();
        let deadline = Instant::now() + STARTS_WITHIN;
        let address = loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => match line.strip_prefix("listening on http://") {
                    Some(address) => break address.trim().parse().unwrap(),
                    None => greeting.push(line),
                },
                Err(why) => {
                    child.kill().unwrap();
                    let status = child.wait().unwrap();
                    let log = std::fs::read_to_string(&log).unwrap();
                    let why = match why {
                        RecvTimeoutError::Timeout => "took too long to start".to_owned(),
                        RecvTimeoutError::Disconnected => format!("did not start ({status})"),
                    };
                    return Err(format!("{command:?} {why}: {greeting:?}\n{log}"));
                }
            }
        };
        Ok(Self {
            child,
            greeting,
            address,
            lines: Mutex::new(lines),
            log,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// Ends it with no chance to tidy up.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn terminate(&mut self) -> Result<ExitStatus, String> {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + ENDS_WITHIN;
        loop {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                self.kill();
                return Err("it did not end after SIGTERM".to_owned());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What is wrong with how it ended and what it wrote, if anything.
    pub(crate) fn complaints(&self, ended: &Result<ExitStatus, String>) -> Vec<String> {
        let mut found = Vec::new();
        match ended {
            Ok(status) if status.success() => {}
            Ok(status) => found.push(format!("ended with {status}")),
            Err(why) => found.push(why.clone()),
        }
        let log = self.log();
        if log.contains("panicked at") {
            found.push("a panic in the log".to_owned());
        }
        if let Some(key) = key_like(&log) {
            found.push(format!("a key in the log, at byte {key}"));
        }
        let later: Vec<String> = self.lines.lock().unwrap().try_iter().collect();
        if !later.is_empty() {
            found.push(format!("more on standard output: {later:?}"));
        }
        found
    }
}

fn read_lines(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// Where in the text something stands that looks like a whole key.
pub fn key_like(text: &str) -> Option<usize> {
    ["torvus_sk_live_", "torvus_sk_test_"]
        .into_iter()
        .flat_map(|prefix| text.match_indices(prefix))
        .find(|(at, prefix)| {
            let body = &text.as_bytes()[at + prefix.len()..];
            body.len() >= 49 && body[..49].iter().all(u8::is_ascii_alphanumeric)
        })
        .map(|(at, _)| at)
}

/// Waits until something holds; fails when it does not within the time.
#[track_caller]
pub fn wait_until(within: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
