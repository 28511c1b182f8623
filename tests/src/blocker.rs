//! A disk that is full, for one process.

use std::process::Command;

/// A server can't write to any file while this lives: what it tries is as if there were no room.
#[derive(Debug)]
pub struct Blocker {
    pid: u32,
}

impl Blocker {
    pub(crate) fn of(pid: u32) -> Self {
        limit(pid, "1:");
        Self { pid }
    }
}

impl Drop for Blocker {
    fn drop(&mut self) {
        limit(self.pid, "unlimited:");
    }
}

/// Sets how long a file of the process may become (util-linux's prlimit; the hard limit stays).
fn limit(pid: u32, bytes: &str) {
    let status = Command::new("prlimit")
        .args([&format!("--pid={pid}"), &format!("--fsize={bytes}")])
        .status()
        .unwrap();
    assert!(status.success(), "prlimit --fsize={bytes}: {status}");
}
