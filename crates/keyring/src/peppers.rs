//! Peppers: added and retired.

use std::fmt::Display;

use serde_json::json;
use torvus_domain::{KeyId, Timestamp};
use torvus_key_core::{Pepper, PepperRing, PepperVersion, SealedSecret};
use torvus_storage::leases::{self, Settled};
use torvus_storage::peppers::{self as rows, WrongPepper};
use torvus_storage::{Conn, StorageError, Store, audit, recipes};

use crate::change::{Running, in_one_transaction};
use crate::revoke::revoke_where;
use crate::{Actor, KeyringError, second_factor};

/// Why keys are revoked with their pepper; kept with each of them.
const REASON: &str = "pepper retired";

/// A pepper of the next version, and of no version that was ever used.
///
/// # Errors
/// [`KeyringError::Failed`] where there are no random numbers or no version is
/// left, and what the store says.
pub fn next(store: &Store, ring: &PepperRing) -> Result<Pepper, KeyringError> {
    generate(store.read(rows::highest)?, ring)
}

fn generate(highest: u32, ring: &PepperRing) -> Result<Pepper, KeyringError> {
    let versions = ring.iter().map(|pepper| pepper.version().get());
    let highest = versions.fold(highest, u32::max);
    let version = highest
        .checked_add(1)
        .and_then(PepperVersion::new)
        .ok_or_else(|| KeyringError::Failed(format!("there is no version after {highest}")))?;
    Pepper::generate(version)
        .map_err(|error| KeyringError::Failed(format!("no random numbers to be had: {error}")))
}

/// Makes a new current pepper: `append` puts it where `load` finds it. One at a
/// time, and remembered by the database only once it is there. Every server has
/// read it, where it can, when this returns: a key that is used from then on
/// moves to it.
///
/// # Errors
/// [`KeyringError::Failed`] where it can't be loaded or kept, or the peppers are
/// not those of this database, and what the store says.
pub fn add<E: Display>(
    store: &Store,
    load: impl Fn() -> Result<PepperRing, E>,
    append: impl FnOnce(&PepperRing, &Pepper) -> Result<(), E>,
    actor: &Actor,
    now: Timestamp,
) -> Result<(PepperVersion, Settled), KeyringError> {
    let load = || load().map_err(|error| KeyringError::Failed(error.to_string()));
    let (version, epoch) = store.write(|c| {
        rows::hold(c)?;
        let highest = rows::highest(c)?;
        let kept = || {
            let ring = load()?;
            adopt(c, &ring)?;
            let pepper = generate(highest, &ring)?;
            append(&ring, &pepper).map_err(|error| KeyringError::Failed(error.to_string()))?;
            adopt(c, &load()?)?;
            Ok(pepper.version())
        };
        match kept() {
            Ok(version) => {
                let detail = json!({ "version": version.get() });
                audit::append(c, &[actor.on_log("pepper.add", detail, now)])?;
                Ok(Ok((version, leases::notify(c, now)?)))
            }
            Err(KeyringError::Storage(error)) => Err(error),
            Err(error) => Ok(Err(error)),
        }
    })??;
    Ok((version, leases::settle(store, epoch)))
}

fn adopt(c: &mut Conn, ring: &PepperRing) -> Result<(), KeyringError> {
    rows::adopt(c, ring)?.map_err(|wrong| match wrong {
        WrongPepper::Storage(error) => error.into(),
        wrong => KeyringError::Failed(wrong.to_string()),
    })
}

/// The keys that can't be used any more without this version.
///
/// # Errors
/// [`KeyringError::NotFound`] for a version that is not known or was retired,
/// [`KeyringError::Refused`] for the current one, and for keys that a newer
/// secret opens as well: it is for their holders to end the older one.
pub fn needing(
    store: &Store,
    ring: &PepperRing,
    version: PepperVersion,
    now: Timestamp,
) -> Result<Vec<KeyId>, KeyringError> {
    may_retire(store, ring, version, now)?;
    Ok(store.read(|c| rows::needing(c, version, now))?)
}

