//! Tries to sign in: how many are left, for whom and from where.
//!
//! Each bucket holds so many tries and fills again evenly. What is stored is
//! when it will be full, as for the limits of keys.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use torvus_domain::Timestamp;

use crate::columns::{instant, micros};
use crate::conn::{AnyConn, each};
use crate::schema::sign_in_tries::dsl;
use crate::{Conn, StorageError};

const TABLE: &str = "sign_in_tries";
/// How often it is recorded that the same bucket is empty.
const NOTED_EVERY: TimeDelta = TimeDelta::hours(1);

/// A bucket of tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Which one: a digest of what it counts for.
    pub name: [u8; 32],
    /// How many it holds.
    pub holds: i32,
    /// How long it takes until one more is there.
    pub every: TimeDelta,
}

/// Whether a try may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It may: one was taken from each bucket.
    Yes,
    /// Not yet: a bucket is empty, and nothing was taken.
    Wait {
        /// How long.
        wait: TimeDelta,
        /// Whether that has not been recorded lately; the caller is to do it.
        worth_noting: bool,
    },
}

/// Takes one try from each bucket, or none. In a write transaction.
///
/// # Errors
///
/// Those of the database.
pub fn take(c: &mut Conn, buckets: &[Bucket], now: Timestamp) -> Result<Taken, StorageError> {
    lock(c)?;
    let mut after = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        let (whole_at, noted_at) = find(c, bucket)?;
        let next = whole_at.max(now) + bucket.every;
        let wait = next - now - bucket.every * bucket.holds;
        if wait > TimeDelta::zero() {
            let worth_noting = noted_at.is_none_or(|at| now - at >= NOTED_EVERY);
            if worth_noting {
                put(c, bucket, whole_at, Some(now))?;
            }
            return Ok(Taken::Wait { wait, worth_noting });
        }
        after.push((bucket, next, noted_at));
    }
    for (bucket, whole_at, noted_at) in after {
        put(c, bucket, whole_at, noted_at)?;
    }
    Ok(Taken::Yes)
}

/// Gives back what was taken for a try that was a good one.
///
/// # Errors
///
/// Those of the database.
pub fn give_back(c: &mut Conn, buckets: &[Bucket]) -> Result<(), StorageError> {
    lock(c)?;
    for bucket in buckets {
        let (whole_at, noted_at) = find(c, bucket)?;
        put(c, bucket, whole_at - bucket.every, noted_at)?;
    }
    Ok(())
}

/// Forgets the buckets that are full.
///
/// # Errors
///
/// Those of the database.
pub fn prune(c: &mut Conn, now: Timestamp) -> Result<usize, StorageError> {
    Ok(diesel::delete(dsl::sign_in_tries)
        .filter(dsl::whole_at.le(micros(now)))
        .execute(&mut c.0)?)
}

fn find(c: &mut Conn, bucket: &Bucket) -> Result<(Timestamp, Option<Timestamp>), StorageError> {
    let row: Option<(i64, Option<i64>)> = dsl::sign_in_tries
        .find(bucket.name.as_slice())
        .select((dsl::whole_at, dsl::noted_at))
        .get_result(&mut c.0)
        .optional()?;
    let (whole_at, noted_at) = row.unwrap_or_default();
    let noted_at = noted_at.map(|at| instant(TABLE, at)).transpose()?;
    Ok((instant(TABLE, whole_at)?, noted_at))
}

fn put(
    c: &mut Conn,
    bucket: &Bucket,
    whole_at: Timestamp,
    noted_at: Option<Timestamp>,
) -> Result<(), StorageError> {
    let values = (
        dsl::whole_at.eq(micros(whole_at)),
        dsl::noted_at.eq(noted_at.map(micros)),
    );
    each!(c, conn => diesel::insert_into(dsl::sign_in_tries)
        .values((dsl::bucket.eq(bucket.name.as_slice()), values))
        .on_conflict(dsl::bucket)
        .do_update()
        .set(values)
        .execute(conn))?;
    Ok(())
}

/// One at a time until the transaction ends. SQLite has one writer, so there it
/// is so already.
fn lock(c: &mut Conn) -> Result<(), StorageError> {
    if let AnyConn::Postgres(pg) = &mut c.0 {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
            .bind::<BigInt, _>(0x746f_7276_7472)
            .execute(pg)?;
    }
    Ok(())
}
