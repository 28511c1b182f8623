//! How a change is made.

use torvus_domain::{Account, ApiKey, Change, KeyId};
use torvus_storage::leases::{self, Settled};
use torvus_storage::{Conn, StorageError, Store, keys};

use crate::KeyringError;

/// A key that was to be changed.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The key as it is now.
    pub key: ApiKey,
    /// Whether anything is different: what was so already is not done again,
    /// nor recorded.
    pub changed: bool,
    /// Who had to be waited for until it was true everywhere.
    pub settled: Settled,
}

/// Runs a change in one transaction; where it is refused, nothing of it stays.
pub(crate) fn in_one_transaction<T>(
    store: &Store,
    work: impl FnOnce(&mut Conn) -> Result<T, KeyringError>,
) -> Result<T, KeyringError> {
    let mut refused = None;
    let done = store.write(|c| {
        work(c).map_err(|error| match error {
            KeyringError::Storage(error) => error,
            other => {
                refused = Some(other);
                StorageError::GivenUp
            }
        })
    });
    match refused {
        Some(refused) => Err(refused),
        None => Ok(done?),
    }
}

/// Changes a key, if `work` says that there is anything to change, and waits
/// until that is true on every server.
pub(crate) fn change_key<T>(
    store: &Store,
    id: KeyId,
    work: impl FnOnce(&mut Conn) -> Result<(T, bool), KeyringError>,
) -> Result<(T, bool, Settled), KeyringError> {
    let (made, changed, epoch) = in_one_transaction(store, |c| {
        let (made, changed) = work(c)?;
        let epoch = if changed {
            leases::change(c, Change::Key(id))?
        } else {
            // Whoever made it so may still be waiting for it to be true.
            leases::current(c)?
        };
        Ok((made, changed, epoch))
    })?;
    Ok((made, changed, leases::settle(store, epoch)))
}

/// The key and its account, held so that nobody else changes them.
pub(crate) fn hold(c: &mut Conn, id: KeyId) -> Result<(ApiKey, Account), KeyringError> {
    keys::hold_alone(c, id)?.ok_or_else(|| KeyringError::NotFound(format!("key {id}")))
}
