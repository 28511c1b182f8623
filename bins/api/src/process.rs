//! What the process keeps from others on the same machine.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, setrlimit, umask};

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
