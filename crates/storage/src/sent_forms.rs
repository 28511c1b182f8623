//! Forms of the dashboard that were sent: each counts once.

use diesel::prelude::*;
use torvus_domain::Timestamp;

use crate::columns::micros;
use crate::schema::sent_forms::dsl;
use crate::{Conn, StorageError};

/// Takes a form by its number; false where it was taken before.
///
/// # Errors
///
/// Those of the database.
pub fn take(c: &mut Conn, nonce: &[u8], now: Timestamp) -> Result<bool, StorageError> {
    let taken = crate::conn::each!(c, conn => diesel::insert_into(dsl::sent_forms)
        .values((dsl::nonce.eq(nonce), dsl::sent_at.eq(micros(now))))
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(taken > 0)
}

/// Forgets what was sent before an instant: such forms are too old to be taken.
///
/// # Errors
///
/// Those of the database.
pub fn prune(c: &mut Conn, before: Timestamp) -> Result<usize, StorageError> {
    Ok(diesel::delete(dsl::sent_forms)
        .filter(dsl::sent_at.lt(micros(before)))
        .execute(&mut c.0)?)
}
