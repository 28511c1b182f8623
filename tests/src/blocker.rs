//! Somebody else who holds the database.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process that holds a lock while this lives.
#[derive(Debug)]
pub struct Blocker(Child);

impl Blocker {
    /// Holds the right to write to a SQLite file.
    pub(crate) fn of_sqlite(file: &Path) -> Self {
        let script = "import sqlite3, sys\n\
            db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)\n\
            db.execute('BEGIN IMMEDIATE')\n\
            print('held', flush=True)\n\
            sys.stdin.read()";
        Self::hold(Command::new("python3").args(["-c", script]).arg(file), "")
    }

    /// Starts the command, gives it `input`, and waits until it says `held`.
    pub(crate) fn hold(command: &mut Command, input: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program that holds the lock is installed: tests/run does it");
        child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let held = said.map_while(Result::ok).any(|line| line.trim() == "held");
        assert!(held, "{command:?} holds nothing");
        Self(child)
    }
}

impl Drop for Blocker {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
