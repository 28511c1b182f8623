//! Changes that hold on every server at once (`docs/adr/0010-leases.md`).

use torvus_domain::{Change, Timestamp};
use torvus_storage::leases::{self, Settled};
use torvus_storage::{Conn, StorageError, Store};

/// How often a change is announced anew that was taken for dead before it was
/// made. Once is a machine that slept.
const ATTEMPTS: usize = 3;

/// Makes a change in one transaction, once no server remembers what it
/// concerns. So all servers see it at the same instant, that of its commit,
/// and none lets in by what was true before.
pub(crate) fn everywhere<T>(
    store: &Store,
    concerns: Change,
    now: Timestamp,
    mut work: impl FnMut(&mut Conn) -> Result<T, StorageError>,
) -> Result<(T, Settled), StorageError> {
    for _ in 0..ATTEMPTS {
        let epoch = store.write(|c| leases::announce(c, concerns, now))?;
        let settled = leases::settle(store, epoch);
        let made = store.write(|c| {
            if leases::conclude(c, epoch)? {
                work(c).map(Some)
            } else {
                Ok(None)
            }
        });
        match made {
            Ok(Some(value)) => return Ok((value, settled)),
            Ok(None) => {}
            Err(error) => {
                // Until somebody else ends it, servers only read more often.
                if let Err(second) = store.write(|c| leases::conclude(c, epoch)) {
                    tracing::warn!(%second, "a change that failed is still announced");
                }
                return Err(error);
            }
        }
    }
    Err(StorageError::Unavailable(
        "the change took too long, and was not made".to_owned(),
    ))
}
