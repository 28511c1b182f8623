//! `torvus-admin audit`.

mod export;
mod filters;
mod key;
mod prune;
mod show;
mod verify;

use torvus_audit::AuditFilter;
use torvus_audit::Cursor;
use torvus_storage::Store;
use torvus_storage::audit::{self as rows, Entry};

use crate::cli::Audit;
use crate::context::Context;
use crate::failure::Failure;

pub(crate) use verify::no_server_writes;

/// How many records are read at once: what a command holds in memory.
const PAGE: u32 = 2_000;

pub(super) fn run(context: &Context, command: &Audit) -> Result<(), Failure> {
    match command {
        Audit::List(filters) => show::list(context, filters),
        Audit::Tail { follow, filters } => show::tail(context, filters, *follow),
        Audit::Export { format, filters } => export::run(context, *format, filters),
        Audit::Verify {
            checkpoint,
            export,
            public_key,
        } => verify::run(
            context,
            checkpoint.as_deref(),
            export.as_deref(),
            public_key.as_deref(),
        ),
        Audit::Checkpoint { out } => verify::checkpoint(context, out.as_deref()),
        Audit::Prune { before, dry_run } => prune::run(context, before, *dry_run),
    }
}

/// Hands over each record that is wanted, a page at a time.
pub(super) fn each(
    store: &Store,
    mut filter: AuditFilter,
    mut take: impl FnMut(&Entry) -> std::io::Result<()>,
) -> Result<std::io::Result<()>, Failure> {
    let mut left = filter.limit.unwrap_or(u32::MAX);
    while left > 0 {
        let asked = left.min(PAGE);
        filter.limit = Some(asked);
        let page = store.read(|c| rows::list(c, &filter))?;
        for entry in &page {
            if let Err(error) = take(entry) {
                return Ok(Err(error));
            }
        }
        let got = u32::try_from(page.len()).unwrap_or(u32::MAX);
        match page.last() {
            Some(last) if got >= asked => {
                filter.behind = Some(Cursor {
                    at: last.record.at,
                    id: last.record.id,
                })
            }
            _ => break,
        }
        left -= asked;
    }
    Ok(Ok(()))
}
