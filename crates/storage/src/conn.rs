//! One connection, to either database.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;

use crate::{StorageError, StoreUrl};

pub(crate) use any::AnyConn;

#[expect(
    unreachable_pub,
    clippy::disallowed_methods,
    reason = "the derive writes public items and an `establish`; nobody calls it"
)]
mod any {
    use super::{PgConnection, SqliteConnection};

    #[derive(diesel::MultiConnection)]
    pub enum AnyConn {
        Sqlite(SqliteConnection),
        Postgres(PgConnection),
    }
}

/// A connection on which the functions of this crate run.
pub struct Conn(pub(crate) AnyConn);

/// Runs one text on the connection of either database: for what
/// `MultiConnection` can't do (`on_conflict`, inserts of many rows).
macro_rules! each {
    ($conn:expr, $c:ident => $body:expr) => {
        match &mut $conn.0 {
            $crate::conn::AnyConn::Sqlite($c) => $body,
            $crate::conn::AnyConn::Postgres($c) => $body,
        }
    };
}
pub(crate) use each;

/// Inserts many rows: on SQLite one by one, with a statement that is prepared
/// once; on PostgreSQL, where each statement is a journey, all with one.
macro_rules! each_row {
    ($conn:expr, $rows:expr, $row:ident => $statement:expr) => {
        match &mut $conn.0 {
            $crate::conn::AnyConn::Sqlite(c) => {
                enum Statement {}
                for $row in $rows {
                    let fixed = $crate::fixed::Fixed::<Statement, _>::new($statement);
                    diesel::RunQueryDsl::execute(fixed, c)?;
                }
            }
            $crate::conn::AnyConn::Postgres(c) => {
                let $row = $rows;
                diesel::RunQueryDsl::execute($statement, c)?;
            }
        }
    };
}
pub(crate) use each_row;

/// Executes a statement whose text is always the same.
macro_rules! fixed {
    ($conn:expr, $statement:expr) => {
        match &mut $conn.0 {
            $crate::conn::AnyConn::Sqlite(c) => {
                enum Statement {}
                let fixed = $crate::fixed::Fixed::<Statement, _>::new($statement);
                diesel::RunQueryDsl::execute(fixed, c)?
            }
            $crate::conn::AnyConn::Postgres(c) => diesel::RunQueryDsl::execute($statement, c)?,
        }
    };
}
pub(crate) use fixed;

/// How long an attempt to connect may take.
const CONNECT_SECONDS: u32 = 2;
const CONNECT_SECONDS_OF_COMMAND: u32 = 5;

/// How a connection is going to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Reads, or anything on PostgreSQL.
    Any,
    /// The same for somebody at the command line, who may ask for a lot.
    Command,
    /// The one connection that writes to the SQLite file. It does not wait
    /// for a lock by itself: the transaction does, in smaller steps.
    SqliteWriter,
    /// The indexer's, on SQLite. What it writes is in the journals until
    /// [`Store::sync`](crate::Store::sync), so it waits for no disk, and it
    /// touches many pages at once.
    Indexer,
    /// A server's lease. What it writes on SQLite need not survive a power
    /// cut, which ends the server as well: it waits for no disk.
    Lease,
}

/// Opens a connection to what the address names, and to nothing else.
#[expect(
    clippy::disallowed_methods,
    reason = "the scheme was read before: each backend gets only its own addresses"
)]
pub(crate) fn connect(url: &StoreUrl, purpose: Use) -> Result<Conn, StorageError> {
    use diesel::Connection as _;
    let failed = |error: &dyn std::fmt::Display| {
        StorageError::Unavailable(format!("{url}: {}", error.to_string().trim_end()))
    };
    match url {
        StoreUrl::Sqlite(_) => {
            let path = url.sqlite_file()?;
            let mut conn = SqliteConnection::establish(&path).map_err(|e| failed(&e))?;
            conn.batch_execute(
                "PRAGMA busy_timeout = 1500; PRAGMA foreign_keys = ON; \
                 PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; \
                 PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000;",
            )
            .map_err(|e| failed(&e))?;
            let more = match purpose {
                Use::Any | Use::Command => "",
                Use::SqliteWriter => "PRAGMA busy_timeout = 0;",
                // Whoever comes to the end of the log first moves it into the
                // file: that is this one, not somebody who is waited for.
                Use::Indexer => {
                    "PRAGMA busy_timeout = 0; PRAGMA synchronous = NORMAL; \
                     PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000;"
                }
                Use::Lease => "PRAGMA busy_timeout = 0; PRAGMA synchronous = NORMAL;",
            };
            conn.batch_execute(more).map_err(|e| failed(&e))?;
            Ok(Conn(AnyConn::Sqlite(conn)))
        }
        StoreUrl::Postgres(_) => {
            let mut conn = PgConnection::establish(&url.postgres_address(match purpose {
                Use::Command => CONNECT_SECONDS_OF_COMMAND,
                _ => CONNECT_SECONDS,
            }))
            .map_err(|e| failed(&e))?;
            conn.batch_execute(
                "SET statement_timeout = '2s'; SET lock_timeout = '1s'; \
                 SET idle_in_transaction_session_timeout = '10s'; \
                 SET synchronous_commit = on; SET client_min_messages = warning; \
                 SET TIME ZONE 'UTC';",
            )
            .map_err(|e| failed(&e))?;
            if purpose == Use::Command {
                conn.batch_execute("SET statement_timeout = '10min'; SET lock_timeout = '5s';")
                    .map_err(|e| failed(&e))?;
            }
            Ok(Conn(AnyConn::Postgres(conn)))
        }
    }
}

impl Conn {
    /// Whether this is a connection to PostgreSQL.
    #[must_use]
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.0, AnyConn::Postgres(_))
    }

    /// Asks the database for a sign of life.
    pub(crate) fn ping(&mut self) -> Result<(), StorageError> {
        each!(self, c => c.batch_execute("SELECT 1"))?;
        Ok(())
    }

    /// Whether a transaction was left open or broken.
    pub(crate) fn in_transaction(&mut self) -> bool {
        each!(self, c => {
            !matches!(
                AnsiTransactionManager::transaction_manager_status_mut(c).transaction_depth(),
                Ok(None)
            )
        })
    }
}
