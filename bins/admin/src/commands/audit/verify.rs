//! `torvus-admin audit verify`.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use rustix::fs::{FlockOperation, flock};
use serde_json::json;
use torvus_audit::jsonl::Line;
use torvus_audit::verify::{Fault, Kept, Verifier, Wrong};
use torvus_audit::{Checkpoint, Hash, Head, PublicKey, Tombstone};
use torvus_domain::ChainId;
use torvus_storage::audit::{self as rows, RawEntry};
use torvus_storage::chains::{self, Pruned};
use torvus_storage::indexing::{self, IndexError};
use torvus_storage::proofs::{self, Kind, Proof};
use torvus_storage::{StorageError, Store};

use super::key;
use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;

/// Rows that are read at once while others are verified.
const PAGE: u32 = 5_000;
/// Pages that wait to be verified.
const AHEAD: usize = 4;

pub(super) fn run(
    context: &Context,
    checkpoints: &[PathBuf],
    export: Option<&Path>,
    public_keys: &[String],
) -> Result<(), Failure> {
    let trusted = key::trusted(context, public_keys)?;
    let mut verifier = Verifier::new();
    let read = |path: &PathBuf| read_checkpoint(path, &trusted);
    let mut checkpoints = checkpoints
        .iter()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?;
    checkpoints.sort_by_key(|checkpoint| checkpoint.at);
    for checkpoint in &checkpoints {
        verifier.hold_against(checkpoint);
    }
    let newest = checkpoints.last();
    let mut notes = Vec::new();
    let (records, found_chains, faults) = match export {
        Some(path) => {
            // What was removed by then the newest one tells of.
            let pruned = newest.map_or(&[][..], |checkpoint| &checkpoint.pruned);
            let mut keys = trusted;
            keys.extend(newest.map(|checkpoint| checkpoint.public_key));
            begin(&mut verifier, pruned, &keys);
            of_export(verifier, path, &mut notes)?
        }
        None => {
            let at = context.now();
            let (store, found) = of_database(context, verifier, &trusted, &mut notes)?;
            let sound = found.2.is_empty() && notes.is_empty();
            note(&store, Kind::Verified, Proof { at, sound });
            found
        }
    };
    if newest.is_none() {
        output::note(
            "without a checkpoint that was kept elsewhere (--checkpoint) nobody can tell whether the end was cut off",
        );
    }
    told(context, records, found_chains, &faults, &notes, newest)
}

/// Reads a checkpoint, which must be signed by the key that is trusted.
fn read_checkpoint(path: &Path, trusted: &[PublicKey]) -> Result<Checkpoint, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::invalid(format!("{shown}: {error}")))?;
    let checkpoint =
        Checkpoint::read(&text).map_err(|error| Failure::invalid(format!("{shown}: {error}")))?;
    if trusted.is_empty() {
        output::note(&format!(
            "warning: nothing here says that the checkpoint's key is yours: compare {}",
            checkpoint.public_key
        ));
    } else if !trusted.contains(&checkpoint.public_key) {
        let keys: Vec<String> = trusted.iter().map(ToString::to_string).collect();
        return Err(Failure::invalid(format!(
            "{shown}: it was signed by {}, not by {}",
            checkpoint.public_key,
            keys.join(" or ")
        )));
    }
    Ok(checkpoint)
}

/// Takes note of beginnings that were removed.
fn begin(verifier: &mut Verifier, pruned: &[Tombstone], keys: &[PublicKey]) {
    for tombstone in pruned {
        let head = Head {
            seq: tombstone.seq,
            hash: tombstone.hash,
        };
        verifier.begins_behind(tombstone.chain, head);
        if !keys.iter().any(|key| tombstone.signed_by(key)) {
            verifier.add(Fault {
                chain: tombstone.chain.to_string(),
                seq: tombstone.seq,
                id: None,
                what: Wrong::Unsigned,
            });
        }
    }
}

type Outcome = (u64, usize, Vec<Fault>);

fn of_export(
    mut verifier: Verifier,
    path: &Path,
    notes: &mut Vec<String>,
) -> Result<Outcome, Failure> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| Failure::invalid(format!("{shown}: {error}"));
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path).map_err(unreadable)?);
    let mut progress = Progress::start("verified");
    let (mut text, mut number) = (Vec::new(), 0_u64);
    while reader.read_until(b'\n', &mut text).map_err(unreadable)? > 0 {
        number += 1;
        let Some(line) = std::str::from_utf8(&text).ok().and_then(Line::read) else {
            notes.push(format!(
                "{shown}: line {number} is no record: it was changed, and what follows was not looked at"
            ));
            return Ok((
                verifier.records(),
                verifier.chains(),
                verifier.faults().to_vec(),
            ));
        };
        verifier.look_at(&line.kept());
        progress.advance();
        text.clear();
    }
    progress.end();
    Ok((verifier.records(), verifier.chains(), verifier.end(None)))
}

