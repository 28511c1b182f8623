//! `torvus-admin audit`.

mod checkpoint;
mod export;
mod filters;
mod key;
mod prune;
mod show;
mod verify;

use crate::cli::Audit;
use crate::context::Context;
use crate::failure::Failure;

pub(crate) use verify::no_server_writes;

pub(super) fn run(context: &Context, command: &Audit) -> Result<(), Failure> {
    match command {
        Audit::List(filters) => show::list(context, filters),
        Audit::Tail { follow, filters } => show::tail(context, filters, *follow),
        Audit::Export { format, filters } => export::run(context, *format, filters),
        Audit::Verify {
            checkpoint,
            export,
            public_key,
        } => verify::run(context, checkpoint, export.as_deref(), public_key),
        Audit::Checkpoint { out, new_key } => checkpoint::run(context, out.as_deref(), *new_key),
        Audit::Prune { before, dry_run } => prune::run(context, before, *dry_run),
    }
}
