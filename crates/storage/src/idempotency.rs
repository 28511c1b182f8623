//! Requests that may be sent twice and are done once: what was answered to an
//! `Idempotency-Key`, for as long as it is honoured.
//!
//! [`begin`] and [`finish`] run in the one write transaction that also makes
//! the resource: either both are there or neither.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use torvus_domain::Timestamp;

use crate::conn::AnyConn;
use crate::resources::Scope;
use crate::schema::idempotency;
use crate::{Conn, StorageError};

/// How long an answer is kept, in hours.
pub const KEPT_HOURS: i64 = 24;

/// What is known of a request at its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Nothing: it is to be done, and then [`finish`]ed or [`abandon`]ed.
    New,
    /// It was done; this was the answer.
    Replay {
        /// The status.
        status: u16,
        /// The body's bytes.
        body: Vec<u8>,
        /// The `Location` header, where there was one.
        location: Option<String>,
    },
    /// Another request has used the key.
    Mismatch,
    /// A request with this key is being done right now.
    InFlight,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = idempotency)]
struct Row {
    fingerprint: Vec<u8>,
    status: Option<i32>,
    body: Option<Vec<u8>>,
    location: Option<String>,
}

/// Looks a key up and, where it is new, takes it.
pub fn begin(
    c: &mut Conn,
    scope: Scope,
    key: &str,
    fingerprint: [u8; 32],
    now: Timestamp,
) -> Result<Begin, StorageError> {
    if !lock(c, scope, key)? {
        return Ok(Begin::InFlight);
    }
    let account = scope.account_id.to_string();
    let environment = scope.environment.as_str();
    let row = idempotency::table
        .filter(idempotency::account_id.eq(&account))
        .filter(idempotency::environment.eq(environment))
        .filter(idempotency::idempotency_key.eq(key))
        .filter(idempotency::created_at.gt(oldest(now)))
        .select(Row::as_select())
        .get_result(&mut c.0)
        .optional()?;
    match row {
        None => {
            // One that is too old would still be in the way.
            abandon(c, scope, key)?;
            diesel::insert_into(idempotency::table)
                .values((
                    idempotency::account_id.eq(&account),
                    idempotency::environment.eq(environment),
                    idempotency::idempotency_key.eq(key),
                    idempotency::fingerprint.eq(fingerprint.as_slice()),
                    idempotency::created_at.eq(now.timestamp_micros()),
                ))
                .execute(&mut c.0)?;
            Ok(Begin::New)
        }
        Some(row) if row.fingerprint != fingerprint => Ok(Begin::Mismatch),
        Some(Row { status: None, .. }) => Ok(Begin::InFlight),
        Some(row) => replay(row),
    }
}

/// Keeps the answer to a key that [`begin`] has taken.
pub fn finish(
    c: &mut Conn,
    scope: Scope,
    key: &str,
    status: u16,
    body: &[u8],
    location: Option<&str>,
) -> Result<(), StorageError> {
    diesel::update(idempotency::table)
        .filter(idempotency::account_id.eq(scope.account_id.to_string()))
        .filter(idempotency::environment.eq(scope.environment.as_str()))
        .filter(idempotency::idempotency_key.eq(key))
        .set((
            idempotency::status.eq(Some(i32::from(status))),
            idempotency::body.eq(Some(body)),
            idempotency::location.eq(location),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Gives a key back: its request was refused, so it may be tried again.
pub fn abandon(c: &mut Conn, scope: Scope, key: &str) -> Result<(), StorageError> {
    diesel::delete(idempotency::table)
        .filter(idempotency::account_id.eq(scope.account_id.to_string()))
        .filter(idempotency::environment.eq(scope.environment.as_str()))
        .filter(idempotency::idempotency_key.eq(key))
        .execute(&mut c.0)?;
    Ok(())
}

/// Deletes what was begun before an instant, and tells how many there were.
pub fn prune(c: &mut Conn, before: Timestamp) -> Result<usize, StorageError> {
    let old = idempotency::created_at.lt(before.timestamp_micros());
    Ok(diesel::delete(idempotency::table)
        .filter(old)
        .execute(&mut c.0)?)
}

fn replay(row: Row) -> Result<Begin, StorageError> {
    let status = row.status.and_then(|status| u16::try_from(status).ok());
    let (Some(status), Some(body)) = (status, row.body) else {
        return Err(StorageError::corrupt(
            "idempotency",
            "an answer without a status or body",
        ));
    };
    Ok(Begin::Replay {
        status,
        body,
        location: row.location,
    })
}

fn oldest(now: Timestamp) -> i64 {
    (now - TimeDelta::hours(KEPT_HOURS)).timestamp_micros()
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Keeps other requests with this key out until the transaction ends. SQLite
/// has one writer, so there it is so already.
fn lock(c: &mut Conn, scope: Scope, key: &str) -> Result<bool, StorageError> {
    let AnyConn::Postgres(pg) = &mut c.0 else {
        return Ok(true);
    };
    let name = format!("{}/{}/{key}", scope.account_id, scope.environment);
    let row: Locked =
        diesel::sql_query("SELECT pg_try_advisory_xact_lock(hashtextextended($1, $2)) AS locked")
            .bind::<Text, _>(name)
            .bind::<BigInt, _>(0x746f_7276)
            .get_result(pg)?;
    Ok(row.locked)
}
