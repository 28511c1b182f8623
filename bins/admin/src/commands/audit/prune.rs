//! `torvus-admin audit prune`.

use serde_json::json;
use torvus_audit::{ChainEnd, Signer, Tombstone};
use torvus_domain::{Timestamp, rfc3339};
use torvus_storage::chains::{self, Pruned};
use torvus_storage::{Conn, StorageError, audit as rows, usage_secrets};

use super::key;
use crate::context::{Context, instant};
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;

/// How many records are removed at once: others write in between.
const STEP: u32 = 5_000;

pub(super) fn run(context: &Context, before: &str, dry_run: bool) -> Result<(), Failure> {
    let before = instant("--before", Some(&before.to_owned()))?;
    let before: Timestamp = before.ok_or_else(|| Failure::invalid("--before: no instant"))?;
    if before > context.now() {
        return Err(Failure::invalid("--before lies in the future"));
    }
    let store = context.store_with_all_records()?;
    if dry_run {
        let records = store.read(|c| rows::count_before(c, before))?;
        return told(context, records, before, true);
    }
    let question = format!("Remove all records from before {}?", rfc3339(before));
    context.confirm(&question)?;
    let signer = key::find_or_make(context, &store)?;
    let (actor, now) = (context.actor(), context.now());
    store.write(|c| {
        let detail = json!({
            "before": rfc3339(before),
            "records": rows::count_before(c, before)?,
        });
        usage_secrets::remove_before(c, before)?;
        rows::append(c, &[actor.on_log("audit.prune", detail, now)])
    })?;
    let mut progress = Progress::start("removed");
    let mut removed = 0;
    while let Some(until) = store.read(|c| rows::step_before(c, before, STEP))? {
        // Each step leaves a log that can be verified.
        let some = store.write(|c| remove(c, &signer, until))?;
        (0..some).for_each(|_| progress.advance());
        removed += some;
        store.give_way();
    }
    progress.end();
    told(context, removed, before, false)
}

/// Removes what is from before an instant, and signs what that was.
fn remove(c: &mut Conn, signer: &Signer, before: Timestamp) -> Result<usize, StorageError> {
    for (chain, position) in rows::last_before(c, before)? {
        let end = ChainEnd {
            chain,
            seq: position.head.seq,
            hash: position.head.hash,
        };
        let pruned = Pruned {
            chain,
            head: position.head,
            before,
            signature: Tombstone::sign(signer, &end, before).signature,
        };
        chains::note_pruned(c, &pruned)?;
    }
    rows::remove_before(c, before)
}

fn told(
    context: &Context,
    records: usize,
    before: Timestamp,
    dry_run: bool,
) -> Result<(), Failure> {
    if context.json {
        let before = rfc3339(before);
        return output::json(&json!({ "records": records, "before": before, "dry_run": dry_run }));
    }
    let done = if dry_run {
        "would be removed"
    } else {
        "removed"
    };
    output::lines(&[format!(
        "{records} records from before {} {done}",
        rfc3339(before)
    )])
}
