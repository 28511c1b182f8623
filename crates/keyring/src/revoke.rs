//! A key is revoked.

use serde_json::json;
use torvus_domain::{ApiKey, KeyId, Timestamp};
use torvus_storage::{Store, audit, keys};

use crate::{Actor, KeyringError, reason};

/// What a revoke did.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// The key as it is now.
    pub key: ApiKey,
    /// Nodes that remembered the key and have dropped it. No node remembers
    /// keys: each request reads the store, so there is nobody to wait for.
    pub acknowledged: u32,
    /// Nodes that had to be waited out.
    pub expired: u32,
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
    let reason = reason::kept(reason)?;
    let key = store.write(|c| {
        let Some(before) = keys::find(c, id)? else {
            return Ok(None);
        };
        if !keys::revoke(c, id, now, reason.as_deref())? {
            // Somebody was faster; theirs stands.
            return keys::find(c, id);
        }
        let detail = json!({
            "before": { "state": before.state(now).as_str() },
            "after": { "state": "revoked" },
            "reason": reason,
        });
        audit::append(c, &[actor.on_key("key.revoke", &before, detail, now)])?;
        keys::find(c, id)
    })?;
    key.map(|key| Revoked {
        key,
        acknowledged: 0,
        expired: 0,
    })
    .ok_or_else(|| KeyringError::NotFound(format!("key {id}")))
}
