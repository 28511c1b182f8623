//! Digests on their way to the current pepper.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use diesel::prelude::*;
use torvus_key_core::{Candidate, KeyDigest, PepperVersion};

use crate::schema::key_secrets;
use crate::{Conn, StorageError, Store};

/// How many wait at most; whoever finds no room asks again at its next use.
const WAITING_MAX: usize = 10_000;
/// How many are written at once.
const BATCH: usize = 500;
/// How long nothing is tried after a write that failed.
const PAUSE: Duration = Duration::from_secs(5);

/// What waits to be moved, each digest once however often it is used.
#[derive(Default)]
pub(crate) struct Renewals(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    moves: HashMap<KeyDigest, (PepperVersion, KeyDigest)>,
    /// Somebody is at work on them.
    working: bool,
}

impl Renewals {
    /// True where whoever asks has to do the work.
    fn add(&self, candidate: &Candidate) -> bool {
        let Some(renewed) = candidate.renewed.clone() else {
            return false;
        };
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.moves.len() < WAITING_MAX {
            waiting.moves.insert(candidate.digest.clone(), renewed);
        }
        !std::mem::replace(&mut waiting.working, true)
    }

    /// Some of those that wait; where there are none, the work is over.
    fn take(&self) -> Vec<Move> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let some: Vec<KeyDigest> = waiting.moves.keys().take(BATCH).cloned().collect();
        waiting.working = !some.is_empty();
        some.into_iter()
            .filter_map(|from| {
                let (version, to) = waiting.moves.remove(&from)?;
                Some(Move { from, version, to })
            })
            .collect()
    }
}

struct Move {
    from: KeyDigest,
    version: PepperVersion,
    to: KeyDigest,
}

/// Has a secret that was found under an older pepper moved to the current one.
/// Nobody waits for it, and nobody is told where it fails: the secret is found
/// as before, and is tried again when it is next used.
pub(crate) fn ask(store: &Store, candidate: &Candidate) {
    if !store.renewals().add(candidate) {
        return;
    }
    let store = store.clone();
    // At its end the task is dropped with what waits; that is asked for again.
    drop(tokio::spawn(async move {
        loop {
            let moves = store.renewals().take();
            if moves.is_empty() {
                return;
            }
            if let Err(error) = store.run_write(move |c| apply(c, &moves)).await {
                tracing::warn!(%error, "digests could not be moved to the current pepper");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }));
}

/// Where somebody else was faster, there is nothing left to move.
fn apply(c: &mut Conn, moves: &[Move]) -> Result<(), StorageError> {
    for Move { from, version, to } in moves {
        let row = key_secrets::table.find(from.as_bytes().as_slice());
        diesel::update(row)
            .set((
                key_secrets::digest.eq(to.as_bytes().as_slice()),
                key_secrets::pepper_version.eq(i64::from(version.get())),
            ))
            .execute(&mut c.0)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(n: u8) -> Candidate {
        Candidate {
            digest: KeyDigest::from_bytes([n; 32]),
            renewed: Some((
                PepperVersion::new(2).unwrap(),
                KeyDigest::from_bytes([n | 0x80; 32]),
            )),
        }
    }

    #[test]
    fn one_works_and_each_digest_is_moved_once() {
        let renewals = Renewals::default();
        assert!(!renewals.add(&Candidate {
            renewed: None,
            ..candidate(1)
        }));
        assert!(renewals.add(&candidate(1)));
        assert!(!renewals.add(&candidate(1)) && !renewals.add(&candidate(2)));
        assert_eq!(renewals.take().len(), 2);
        assert!(!renewals.add(&candidate(3)), "still at work");
        assert_eq!(renewals.take().len(), 1);
        assert!(renewals.take().is_empty());
        assert!(renewals.add(&candidate(1)), "the work was over");
    }
}