/// Whether this version is one that could be retired, but for keys that have no
/// other: counted, and none read.
fn may_retire(
    store: &Store,
    ring: &PepperRing,
    version: PepperVersion,
    now: Timestamp,
) -> Result<(), KeyringError> {
    let known = store.read(rows::known)?;
    if !known.iter().any(|(one, _)| *one == version) {
        return Err(KeyringError::NotFound(format!(
            "version {version} of the pepper in use"
        )));
    }
    if ring.current().version() == version {
        return Err(KeyringError::Refused(format!(
            "version {version} of the pepper is the current one: add another first"
        )));
    }
    let rotated = store.read(|c| rows::rotated(c, version, now))?;
    if rotated > 0 {
        return Err(KeyringError::Refused(format!(
            "{rotated} keys are in the grace of a rotation, and their old secret needs version \
             {version} of the pepper: wait for its end, or end it"
        )));
    }
    Ok(())
}

/// Why a version can't be retired that so many keys need.
#[must_use]
pub fn in_use(live: u64, version: PepperVersion) -> KeyringError {
    KeyringError::Refused(format!(
        "{live} live keys need version {version} of the pepper: they move to the current one \
         when they are next used, or are ended with --revoke-remaining"
    ))
}

/// Retires a version, once the keys of [`needing`] are revoked: from then on no
/// key may need it, and it may be taken out of every file.
///
/// # Errors
/// Those of [`needing`]; [`KeyringError::Refused`] where a key needs it still.
pub fn retire(
    store: &Store,
    ring: &PepperRing,
    version: PepperVersion,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), KeyringError> {
    may_retire(store, ring, version, now)?;
    let live = store.read(|c| rows::live_keys(c, version, now))?;
    if live > 0 {
        return Err(in_use(live, version));
    }
    in_one_transaction(store, |c| {
        rows::hold(c)?;
        // First, so that whoever is making a key with it is waited for, and the
        // next one is refused.
        rows::retire(c, version, now)?;
        // A server may have used it in between.
        let live = rows::live_keys(c, version, now)?;
        if live > 0 {
            return Err(in_use(live, version));
        }
        reseal(c, ring, version)?;
        let detail = json!({ "version": version.get() });
        audit::append(c, &[actor.on_log("pepper.retire", detail, now)])?;
        Ok(())
    })
}

/// What was encrypted under this version is so under the current one from now on.
fn reseal(c: &mut Conn, ring: &PepperRing, version: PepperVersion) -> Result<(), StorageError> {
    if let Some(old) = ring.get(version) {
        second_factor::reseal(c, ring, old)?;
    }
    for recipe in recipes::all(c)? {
        let (Some((used, sealed)), Some(pepper)) = (&recipe.sealed, ring.get(version)) else {
            continue;
        };
        if *used != version {
            continue;
        }
        let current = ring.current();
        let anew = sealed
            .open(recipe.id, pepper)
            .map_err(|error| error.to_string())
            .and_then(|secret| {
                SealedSecret::seal(&secret, recipe.id, current).map_err(|error| error.to_string())
            })
            .map_err(StorageError::Unavailable)?;
        recipes::reseal(c, recipe.id, current.version(), &anew)?;
    }
    Ok(())
}

/// Revokes keys whose pepper is to be retired, and says how many it were. One
/// that was used meanwhile, and so has moved to the current pepper, is left
/// alone.
///
/// # Errors
/// Those of [`keys::revoke`](crate::keys::revoke); those before it are revoked
/// then.
pub fn revoke(
    store: &Store,
    keys: &[KeyId],
    version: PepperVersion,
    actor: &Actor,
    now: Timestamp,
) -> Result<usize, KeyringError> {
    let clock = Running::from(now);
    let mut count = 0;
    for id in keys {
        let needs = |c: &mut Conn, now| rows::needs(c, *id, version, now);
        let (_, revoked) = revoke_where(store, *id, Some(REASON), actor, clock.now(), needs)?;
        count += usize::from(revoked);
    }
    Ok(count)
}
