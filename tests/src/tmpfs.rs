//! A small disk that lies in memory, to be filled.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::run_to_end;

/// A mounted disk, gone when this is dropped.
pub(crate) struct Tmpfs(PathBuf);

impl Tmpfs {
    pub(crate) fn mount(folder: &Path, size: &str) -> Self {
        std::fs::create_dir(folder).unwrap();
        let options = format!("size={size},mode=0700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "torvus-test"]);
        let ended = run_to_end(mount.arg(folder));
        assert!(
            ended.status.success(),
            "a tmpfs can't be mounted (that takes root, and a machine or container that allows it): {}",
            ended.stderr
        );
        Self(folder.to_owned())
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily: whoever still has a file of it open does not hold it up.
        let ended = run_to_end(Command::new("umount").arg("--lazy").arg(&self.0));
        if !std::thread::panicking() {
            assert!(ended.status.success(), "{ended:?}");
        }
    }
}
