//! `torvus-admin key grace`.

use torvus_domain::GraceEnd;
use torvus_keyring::keys;

use super::found;
use super::show::Before;
use crate::context::{Context, value};
use crate::failure::Failure;
use crate::output;

pub(super) fn run(
    context: &Context,
    text: &str,
    end: &str,
    reason: Option<&str>,
) -> Result<(), Failure> {
    let end: GraceEnd = value("END", end)?;
    let store = context.store()?;
    let key = found(&store, text)?;
    let before = Before::of(context, &store, &key)?;
    if end == GraceEnd::Now {
        context.confirm(&format!(
            "End the old secret of {} ({}) at once? It can't be undone.",
            key.name, key.hint
        ))?;
    }
    let (actor, now) = (context.actor(), context.now());
    let changed = keys::set_grace(&store, key.id, end, reason, &actor, now)?;
    if !changed.changed {
        output::note("It is so already: nothing was changed.");
    }
    // What is made is made, even where the log can't be read now.
    let store = context.store_with_all_records().unwrap_or(store);
    before.print(context, &store, &changed)
}
