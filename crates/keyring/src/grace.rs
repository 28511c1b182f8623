//! The grace of a replaced secret is shortened, lengthened or ended.

use serde_json::json;
use torvus_domain::{GraceEnd, KeyId, Secret, Timestamp, rfc3339};
use torvus_storage::{Store, audit, secrets};

use crate::change::{Changed, change_key, hold};
use crate::{Actor, KeyringError, reason};

/// Sets when the replaced secret of a key ends. One that has ended stays so.
///
/// # Errors
/// [`KeyringError::NotFound`]; [`KeyringError::Conflict`] where the key was
/// never rotated, or the grace is over; [`KeyringError::Invalid`] for an
/// instant that has passed or is too far away.
pub fn set_grace(
    store: &Store,
    id: KeyId,
    end: GraceEnd,
    reason: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Changed, KeyringError> {
    let reason = reason::kept(reason)?;
    let (key, changed, settled) = change_key(store, id, now, |c, now| {
        let (key, _) = hold(c, id)?;
        let known = secrets::of_key(c, &key)?.into_iter();
        let mut replaced: Vec<(Secret, Timestamp)> = known
            .filter_map(|info| Some((info.secret, info.secret.replaced_at?)))
            .collect();
        // The one that works, where there is one; otherwise the last that did.
        replaced.sort_by_key(|(secret, _)| secret.ended(now));
        let Some(&(old, replaced_at)) = replaced.first() else {
            return Err(KeyringError::Conflict(format!(
                "key {id} was never rotated: it has one secret, and that has no grace"
            )));
        };
        if old.ended(now) {
            if end == GraceEnd::Now {
                return Ok((key, false));
            }
            return Err(KeyringError::Conflict(format!(
                "the old secret of key {id} ended at {}, and stays so",
                old.ends_at.map(rfc3339).unwrap_or_default()
            )));
        }
        let ends_at = end
            .resolve(replaced_at, now)
            .map_err(|error| KeyringError::invalid("grace", error))?;
        let after = Secret {
            ends_at: Some(ends_at.unwrap_or(now)),
            ended_at: ends_at.is_none().then_some(now),
            ..old
        };
        if after == old {
            return Ok((key, false));
        }
        secrets::set(c, id, &after)?;
        let told = |secret: &Secret| json!({ "secret": secret.number, "old_secret_ends_at": secret.ends_at.map(rfc3339) });
        let detail = json!({ "before": told(&old), "after": told(&after), "reason": reason });
        audit::append(c, &[actor.on_key("key.grace", &key, detail, now)])?;
        Ok((key, true))
    })?;
    Ok(Changed {
        key,
        changed,
        settled,
    })
}
