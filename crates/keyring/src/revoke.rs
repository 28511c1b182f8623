//! A key is revoked.

use serde_json::json;
use torvus_domain::{ApiKey, Change, KeyId, Timestamp};
use torvus_storage::leases::{self, Settled};
use torvus_storage::{Store, audit, keys};

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
    let reason = reason::kept(reason)?;
    let revoked = store.write(|c| {
        let Some(before) = keys::find(c, id)? else {
            return Ok(None);
        };
        let epoch = if keys::revoke(c, id, now, reason.as_deref())? {
            let detail = json!({
                "before": { "state": before.state(now).as_str() },
                "after": { "state": "revoked" },
                "reason": reason,
            });
            audit::append(c, &[actor.on_key("key.revoke", &before, detail, now)])?;
            leases::change(c, Change::Key(id))?
        } else {
            // Somebody was faster. Theirs stands, and may not be true everywhere yet.
            leases::current(c)?
        };
        Ok(keys::find(c, id)?.map(|key| (key, epoch)))
    })?;
    let (key, epoch) = revoked.ok_or_else(|| KeyringError::NotFound(format!("key {id}")))?;
    Ok(Revoked {
        key,
        settled: leases::settle(store, epoch),
    })
}
