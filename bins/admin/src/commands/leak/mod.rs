//! `torvus-admin leak`.

mod revoke;
mod scan;

use crate::cli::Leak;
use crate::context::Context;
use crate::failure::Failure;

pub(super) fn run(context: &Context, command: &Leak) -> Result<(), Failure> {
    match command {
        Leak::Scan {
            paths,
            all_places,
            fail,
        } => scan::run(context, paths, *all_places, *fail),
        Leak::Revoke { file, dry_run } => revoke::run(context, file, *dry_run),
    }
}

/// The failure of a search that could not read everything.
fn unread(count: u64) -> Result<(), Failure> {
    match count {
        0 => Ok(()),
        1 => Err(Failure::failed("a file could not be read: see above")),
        _ => Err(Failure::failed(format!(
            "{count} files could not be read: see above"
        ))),
    }
}
