//! A migrated SQLite file, made once for each test process and copied for each test.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::programs::{admin_binary, bare, run_to_end};

/// Makes the data directory, with a copy of the template in it.
pub(crate) fn copy_to(data_dir: &Path) {
    static TEMPLATE: OnceLock<TempDir> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        migrate("TORVUS_DATA_DIR", folder.path().to_str().unwrap());
        folder
    });
    std::fs::DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(data_dir)
        .unwrap();
    std::fs::copy(
        template.path().join("torvus.db"),
        data_dir.join("torvus.db"),
    )
    .unwrap();
}

/// Runs the migrations on what a setting names.
pub(crate) fn migrate(setting: &str, value: &str) {
    let mut command = bare(&admin_binary());
    let ended = run_to_end(command.args(["migrate", "run"]).env(setting, value));
    assert!(ended.status.success(), "{ended:?}");
}
