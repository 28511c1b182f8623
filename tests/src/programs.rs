//! The programs under test, and running one to its end.

use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const LONGEST_RUN: Duration = Duration::from_secs(60);

/// The server that was built together with this test.
pub fn api_binary() -> PathBuf {
    beside_the_test("torvus-api")
}

/// The operator's program.
pub fn admin_binary() -> PathBuf {
    beside_the_test("torvus-admin")
}

/// `target/debug/deps/answers-0123` → `target/debug/NAME`.
fn beside_the_test(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(|deps| deps.parent()).unwrap();
    let binary = folder.join(name);
    assert!(
        binary.is_file(),
        "{} is missing: run `cargo build --workspace --bins` first",
        binary.display()
    );
    binary
}

/// A command with nothing of this process's environment but what programs need to run.
pub(crate) fn bare(program: &std::path::Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("RUST_BACKTRACE", "1");
    command
}

/// How a program ended and what it wrote.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs a command to its end; one that does not end within a minute is killed, and the test fails.
pub fn run_to_end(command: &mut Command) -> Ended {
    run_fed(command, Stdio::null())
}

/// The same with a standard input.
pub fn run_fed(command: &mut Command, input: impl Into<Stdio>) -> Ended {
    run_within(LONGEST_RUN, command, input)
}

/// The same with another limit than a minute.
pub fn run_within(longest: Duration, command: &mut Command, input: impl Into<Stdio>) -> Ended {
    let out = tempfile::NamedTempFile::new().unwrap();
    let err = tempfile::NamedTempFile::new().unwrap();
    let mut child = command
        .stdin(input)
        .stdout(out.reopen().unwrap())
        .stderr(err.reopen().unwrap())
        .spawn()
        .unwrap();
    let read = |file: &tempfile::NamedTempFile| {
        String::from_utf8_lossy(&std::fs::read(file.path()).unwrap()).into_owned()
    };

    let deadline = Instant::now() + longest;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Ended {
                status,
                stdout: read(&out),
                stderr: read(&err),
            };
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!(
                "{command:?} did not end; it wrote:\n{}{}",
                read(&out),
                read(&err)
            );
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
