//! Whose key signs checkpoints and prunings. It is named here so that every
//! data folder of a database signs with the same one; what is signed is
//! verified with a key that is kept elsewhere.

use diesel::prelude::*;
use torvus_domain::Timestamp;

use crate::columns::micros;
use crate::conn::each;
use crate::schema::audit_signers;
use crate::{Conn, StorageError};

/// The public half of the key that signs now, if there is one.
///
/// # Errors
///
/// Those of the database.
pub fn current(c: &mut Conn) -> Result<Option<String>, StorageError> {
    Ok(audit_signers::table
        .order((audit_signers::since.desc(), audit_signers::public_key))
        .select(audit_signers::public_key)
        .first(&mut c.0)
        .optional()?)
}

/// Notes that this key signs from now on.
///
/// # Errors
///
/// Those of the database.
pub fn note(c: &mut Conn, public_key: &str, since: Timestamp) -> Result<(), StorageError> {
    let since = audit_signers::since.eq(micros(since));
    each!(c, conn => diesel::insert_into(audit_signers::table)
        .values((audit_signers::public_key.eq(public_key), since))
        .on_conflict(audit_signers::public_key)
        .do_update()
        .set(since)
        .execute(conn))?;
    Ok(())
}
