//! Waiting for a sign that a database may have changed.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

use crate::StoreUrl;

/// How often to look where there is no sign to wait for: libpq has one only for
/// who reads its socket, and some file systems have none.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How often to look after a sign.
const LOOK_SOON: Duration = Duration::from_millis(1);
/// How long after a sign to look often. SQLite writes its log, waits for the
/// disk, and only then lets others see it, without another sign.
const ALERT: Duration = Duration::from_millis(100);

/// Waits between two looks at a database: not at all right after something was
/// written to its file, long while nothing is.
pub(crate) struct Stir {
    files: Option<OwnedFd>,
    alert_until: Option<Instant>,
}

impl Stir {
    pub(crate) fn new(url: &StoreUrl) -> Self {
        let files = match url {
            StoreUrl::Sqlite(file) => watch(file).ok(),
            StoreUrl::Postgres(_) => None,
        };
        Self {
            files,
            alert_until: None,
        }
    }

    /// Waits until it is worth looking, but not for longer than that.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long to wait is no question of what time it is; where there is an event, it is waited for"
    )]
    pub(crate) fn pause(&mut self, at_most: Duration) {
        let Some(files) = &self.files else {
            return std::thread::sleep(at_most.min(LOOK_EVERY));
        };
        let alert = self.alert_until.is_some_and(|until| Instant::now() < until);
        let patience = if alert { LOOK_SOON } else { at_most };
        match written(files, patience.min(at_most)) {
            Ok(true) => {
                self.alert_until = Some(Instant::now() + ALERT);
                // One change is many writes, and as many signs.
                std::thread::sleep(LOOK_SOON.min(at_most));
            }
            Ok(false) => {}
            Err(_) => self.files = None,
        }
    }
}

/// Watches the folder: the log of a file comes and goes.
fn watch(file: &Path) -> Result<OwnedFd, Errno> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let files = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    inotify::add_watch(
        &files,
        folder.unwrap_or_else(|| Path::new(".")),
        WatchFlags::MODIFY,
    )?;
    Ok(files)
}

/// Whether something was written before the time was up.
fn written(files: &OwnedFd, at_most: Duration) -> Result<bool, Errno> {
    let timeout = Timespec::try_from(at_most).map_err(|_| Errno::INVAL)?;
    let mut waiting = [PollFd::new(files, PollFlags::IN)];
    match poll(&mut waiting, Some(&timeout)) {
        Ok(0) | Err(Errno::INTR) => return Ok(false),
        Ok(_) => {}
        Err(error) => return Err(error),
    }
    let mut space = [MaybeUninit::<u8>::uninit(); 4_096];
    let mut signs = inotify::Reader::new(files, &mut space);
    loop {
        match signs.next() {
            Ok(_) => {}
            Err(Errno::AGAIN) => return Ok(true),
            Err(error) => return Err(error),
        }
    }
}
