//! What handlers share: who is asking, whose a vault is, and how a failure of
//! the store is told.

use serde::Serialize;
use serde::ser::Serializer;
use torvus_domain::{Id, IdKind, KeyId, KeyState, Refusal, Timestamp, VaultId, rfc3339};
use torvus_gate::Grant;
use torvus_storage::resources::Scope;
use torvus_storage::resources::vaults::{self, Vault};
use torvus_storage::{Conn, StorageError, keys, secrets};

/// What comes out of a transaction: the store may fail, or the request may be
/// refused for what was found in it.
pub(super) type Found<T> = Result<Result<T, Refusal>, StorageError>;

/// What the key reaches.
pub(super) fn scope(grant: &Grant) -> Scope {
    Scope {
        account_id: grant.account().id,
        environment: grant.key().environment,
    }
}

/// The identifier at a place of the path. What is none names nothing.
pub(super) fn id<K: IdKind>(params: &[String], place: usize) -> Result<Id<K>, Refusal> {
    params
        .get(place)
        .and_then(|text| text.parse().ok())
        .ok_or(Refusal::NotFound)
}

/// The vault, if the key reaches it.
pub(super) fn own_vault(c: &mut Conn, scope: Scope, id: VaultId) -> Found<Vault> {
    Ok(match vaults::find_any(c, id)? {
        None => Err(Refusal::NotFound),
        Some(vault) if vault.scope.account_id != scope.account_id => Err(Refusal::NotOwner),
        Some(vault) if vault.scope != scope => Err(Refusal::NotFound),
        Some(vault) => Ok(vault),
    })
}

/// What opened the door: a key, and which of its secrets.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    key: KeyId,
    secret: u32,
}

impl Shown {
    pub(super) fn of(grant: &Grant) -> Self {
        Self {
            key: grant.key().id,
            secret: grant.secret().number,
        }
    }
}

/// The key and its secret may still be used, and stay so until the
/// transaction ends.
pub(super) fn still_good(c: &mut Conn, shown: Shown, now: Timestamp) -> Found<()> {
    // The secrets change only by whoever holds the key alone.
    let Some((key, account)) = keys::hold(c, shown.key)? else {
        return Ok(Err(Refusal::UnknownKey));
    };
    let Some(secret) = secrets::find(c, shown.key, shown.secret)? else {
        return Ok(Err(Refusal::UnknownKey));
    };
    Ok(match key.state(now) {
        KeyState::Revoked => Err(Refusal::RevokedKey),
        KeyState::Expired => Err(Refusal::ExpiredKey),
        KeyState::Active if account.suspended_at.is_some() => Err(Refusal::SuspendedAccount),
        KeyState::Active if secret.ended(now) => Err(Refusal::ExpiredKey),
        KeyState::Active => Ok(()),
    })
}

/// How a failure of the store is told. The log gets its kind and place; what
/// the database said may quote a value, so it is left out.
pub(super) fn failed(error: &StorageError) -> Refusal {
    match error {
        // The vault went away between the look and the insert.
        StorageError::Missing => Refusal::NotFound,
        StorageError::Unavailable(_) => {
            tracing::error!("the store is unavailable");
            Refusal::Unavailable
        }
        StorageError::Corrupt { table, .. } => {
            tracing::error!(table, "a row can't be read");
            Refusal::Internal
        }
        StorageError::Duplicate
        | StorageError::GivenUp
        | StorageError::Schema(_)
        | StorageError::Url(_) => {
            tracing::error!("the store refused what a handler asked of it");
            Refusal::Internal
        }
    }
}

/// Both ways to fail as one.
pub(super) fn settle<T>(found: Found<T>) -> Result<T, Refusal> {
    found.map_err(|error| failed(&error))?
}

/// Writes an instant as the contract wants it.
pub(super) fn time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

/// Writes a body that is kept with an `Idempotency-Key`.
pub(super) fn json<V: Serialize>(view: &V) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(view).map_err(|_| Refusal::Internal)
}
