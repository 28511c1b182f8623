//! Connections that are kept open.

use std::time::Duration;

use crate::conn::{Use, connect};
use crate::{Conn, StorageError, StoreUrl};

/// How long anyone waits for a connection.
const WAIT: Duration = Duration::from_millis(1_500);
/// How long somebody at the command line does: longer than one attempt takes.
const WAIT_OF_COMMAND: Duration = Duration::from_secs(6);
/// Readers of a SQLite file, or connections to PostgreSQL.
const CONNECTIONS: u32 = 8;

/// Makes connections for r2d2.
struct Manager {
    url: StoreUrl,
    purpose: Use,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Conn;
    type Error = StorageError;

    fn connect(&self) -> Result<Conn, StorageError> {
        connect(&self.url, self.purpose)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), StorageError> {
        if conn.is_postgres() {
            conn.ping()?;
        }
        Ok(())
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        // A panic left it in the middle of a transaction.
        conn.in_transaction()
    }
}

/// Says why there is no connection; the one who asked only learns that.
#[derive(Debug)]
struct Log;

impl r2d2::HandleError<StorageError> for Log {
    fn handle_error(&self, error: StorageError) {
        tracing::warn!(%error, "no database connection");
    }
}

type Pool = r2d2::Pool<Manager>;

/// The pools of one store: SQLite has one connection that writes.
pub(crate) struct Pools {
    readers: Pool,
    writer: Option<Pool>,
    indexer: Option<Pool>,
}

fn pool(url: &StoreUrl, purpose: Use, size: u32) -> Pool {
    r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(0))
        .connection_timeout(match purpose {
            Use::Command => WAIT_OF_COMMAND,
            _ => WAIT,
        })
        .error_handler(Box::new(Log))
        .build_unchecked(Manager {
            url: url.clone(),
            purpose,
        })
}

impl Pools {
    /// Opens nothing yet.
    pub(crate) fn new(url: &StoreUrl, purpose: Use) -> Self {
        let single = |purpose| matches!(url, StoreUrl::Sqlite(_)).then(|| pool(url, purpose, 1));
        Self {
            readers: pool(url, purpose, CONNECTIONS),
            writer: single(Use::SqliteWriter),
            indexer: single(Use::Indexer),
        }
    }

    /// Runs `work` on a connection for reads.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        work(&mut *self.readers.get().map_err(no_connection)?)
    }

    /// Runs `work` on a connection for changes.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let pool = self.writer.as_ref().unwrap_or(&self.readers);
        work(&mut *pool.get().map_err(no_connection)?)
    }

    /// Runs `work` on the connection that indexes: those who change something
    /// must not have to wait for it.
    pub(crate) fn index<T>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let pool = self.indexer.as_ref().unwrap_or(&self.readers);
        work(&mut *pool.get().map_err(no_connection)?)
    }
}

fn no_connection(error: r2d2::Error) -> StorageError {
    StorageError::Unavailable(error.to_string())
}
