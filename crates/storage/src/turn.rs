//! Whose turn it is to write to SQLite, which has one writer at a time and no
//! queue: who waits for it shows that with a lock on a file beside it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::StoreUrl;

/// For how long others go first who make changes of several steps.
const GIVE_WAY_MS: u32 = 20;

/// What the file is called, after the database's own name.
const SUFFIX: &str = "-turn";

/// The file by which those who wait are known to the one who indexes, in this
/// process or another.
#[derive(Clone, Debug)]
pub(crate) struct Turn(Option<PathBuf>);

/// Somebody waits for a turn, until this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting(#[expect(dead_code, reason = "holds the lock")] File);

impl Turn {
    /// That of a database; on PostgreSQL, where all can write, nobody waits.
    pub(crate) fn of(url: &StoreUrl) -> Self {
        Self(match url {
            StoreUrl::Postgres(_) => None,
            StoreUrl::Sqlite(path) => {
                let mut name = path.clone().into_os_string();
                name.push(SUFFIX);
                Some(PathBuf::from(name))
            }
        })
    }

    /// Whether there is nobody to wait for, ever.
    pub(crate) const fn is_free(&self) -> bool {
        self.0.is_none()
    }

    /// Shows that somebody waits. Where that can't be shown, they are still as
    /// patient as they are.
    pub(crate) fn wait(&self) -> Option<Waiting> {
        let file = self.open().ok()??;
        flock(&file, FlockOperation::NonBlockingLockShared).ok()?;
        Some(Waiting(file))
    }

    /// Whether somebody waits; yes where that can't be known.
    pub(crate) fn is_wanted(&self) -> bool {
        match self.open() {
            Ok(None) => false,
            Ok(Some(file)) => flock(&file, FlockOperation::NonBlockingLockExclusive).is_err(),
            Err(_) => true,
        }
    }

    /// Lets others write first, though not for ever.
    #[expect(
        clippy::disallowed_methods,
        reason = "another process may hold the lock: there is no event to wait for"
    )]
    pub(crate) fn give_way(&self) {
        for _ in 0..GIVE_WAY_MS {
            if !self.is_wanted() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn open(&self) -> io::Result<Option<File>> {
        let Some(path) = &self.0 else {
            return Ok(None);
        };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        options.open(path).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(folder.path().join("torvus.db"));
        let (mine, theirs) = (Turn::of(&url), Turn::of(&url));
        assert!(!mine.is_wanted());
        let first = theirs.wait().unwrap();
        let second = theirs.wait().unwrap();
        assert!(mine.is_wanted());
        drop(first);
        assert!(mine.is_wanted());
        drop(second);
        assert!(!mine.is_wanted());
    }

    #[test]
    fn where_nothing_can_be_shown_it_may_be_wanted() {
        let turn = Turn::of(&StoreUrl::Sqlite("/nowhere/torvus.db".into()));
        assert!(turn.wait().is_none());
        assert!(turn.is_wanted());
    }
}
