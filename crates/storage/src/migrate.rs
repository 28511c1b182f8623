//! The tables, and how they come to be.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::conn::{AnyConn, each};
use crate::turn::Turn;
use crate::tx::write_tx;
use crate::{Conn, StorageError};

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// The lock under which one process at a time migrates on PostgreSQL.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7813942640171152)";

diesel::table! {
    /// What diesel's migrations note down.
    __diesel_schema_migrations (version) {
        version -> Text,
        run_on -> Timestamp,
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How the tables that are there compare with what the program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schema {
    /// There are none: all of these have to be applied.
    Empty(Vec<String>),
    /// These migrations have not been applied.
    Behind(Vec<String>),
    /// They are the same.
    Current,
    /// A newer program has been here: the tables are not to be touched.
    Newer,
}

/// Compares, and changes nothing.
pub(crate) fn schema(conn: &mut Conn) -> Result<Schema, StorageError> {
    let applied = applied(conn)?;
    let known = known(conn)?;
    if applied
        .iter()
        .any(|version| !known.iter().any(|(v, _)| v == version))
    {
        return Ok(Schema::Newer);
    }
    let missing: Vec<String> = known
        .into_iter()
        .filter(|(version, _)| !applied.contains(version))
        .map(|(_, name)| name)
        .collect();
    Ok(if missing.is_empty() {
        Schema::Current
    } else if applied.is_empty() {
        Schema::Empty(missing)
    } else {
        Schema::Behind(missing)
    })
}

/// Applies what is missing, all of it or nothing.
pub(crate) fn run(
    conn: &mut Conn,
    turn: &Turn,
    patience: Duration,
) -> Result<Vec<String>, StorageError> {
    if schema(conn)? == Schema::Current {
        return Ok(Vec::new());
    }
    write_tx(conn, turn, patience, |conn| {
        if conn.is_postgres() {
            each!(conn, c => c.batch_execute(
                "SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '1min'"
            ))?;
            each!(conn, c => c.batch_execute(LOCK))?;
        }
        // Another process may have been faster.
        if schema(conn)? == Schema::Newer {
            return Err(StorageError::Schema(
                "the database was migrated by a newer version of this program".to_owned(),
            ));
        }
        let applied = applied(conn)?;
        match &mut conn.0 {
            AnyConn::Sqlite(c) => c.run_pending_migrations(SQLITE).map(drop),
            AnyConn::Postgres(c) => c.run_pending_migrations(POSTGRES).map(drop),
        }
        .map_err(|error| failed(&error))?;
        let known = known(conn)?.into_iter();
        Ok(known
            .filter(|(version, _)| !applied.contains(version))
            .map(|(_, name)| name)
            .collect())
    })
}

fn failed(error: &BoxError) -> StorageError {
    StorageError::Schema(format!("a migration failed: {error}"))
}

/// The versions that were applied, without making the table they are in.
fn applied(conn: &mut Conn) -> Result<Vec<String>, StorageError> {
    use __diesel_schema_migrations::dsl;
    let there = if conn.is_postgres() {
        "SELECT COUNT(*) AS n FROM pg_class WHERE oid = to_regclass('__diesel_schema_migrations')"
    } else {
        "SELECT COUNT(*) AS n FROM sqlite_schema WHERE name = '__diesel_schema_migrations'"
    };
    let found: Count = each!(conn, c => diesel::sql_query(there).get_result(c))?;
    if found.n == 0 {
        return Ok(Vec::new());
    }
    Ok(dsl::__diesel_schema_migrations
        .select(dsl::version)
        .order(dsl::version)
        .load(&mut conn.0)?)
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
}

/// Version and name of what is embedded, in the order of application.
fn known(conn: &Conn) -> Result<Vec<(String, String)>, StorageError> {
    fn listed<DB: diesel::backend::Backend>(
        source: &EmbeddedMigrations,
    ) -> Result<Vec<(String, String)>, BoxError>
    where
        EmbeddedMigrations: MigrationSource<DB>,
    {
        let migrations = MigrationSource::<DB>::migrations(source)?;
        let mut known: Vec<_> = migrations
            .iter()
            .map(|m| (m.name().version().to_string(), m.name().to_string()))
            .collect();
        known.sort();
        Ok(known)
    }
    if conn.is_postgres() {
        listed::<Pg>(&POSTGRES)
    } else {
        listed::<Sqlite>(&SQLITE)
    }
    .map_err(|error| failed(&error))
}
