//! A real browser, which does what a script in `tests/dashboard` tells it.

use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::TestApp;
use crate::programs::{bare, run_within};

/// No script takes so long, not even on a machine that does something else.
const LONGEST_SCRIPT: Duration = Duration::from_secs(300);

impl TestApp {
    /// Runs `tests/dashboard/NAME.mjs` with this input, and the app's address as `url` in it: what it gives.
    /// The test fails where the script does, and where it can't run.
    #[track_caller]
    pub fn browse(&self, name: &str, mut input: Value) -> Value {
        input["url"] = self.url().into();
        let mut fed = tempfile::tempfile().unwrap();
        fed.write_all(input.to_string().as_bytes()).unwrap();
        fed.rewind().unwrap();

        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let script = root.join("dashboard").join(name).with_extension("mjs");
        let mut node = bare(Path::new("node"));
        node.arg(&script)
            .env("TORVUS_BROWSER", chromium())
            .env("TORVUS_BROWSER_LIBRARIES", libraries())
            // A browser's own files go with the app.
            .env("HOME", self.scratch())
            .env("TMPDIR", self.scratch())
            .current_dir(self.scratch());
        let ended = run_within(LONGEST_SCRIPT, &mut node, fed);
        assert!(
            ended.status.success(),
            "{name}: {}\n{}",
            ended.stderr,
            ended.stdout
        );
        serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{name} gave no JSON ({error}): {}", ended.stdout))
    }
}

/// Debian's Chromium.
fn chromium() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find_map(|folder| {
        let program = folder.join("chromium");
        program.is_file().then_some(program)
    });
    found.expect("chromium is missing: tests/run --only e2e installs it")
}

/// What `tests/run` installed for the scripts.
fn libraries() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let found = root.join("target/dashboard/node_modules");
    assert!(
        found.join("playwright-core").is_dir() && found.join("axe-core").is_dir(),
        "{} is missing: tests/run --only e2e installs it",
        found.display()
    );
    found
}
