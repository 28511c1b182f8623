//! The examples in `docs/clients`, run as they are printed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::programs::{bare, run_to_end};

/// The file names of the examples, one for each language.
pub const EXAMPLES: [&str; 5] = [
    "client.sh",
    "client.py",
    "client.mjs",
    "client.go",
    "client.rb",
];

/// The folder `docs/clients`.
pub fn examples_folder() -> PathBuf {
    root().join("docs/clients")
}

/// A command that runs an example, `client.py` or `keys/vault.py`. It gets nothing of this process's environment
/// but `PATH`, and `home` for a home.
pub fn example(name: &str, home: &Path) -> Command {
    let file = examples_folder().join(name);
    let mut command = match file.extension().and_then(|extension| extension.to_str()) {
        Some("sh") => bare(&file),
        Some("py") => with_argument(&library("venv/bin/python"), &file),
        Some("mjs") => {
            // Node.js looks for a module's libraries where the module lies.
            let copy = home.join("client.mjs");
            std::fs::copy(&file, &copy).unwrap();
            let libraries = home.join("node_modules");
            if !libraries.exists() {
                std::os::unix::fs::symlink(library("node_modules"), libraries).unwrap();
            }
            with_argument(Path::new("node"), &copy)
        }
        Some("go") => bare(built(&file)),
        Some("rb") => with_argument(Path::new("ruby"), &file),
        _ => panic!("{name}: how is that run?"),
    };
    // Nothing is left beside the examples.
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HOME", home)
        .current_dir(home);
    command
}

/// What `tests/run` installed for the examples: a path in `target/clients`.
pub fn library(path: &str) -> PathBuf {
    let found = root().join("target/clients").join(path);
    assert!(
        found.exists(),
        "{} is missing: tests/run --only e2e installs it",
        found.display()
    );
    found
}

fn with_argument(program: &Path, file: &Path) -> Command {
    let mut command = bare(program);
    command.arg(file);
    command
}

/// The example in Go, built once: `go run` hides the exit code.
fn built(file: &Path) -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let program = root().join("target/clients/client-go");
        let mut build = bare(Path::new("go"));
        build.args(["build", "-o"]).arg(&program).arg(file);
        let ended = run_to_end(&mut build);
        assert!(ended.status.success(), "go build: {}", ended.stderr);
        program
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
