//! A key is revoked.

use serde_json::json;
use torvus_domain::{ApiKey, KeyId, Timestamp};
use torvus_storage::leases::Settled;
use torvus_storage::{Conn, StorageError, Store, audit, keys};

use crate::change::{change_key, hold};
use crate::{Actor, KeyringError, reason};

/// What a revoke did.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// The key as it is now.
    pub key: ApiKey,
    /// Who had to be waited for until it was refused everywhere.
    pub settled: Settled,
}

/// Revokes a key: from the moment this returns, it is refused everywhere, with
/// all its secrets. One that is revoked keeps its first instant and reason.
///
/// # Errors
/// [`KeyringError::NotFound`], [`KeyringError::Invalid`] for the reason.
pub fn revoke(
    store: &Store,
    id: KeyId,
    reason: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Revoked, KeyringError> {
    let (revoked, _) = revoke_where(store, id, reason, actor, now, |_, _| Ok(true))?;
    Ok(revoked)
}

/// The same, but for a key of which `still` says no by then: it is left as it
/// is. True where it was this that revoked the key.
pub(crate) fn revoke_where(
    store: &Store,
    id: KeyId,
    reason: Option<&str>,
    actor: &Actor,
    now: Timestamp,
    mut still: impl FnMut(&mut Conn, Timestamp) -> Result<bool, StorageError>,
) -> Result<(Revoked, bool), KeyringError> {
    let reason = reason::kept(reason)?;
    let (key, revoked, settled) = change_key(store, id, now, |c, now| {
        let (before, _) = hold(c, id)?;
        if !still(c, now)? || !keys::revoke(c, id, now, reason.as_deref())? {
            return Ok((before, false));
        }
        let detail = json!({
            "before": { "state": before.state(now).as_str() },
            "after": { "state": "revoked" },
            "reason": reason,
        });
        audit::append(c, &[actor.on_key("key.revoke", &before, detail, now)])?;
        let (key, _) = hold(c, id)?;
        Ok((key, true))
    })?;
    Ok((Revoked { key, settled }, revoked))
}
