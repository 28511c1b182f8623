//! Keys that others have seen: whose they are, and their end.

use torvus_domain::{ApiKey, KeySnapshot, KeyState, Timestamp};
use torvus_key_core::{ApiKeyToken, KeyDigest, PepperRing};
use torvus_storage::{StorageError, Store, keys as rows};

use crate::change::Running;
use crate::keys::{self, Revoked};
use crate::{Actor, KeyringError};

/// The reason that is kept with a key that was revoked because it leaked.
pub const REASON: &str = "leaked";

/// How many keys are revoked at once: where one has to wait, the others go on.
const AT_ONCE: usize = 8;

/// What became of a key that leaked.
#[derive(Debug)]
pub enum Leaked {
    /// It is well-formed, but none of ours.
    Unknown,
    /// It was revoked before, or replaced by a rotation whose grace is over:
    /// there was nothing to do.
    Dead(ApiKey),
    /// It is revoked now. One that had expired is, too: its end could be moved.
    Revoked(Revoked),
}

/// The key that this text opens, if it is one of ours; dead ones too.
///
/// # Errors
/// Those of the database.
pub fn find(
    store: &Store,
    peppers: &PepperRing,
    token: &ApiKeyToken,
) -> Result<Option<KeySnapshot>, StorageError> {
    let digests: Vec<KeyDigest> = peppers.digests(token).map(|(_, digest)| digest).collect();
    store.read(|c| rows::snapshot_by_digests(c, &digests))
}

/// What the text is good for at `now`: one that a rotation replaced expires
/// with its grace, however long its key lives.
#[must_use]
pub fn state(found: &KeySnapshot, now: Timestamp) -> KeyState {
    match found.key.state(now) {
        KeyState::Active if replaced(found, now) => KeyState::Expired,
        state => state,
    }
}

/// Whether there is nothing left to revoke. A text whose grace is over lets
/// nobody in, and its key's other one did not leak.
#[must_use]
pub fn is_dead(found: &KeySnapshot, now: Timestamp) -> bool {
    found.key.revoked_at.is_some() || replaced(found, now)
}

fn replaced(found: &KeySnapshot, now: Timestamp) -> bool {
    found.secret.ended(now)
}

/// Revokes keys that leaked, with [`REASON`]: what became of each, in the order
/// they were given in. One that fails does not stop the others.
#[must_use]
pub fn revoke(
    store: &Store,
    peppers: &PepperRing,
    tokens: &[&ApiKeyToken],
    actor: &Actor,
    now: Timestamp,
) -> Vec<Result<Leaked, KeyringError>> {
    let clock = Running::from(now);
    let each = |first: usize| {
        let own = tokens.iter().enumerate().skip(first).step_by(AT_ONCE);
        own.map(|(place, token)| (place, end(store, peppers, token, actor, clock.now())))
            .collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, Result<Leaked, KeyringError>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE.min(tokens.len()))
            .map(|first| scope.spawn(move || each(first)))
            .collect();
        let ended = workers.into_iter().map(|worker| worker.join());
        ended
            .flat_map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

fn end(
    store: &Store,
    peppers: &PepperRing,
    token: &ApiKeyToken,
    actor: &Actor,
    now: Timestamp,
) -> Result<Leaked, KeyringError> {
    let Some(found) = find(store, peppers, token)? else {
        return Ok(Leaked::Unknown);
    };
    if is_dead(&found, now) {
        return Ok(Leaked::Dead(found.key));
    }
    keys::revoke(store, found.key.id, Some(REASON), actor, now).map(Leaked::Revoked)
}
