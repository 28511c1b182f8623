//! `torvus-admin audit checkpoint`.

use std::path::Path;

use torvus_audit::{ChainEnd, Checkpoint};
use torvus_storage::chains::{self, Position};
use torvus_storage::proofs::{Kind, Proof};

use super::key;
use super::verify::{note, tombstone};
use crate::context::Context;
use crate::failure::Failure;
use crate::output;

/// Signs the ends of all chains.
pub(super) fn run(context: &Context, out: Option<&Path>, new_key: bool) -> Result<(), Failure> {
    let store = context.store_with_all_records()?;
    let signer = match new_key {
        true => key::replace(context, &store)?,
        false => key::find_or_make(context, &store)?,
    };
    let end = |(chain, position): (_, Position)| ChainEnd {
        chain,
        seq: position.head.seq,
        hash: position.head.hash,
    };
    let ends = store.read(chains::all)?.into_iter().map(end).collect();
    let pruned = store.read(chains::pruned)?.iter().map(tombstone).collect();
    let at = context.now();
    let checkpoint = Checkpoint::sign(&signer, at, ends, pruned);
    let value = serde_json::to_value(&checkpoint).map_err(Failure::failed)?;
    match out {
        None => output::json(&value)?,
        Some(path) => {
            output::new_file(path, &format!("{value}\n"))?;
            output::note(&format!("written to {}; keep it elsewhere", path.display()));
        }
    }
    let sound = true;
    note(&store, Kind::Checkpoint, Proof { at, sound });
    Ok(())
}
