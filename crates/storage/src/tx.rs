//! Transactions that write.

use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::Error;

use crate::conn::{AnyConn, each};
use crate::turn::Turn;
use crate::{Conn, StorageError};

/// Runs `work` in one transaction that holds the right to write from its
/// start on, and waits up to `patience` for that right on SQLite.
///
/// A commit that fails is reported as unavailable: whether it was made is
/// not known.
pub(crate) fn write_tx<T>(
    conn: &mut Conn,
    turn: &Turn,
    patience: Duration,
    work: impl FnOnce(&mut Conn) -> Result<T, StorageError>,
) -> Result<T, StorageError> {
    begin(conn, turn, patience)?;
    match work(conn) {
        Ok(value) => {
            each!(conn, c => AnsiTransactionManager::commit_transaction(c))
                .map_err(|error| StorageError::Unavailable(error.to_string()))?;
            Ok(value)
        }
        Err(error) => {
            if let Err(second) = each!(conn, c => AnsiTransactionManager::rollback_transaction(c)) {
                tracing::warn!(%second, "a transaction could not be rolled back");
            }
            Err(error)
        }
    }
}

/// Runs `work` inside a write transaction and takes back what it wrote, so as
/// to see what would come of it.
///
/// # Errors
///
/// What `work` gives, or what the database says.
pub fn rehearse<T, E: From<StorageError>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    each!(conn, c => AnsiTransactionManager::begin_transaction(c)).map_err(StorageError::from)?;
    let outcome = work(conn);
    each!(conn, c => AnsiTransactionManager::rollback_transaction(c))
        .map_err(StorageError::from)?;
    outcome
}

fn begin(conn: &mut Conn, turn: &Turn, patience: Duration) -> Result<(), StorageError> {
    match &mut conn.0 {
        AnyConn::Postgres(c) => Ok(AnsiTransactionManager::begin_transaction(c)?),
        AnyConn::Sqlite(c) => patiently(turn, patience, || {
            AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")
        }),
    }
}

/// SQLite has no queue for its lock, and its own waiting sleeps up to 100 ms
/// at a time: too long to find a short gap. So this looks every millisecond, and
/// shows that it waits.
#[expect(
    clippy::disallowed_methods,
    reason = "another process holds the lock: there is no event to wait for"
)]
fn patiently(
    turn: &Turn,
    patience: Duration,
    mut attempt: impl FnMut() -> Result<(), Error>,
) -> Result<(), StorageError> {
    let start = Instant::now();
    let mut shown = None;
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && start.elapsed() < patience => {
                shown = shown.or_else(|| turn.wait());
                std::thread::sleep(Duration::from_millis(1));
            }
            other => return Ok(other?),
        }
    }
}

fn is_busy(error: &Error) -> bool {
    // SQLite's words for SQLITE_BUSY; diesel does not hand its code on.
    matches!(error, Error::DatabaseError(_, facts) if facts.message().contains("database is locked"))
}
