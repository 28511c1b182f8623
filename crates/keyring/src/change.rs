//! How a change is made: in one transaction, and on every server at the same
//! instant (`docs/adr/0010-leases.md`).

use std::time::Instant;

use chrono::TimeDelta;
use torvus_domain::{Account, ApiKey, Change, KeyId, Timestamp};
use torvus_storage::leases::{self, Settled};
use torvus_storage::{Conn, StorageError, Store, keys, rehearse};

use crate::KeyringError;

/// How often a change is announced anew that was taken for dead before it was
/// made. Once is a machine that slept.
const ATTEMPTS: usize = 3;

/// The caller's time, which goes on while others are waited for.
#[derive(Clone, Copy)]
pub(crate) struct Running {
    at: Timestamp,
    since: Instant,
}

#[expect(
    clippy::disallowed_methods,
    reason = "how much time has passed since the caller read the clock"
)]
impl Running {
    pub(crate) fn from(at: Timestamp) -> Self {
        Self {
            at,
            since: Instant::now(),
        }
    }

    /// In whole microseconds, as it is stored.
    pub(crate) fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.at
            .checked_add_signed(TimeDelta::microseconds(passed))
            .unwrap_or(self.at)
    }
}

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

/// Makes a change in one transaction, once no server remembers what it
/// concerns. So all servers see it at the same instant, that of its commit,
/// and none lets in by what was true before.
///
/// `work` is given the time, and says whether it has changed anything. It is
/// rehearsed first, and what it wrote then is taken back: what is refused, or
/// is so already, is not announced. The time is that of the change, not of the
/// call: nothing may have been let in after it.
pub(crate) fn everywhere<T>(
    store: &Store,
    concerns: Change,
    now: Timestamp,
    mut work: impl FnMut(&mut Conn, Timestamp) -> Result<(T, bool), KeyringError>,
) -> Result<(T, bool, Settled), KeyringError> {
    let clock = Running::from(now);
    let _claim = store.claim();
    for _ in 0..ATTEMPTS {
        let announced = in_one_transaction(store, |c| {
            let (value, changes) = rehearse(c, |c| work(c, clock.now()))?;
            if !changes {
                return Ok(Err(value));
            }
            Ok(Ok(leases::announce(c, concerns, clock.now())?))
        })?;
        let epoch = match announced {
            Ok(epoch) => epoch,
            Err(unchanged) => return Ok((unchanged, false, Settled::default())),
        };
        let settled = leases::settle(store, epoch);
        let made = in_one_transaction(store, |c| {
            if leases::conclude(c, epoch)? {
                work(c, clock.now()).map(Some)
            } else {
                Ok(None)
            }
        });
        match made {
            Ok(Some((value, changed))) => return Ok((value, changed, settled)),
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
    let slow = "the change took too long, and was not made".to_owned();
    Err(StorageError::Unavailable(slow).into())
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

/// Changes a key, [`everywhere`].
pub(crate) fn change_key<T>(
    store: &Store,
    id: KeyId,
    now: Timestamp,
    work: impl FnMut(&mut Conn, Timestamp) -> Result<(T, bool), KeyringError>,
) -> Result<(T, bool, Settled), KeyringError> {
    everywhere(store, Change::Key(id), now, work)
}

/// The key and its account, held so that nobody else changes them.
pub(crate) fn hold(c: &mut Conn, id: KeyId) -> Result<(ApiKey, Account), KeyringError> {
    keys::hold_alone(c, id)?.ok_or_else(|| KeyringError::NotFound(format!("key {id}")))
}
