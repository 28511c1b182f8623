//! A key gets a new secret.

use serde_json::json;
use torvus_domain::{ApiKey, Grace, KeyId, KeyState, Secret, SecretInfo, Timestamp, rfc3339};
use torvus_key_core::{ApiKeyToken, PepperRing};
use torvus_storage::leases::Settled;
use torvus_storage::{StorageError, Store, audit, keys, secrets};

use crate::change::{change_key, hold};
use crate::rules::{current_in_use, generate};
use crate::{Actor, KeyringError, reason};

/// A key that has a new secret.
pub struct Rotated {
    /// The key: the same as before, but for its hint.
    pub key: ApiKey,
    /// The text of the new secret; shown once.
    pub token: ApiKeyToken,
    /// The number of the new secret.
    pub number: u32,
    /// The secret that was replaced.
    pub old: Secret,
    /// Who had to be waited for until the old secret's end was known everywhere.
    pub settled: Settled,
    before: ApiKey,
}

/// Gives a key a new secret. The key stays what it is: its id, permissions,
/// limit, usage and trail are one across its secrets. The old secret works to
/// the end of its grace; without one it ends with this call.
///
/// # Errors
/// [`KeyringError::NotFound`]; [`KeyringError::Conflict`] where the key was
/// revoked or has expired, where two secrets are in force already, and where
/// the pepper was retired meanwhile.
pub fn rotate(
    store: &Store,
    peppers: &PepperRing,
    id: KeyId,
    grace: Grace,
    reason: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Rotated, KeyringError> {
    let reason = reason::kept(reason)?;
    let (rotated, _, settled) = change_key(store, id, now, |c, now| {
        let (before, account) = hold(c, id)?;
        actor.may_get_secrets(&account)?;
        usable(&before, now)?;
        current_in_use(c, peppers)?;
        let known = secrets::of_key(c, &before)?;
        let (current, number) = room_for_another(&before, &known, now)?;
        let token = generate(before.environment)?;
        let ends_at = grace.end(now);
        let old = Secret {
            number: current.number,
            replaced_at: Some(now),
            ends_at: Some(ends_at),
            ended_at: grace.is_none().then_some(now),
        };
        secrets::set(c, id, &old)?;
        let (pepper, hint) = (peppers.current(), token.hint());
        secrets::insert(
            c,
            &secrets::NewSecret {
                key: id,
                number,
                digest: &token.digest(pepper),
                pepper: pepper.version(),
                hint: Some(&hint),
                created_at: now,
            },
        )?;
        let key = ApiKey {
            hint,
            ..before.clone()
        };
        keys::update(c, &key)?;
        let detail = json!({
            "before": { "secret": current.number, "key": before.hint.to_string() },
            "after": {
                "secret": number,
                "key": key.hint.to_string(),
                "old_secret_ends_at": rfc3339(ends_at),
            },
            "reason": reason,
        });
        audit::append(c, &[actor.on_key("key.rotate", &key, detail, now)])?;
        let rotated = Rotated {
            key,
            token,
            number,
            old,
            settled: Settled::default(),
            before,
        };
        Ok((rotated, true))
    })?;
    Ok(Rotated { settled, ..rotated })
}

fn usable(key: &ApiKey, now: Timestamp) -> Result<(), KeyringError> {
    let ended = |at: Option<Timestamp>| at.map(rfc3339).unwrap_or_default();
    match key.state(now) {
        KeyState::Active => Ok(()),
        KeyState::Revoked => Err(KeyringError::Conflict(format!(
            "key {} was revoked at {}, and stays so: make another one",
            key.id,
            ended(key.revoked_at)
        ))),
        KeyState::Expired => Err(KeyringError::Conflict(format!(
            "key {} expired at {}: give it another end first (`key update {} --expires …`), or make another one",
            key.id,
            ended(key.expires_at),
            key.id
        ))),
    }
}

/// The secret that is to be replaced, and the number of the next one.
fn room_for_another(
    key: &ApiKey,
    known: &[SecretInfo],
    now: Timestamp,
) -> Result<(Secret, u32), KeyringError> {
    let mut current = None;
    for SecretInfo { secret, hint, .. } in known {
        let Some(end) = secret.ends_at.filter(|_| secret.replaced_at.is_some()) else {
            current = Some(*secret);
            continue;
        };
        if !secret.ended(now) {
            let hint = hint.as_ref().map(ToString::to_string);
            return Err(KeyringError::Conflict(format!(
                "key {} has two secrets in force, and there are no more than two: the old one ({}) works until {}; \
                 end it now with `torvus-admin key grace {} now`",
                key.id,
                hint.unwrap_or_else(|| format!("number {}", secret.number)),
                rfc3339(end),
                key.id
            )));
        }
    }
    let newest = known.first().map(|newest| newest.secret.number);
    current
        .zip(newest.and_then(|newest| newest.checked_add(1)))
        .ok_or_else(|| {
            StorageError::Corrupt {
                table: "key_secrets",
                problem: format!("key {} has no secret in force", key.id),
            }
            .into()
        })
}

/// Takes a rotation back of which nobody has seen the new secret: that one
/// ends, and the one before is as it was. Where the key was rotated once more
/// meanwhile, that stays.
///
/// # Errors
/// [`KeyringError::NotFound`]; [`KeyringError::Conflict`] where somebody ended
/// the old secret meanwhile, or changed its grace: it must not come to life by
/// this, and without the new one the key would have none.
pub fn take_back(
    store: &Store,
    rotated: &Rotated,
    reason: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), KeyringError> {
    let id = rotated.key.id;
    change_key(store, id, now, |c, now| {
        let (key, _) = hold(c, id)?;
        let new = secrets::find(c, id, rotated.number)?;
        let Some(new) = new.filter(|new| new.replaced_at.is_none()) else {
            return Ok(((), false));
        };
        let left = secrets::find(c, id, rotated.old.number)?;
        if !left.is_some_and(|left| as_left(&left, &rotated.old)) {
            return Err(KeyringError::Conflict(format!(
                "the new secret of key {id} can't be handed over, and its old one was ended or given another end \
                 meanwhile: both stay as they are, and nobody has the new one; rotate the key once more"
            )));
        }
        let unseen = Secret {
            replaced_at: Some(now),
            ends_at: Some(now),
            ended_at: Some(now),
            ..new
        };
        secrets::set(c, id, &unseen)?;
        let old = Secret {
            number: rotated.old.number,
            ..Secret::FIRST
        };
        secrets::set(c, id, &old)?;
        let key = ApiKey {
            hint: rotated.before.hint.clone(),
            ..key
        };
        keys::update(c, &key)?;
        let detail = json!({
            "before": { "secret": new.number, "key": rotated.key.hint.to_string() },
            "after": { "secret": old.number, "key": key.hint.to_string() },
            "reason": reason,
        });
        audit::append(c, &[actor.on_key("key.rotate_undo", &key, detail, now)])?;
        Ok(((), true))
    })?;
    Ok(())
}

/// Whether a secret ends as the rotation said; the store counts microseconds.
fn as_left(now: &Secret, then: &Secret) -> bool {
    let ends = |secret: &Secret| {
        [secret.replaced_at, secret.ends_at, secret.ended_at]
            .map(|at| at.map(|at| at.timestamp_micros()))
    };
    ends(now) == ends(then)
}
