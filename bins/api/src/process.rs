//! What the process keeps from others on the same machine.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

use crate::failure::Failure;

/// Files are for the owner alone, and a crash leaves no memory on the disk.
pub(crate) fn harden() -> Result<(), Failure> {
    umask(Mode::RWXG | Mode::RWXO);
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)
        .map_err(|error| Failure::new(format!("core files can't be turned off: {error}")))
}

/// Files that are kept for what is not a connection of a client.
const OTHER_FILES: u64 = 256;
/// More connections than this are not useful to one process.
const CONNECTIONS_MAX: u64 = 100_000;

/// Opens the way to as many files as the system grants, and says how many
/// connections that allows.
pub(crate) fn connections_max() -> usize {
    let granted = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: granted.maximum,
        ..granted
    };
    let files = match setrlimit(Resource::Nofile, all) {
        Ok(()) => granted.maximum,
        Err(_) => granted.current,
    };
    // None means no limit.
    let connections = files.map_or(CONNECTIONS_MAX, |files| files.saturating_sub(OTHER_FILES));
    usize::try_from(connections.clamp(1, CONNECTIONS_MAX)).unwrap_or(1)
}