fn of_database(
    context: &Context,
    mut verifier: Verifier,
    trusted: &[PublicKey],
    notes: &mut Vec<String>,
) -> Result<(Store, Outcome), Failure> {
    let store = context.store()?;
    let journal = context.settings.journal();
    match indexing::catch_up(&store, &journal, &|_| None) {
        Ok(indexed) if !indexed.torn.is_empty() && no_server_writes(&journal) => {
            for (name, offset) in indexed.torn {
                notes.push(format!(
                    "the journal {} ends at byte {offset} in what is no whole record: a server was \
                     stopped while it wrote, or it was changed",
                    name.path(&journal).display()
                ));
            }
        }
        Ok(_) => {}
        Err(IndexError::Storage(error)) => return Err(error.into()),
        Err(error) => notes.push(error.to_string()),
    }
    if journal.is_dir() {
        for file in indexing::damaged(&journal)? {
            notes.push(format!(
                "{} was found damaged and set aside",
                file.display()
            ));
        }
    }
    let pruned: Vec<Tombstone> = store.read(chains::pruned)?.iter().map(tombstone).collect();
    begin(&mut verifier, &pruned, trusted);
    // The ends first. What is added meanwhile is left for the next time: the
    // walk may come by before some of it is there.
    let ends = heads(&store)?;
    let behind = walk(&store, &mut verifier, &ends)?;
    let (records, chains) = (verifier.records(), verifier.chains());
    let now: HashMap<_, _> = heads(&store)?.into_iter().collect();
    for (chain, seq) in behind {
        let known = chain.parse().ok().and_then(|chain| now.get(&chain));
        let what = match known {
            Some(head) if head.seq >= seq => continue,
            Some(_) => Wrong::OutOfPlace,
            None => Wrong::UnknownChain,
        };
        let id = None;
        verifier.add(Fault {
            chain,
            seq,
            id,
            what,
        });
    }
    Ok((store, (records, chains, verifier.end(Some(&ends)))))
}

/// Tells those who read the log in the dashboard. What was found is shown here,
/// whether or not that can be written.
pub(super) fn note(store: &Store, kind: Kind, proof: Proof) {
    if let Err(error) = store.write(|c| proofs::note(c, kind, proof)) {
        output::note(&format!(
            "warning: the dashboard does not know of it: {error}"
        ));
    }
}

fn heads(store: &Store) -> Result<Vec<(ChainId, Head)>, Failure> {
    let all = store.read(chains::all)?.into_iter();
    Ok(all
        .map(|(chain, position)| (chain, position.head))
        .collect())
}

/// Whether nobody holds the lock of the journals.
pub(crate) fn no_server_writes(journal: &Path) -> bool {
    let lock = File::open(journal.join("lock"));
    lock.is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockShared).is_ok())
}

pub(super) fn tombstone(pruned: &Pruned) -> Tombstone {
    Tombstone {
        chain: pruned.chain,
        seq: pruned.head.seq,
        hash: pruned.head.hash,
        before: pruned.before,
        signature: pruned.signature,
    }
}

/// Verifies row by row up to these ends, while a second thread reads ahead.
/// Gives the last place of each chain that has rows behind its end.
fn walk(
    store: &Store,
    verifier: &mut Verifier,
    ends: &[(ChainId, Head)],
) -> Result<BTreeMap<String, u64>, Failure> {
    let named = ends
        .iter()
        .map(|(chain, head)| (chain.to_string(), head.seq));
    let ends: HashMap<String, u64> = named.collect();
    let mut behind: BTreeMap<String, u64> = BTreeMap::new();
    let mut progress = Progress::start("verified");
    let (pages, ready) = sync_channel::<Vec<RawEntry>>(AHEAD);
    let read = std::thread::scope(|scope| {
        let reader = scope.spawn(move || -> Result<(), StorageError> {
            let mut last: Option<RawEntry> = None;
            loop {
                let page = store.read(|c| rows::raw(c, last.as_ref(), PAGE))?;
                let Some(next) = page.last().cloned() else {
                    return Ok(());
                };
                // A damaged index could lead round in circles.
                if last.is_some_and(|last| (next.at, &next.id) <= (last.at, &last.id)) {
                    return Err(StorageError::Unavailable(
                        "its rows are out of order".to_owned(),
                    ));
                }
                last = Some(next);
                if pages.send(page).is_err() {
                    return Ok(());
                }
            }
        });
        for row in ready.into_iter().flatten() {
            let seq = u64::try_from(row.seq).unwrap_or(0);
            if ends.get(&row.chain).is_some_and(|end| seq <= *end) {
                look_at(verifier, &row, seq);
            } else {
                let last = behind.entry(row.chain).or_default();
                *last = seq.max(*last);
            }
            progress.advance();
        }
        reader.join()
    });
    progress.end();
    match read {
        Ok(read) => {
            read?;
            Ok(behind)
        }
        Err(_) => Err(Failure::failed("the log could not be read to its end")),
    }
}

fn look_at(verifier: &mut Verifier, row: &RawEntry, seq: u64) {
    // What can't be a place or a hash fits no record.
    let hash = <[u8; 32]>::try_from(row.hash.as_slice()).unwrap_or_default();
    verifier.look_at(&Kept {
        id: Some(&row.id),
        at: Some(row.at),
        chain: &row.chain,
        seq,
        hash: Hash::from_bytes(hash),
        line: &row.line,
    });
}

fn told(
    context: &Context,
    records: u64,
    chains: usize,
    faults: &[Fault],
    notes: &[String],
    checkpoint: Option<&Checkpoint>,
) -> Result<(), Failure> {
    let lines: Vec<String> = faults
        .iter()
        .map(ToString::to_string)
        .chain(notes.iter().cloned())
        .collect();
    if context.json {
        output::json(&json!({
            "ok": lines.is_empty(),
            "records": records,
            "chains": chains,
            "checkpoint": checkpoint.map(|c| torvus_domain::rfc3339(c.at)),
            "faults": lines,
        }))?;
    } else if lines.is_empty() {
        let held = checkpoint.map_or_else(String::new, |checkpoint| {
            format!(
                ", and nothing is missing since {}",
                torvus_domain::rfc3339(checkpoint.at)
            )
        });
        output::lines(&[format!(
            "{records} records in {chains} chains are as they were written{held}"
        )])?;
    } else {
        output::lines(&lines)?;
    }
    match lines.first() {
        None => Ok(()),
        Some(first) => Err(Failure::failed(format!(
            "the log is not as it was written: {first}"
        ))),
    }
}
