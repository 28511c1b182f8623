//! Browsers from which the holder of an account has signed in before.

use diesel::prelude::*;
use torvus_domain::{AccountId, Timestamp};

use crate::columns::micros;
use crate::schema::known_browsers::dsl;
use crate::{Conn, StorageError};

/// How many are kept for an account.
const KEPT: i64 = 20;

/// Whether an account's holder has signed in from the browser with this digest.
///
/// # Errors
///
/// Those of the database.
pub fn is_known(c: &mut Conn, digest: &[u8; 32], account: AccountId) -> Result<bool, StorageError> {
    let known: Option<i64> = dsl::known_browsers
        .find(digest.as_slice())
        .filter(dsl::account_id.eq(account.to_string()))
        .select(dsl::seen_at)
        .get_result(&mut c.0)
        .optional()?;
    Ok(known.is_some())
}

/// Keeps a browser; those that were used longest ago make room for it.
///
/// # Errors
///
/// Those of the database.
pub fn insert(
    c: &mut Conn,
    digest: &[u8; 32],
    account: AccountId,
    at: Timestamp,
) -> Result<(), StorageError> {
    let account = account.to_string();
    diesel::insert_into(dsl::known_browsers)
        .values((
            dsl::digest.eq(digest.as_slice()),
            dsl::account_id.eq(&account),
            dsl::seen_at.eq(micros(at)),
        ))
        .execute(&mut c.0)?;
    let surplus: Vec<Vec<u8>> = dsl::known_browsers
        .filter(dsl::account_id.eq(&account))
        .order((dsl::seen_at.desc(), dsl::digest))
        .offset(KEPT)
        .limit(i64::from(i32::MAX))
        .select(dsl::digest)
        .load(&mut c.0)?;
    diesel::delete(dsl::known_browsers)
        .filter(dsl::digest.eq_any(surplus))
        .execute(&mut c.0)?;
    Ok(())
}

/// Forgets one browser.
///
/// # Errors
///
/// Those of the database.
pub fn forget(c: &mut Conn, digest: &[u8; 32]) -> Result<(), StorageError> {
    diesel::delete(dsl::known_browsers.find(digest.as_slice())).execute(&mut c.0)?;
    Ok(())
}

/// Forgets all browsers of an account.
///
/// # Errors
///
/// Those of the database.
pub fn forget_all(c: &mut Conn, account: AccountId) -> Result<(), StorageError> {
    diesel::delete(dsl::known_browsers)
        .filter(dsl::account_id.eq(account.to_string()))
        .execute(&mut c.0)?;
    Ok(())
}

/// Forgets all browsers of an account but one.
///
/// # Errors
///
/// Those of the database.
pub fn forget_others(
    c: &mut Conn,
    account: AccountId,
    kept: Option<&[u8; 32]>,
) -> Result<(), StorageError> {
    let kept = kept.map(<[u8; 32]>::as_slice).unwrap_or_default();
    diesel::delete(dsl::known_browsers)
        .filter(dsl::account_id.eq(account.to_string()))
        .filter(dsl::digest.ne(kept))
        .execute(&mut c.0)?;
    Ok(())
}

/// Forgets those that were not used since an instant.
///
/// # Errors
///
/// Those of the database.
pub fn prune(c: &mut Conn, before: Timestamp) -> Result<usize, StorageError> {
    Ok(diesel::delete(dsl::known_browsers)
        .filter(dsl::seen_at.lt(micros(before)))
        .execute(&mut c.0)?)
}
