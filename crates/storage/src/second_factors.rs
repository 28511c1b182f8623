//! One-time codes: their secrets, encrypted, and the codes for when the device
//! is lost.

use diesel::prelude::*;
use torvus_domain::{AccountId, Timestamp};
use torvus_key_core::PepperVersion;

use crate::columns::{instant, instant_opt, micros, number, read};
use crate::conn::each;
use crate::schema::recovery_codes::dsl as codes;
use crate::schema::second_factors::dsl;
use crate::{Conn, StorageError};

const TABLE: &str = "second_factors";

/// What an account's one-time codes are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// The secret, encrypted.
    pub sealed: Vec<u8>,
    /// The pepper that opens it.
    pub pepper_version: PepperVersion,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Since when a code is asked for; none while it is being set up.
    pub enabled_at: Option<Timestamp>,
}

/// The one of an account.
///
/// # Errors
///
/// Those of the database.
pub fn find(c: &mut Conn, account: AccountId) -> Result<Option<SecondFactor>, StorageError> {
    let row: Option<(Vec<u8>, i64, i64, Option<i64>)> = dsl::second_factors
        .find(account.to_string())
        .select((
            dsl::sealed,
            dsl::pepper_version,
            dsl::created_at,
            dsl::enabled_at,
        ))
        .get_result(&mut c.0)
        .optional()?;
    row.map(|(sealed, version, created_at, enabled_at)| {
        Ok(SecondFactor {
            sealed,
            pepper_version: pepper_version(version)?,
            created_at: instant(TABLE, created_at)?,
            enabled_at: instant_opt(TABLE, enabled_at)?,
        })
    })
    .transpose()
}

/// Begins to set one up, in the place of one that was begun before. One that is
/// enabled stays: then it is false.
///
/// # Errors
///
/// Those of the database.
pub fn begin(
    c: &mut Conn,
    account: AccountId,
    sealed: &[u8],
    version: PepperVersion,
    now: Timestamp,
) -> Result<bool, StorageError> {
    diesel::delete(dsl::second_factors.find(account.to_string()))
        .filter(dsl::enabled_at.is_null())
        .execute(&mut c.0)?;
    let inserted = each!(c, conn => diesel::insert_into(dsl::second_factors)
        .values((
            dsl::account_id.eq(account.to_string()),
            dsl::sealed.eq(sealed),
            dsl::pepper_version.eq(i64::from(version.get())),
            dsl::created_at.eq(micros(now)),
            dsl::last_step.eq(0_i64),
        ))
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(inserted > 0)
}

/// Enables what was begun; false where there is none.
///
/// # Errors
///
/// Those of the database.
pub fn enable(c: &mut Conn, account: AccountId, now: Timestamp) -> Result<bool, StorageError> {
    let enabled = diesel::update(dsl::second_factors.find(account.to_string()))
        .filter(dsl::enabled_at.is_null())
        .set(dsl::enabled_at.eq(Some(micros(now))))
        .execute(&mut c.0)?;
    Ok(enabled > 0)
}

/// Takes the code of a step; false where that one or a later one was taken
/// before.
///
/// # Errors
///
/// Those of the database.
pub fn take_step(c: &mut Conn, account: AccountId, step: i64) -> Result<bool, StorageError> {
    let taken = diesel::update(dsl::second_factors.find(account.to_string()))
        .filter(dsl::last_step.lt(step))
        .set(dsl::last_step.eq(step))
        .execute(&mut c.0)?;
    Ok(taken > 0)
}

/// Removes an account's second factor and its recovery codes; false where it had
/// none.
///
/// # Errors
///
/// Those of the database.
pub fn remove(c: &mut Conn, account: AccountId) -> Result<bool, StorageError> {
    set_codes(c, account, &[])?;
    let row = dsl::second_factors.find(account.to_string());
    Ok(diesel::delete(row).execute(&mut c.0)? > 0)
}

/// Those whose secret is encrypted under this version.
///
/// # Errors
///
/// Those of the database.
pub fn of_version(
    c: &mut Conn,
    version: PepperVersion,
) -> Result<Vec<(AccountId, Vec<u8>)>, StorageError> {
    let rows: Vec<(String, Vec<u8>)> = dsl::second_factors
        .filter(dsl::pepper_version.eq(i64::from(version.get())))
        .select((dsl::account_id, dsl::sealed))
        .order(dsl::account_id)
        .load(&mut c.0)?;
    rows.into_iter()
        .map(|(account, sealed)| Ok((read(TABLE, &account)?, sealed)))
        .collect()
}

/// Puts another encryption of the same secret in the place of the one there is.
///
/// # Errors
///
/// Those of the database.
pub fn reseal(
    c: &mut Conn,
    account: AccountId,
    version: PepperVersion,
    sealed: &[u8],
) -> Result<(), StorageError> {
    diesel::update(dsl::second_factors.find(account.to_string()))
        .set((
            dsl::sealed.eq(sealed),
            dsl::pepper_version.eq(i64::from(version.get())),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Gives an account these recovery codes, by their digests, and no others.
///
/// # Errors
///
/// Those of the database.
pub fn set_codes(
    c: &mut Conn,
    account: AccountId,
    digests: &[[u8; 32]],
) -> Result<(), StorageError> {
    let account = account.to_string();
    diesel::delete(codes::recovery_codes)
        .filter(codes::account_id.eq(&account))
        .execute(&mut c.0)?;
    for digest in digests {
        diesel::insert_into(codes::recovery_codes)
            .values((
                codes::digest.eq(digest.as_slice()),
                codes::account_id.eq(&account),
            ))
            .execute(&mut c.0)?;
    }
    Ok(())
}

/// Takes a recovery code; false where it is none of the account's, or was taken
/// before.
///
/// # Errors
///
/// Those of the database.
pub fn take_code(
    c: &mut Conn,
    account: AccountId,
    digest: &[u8; 32],
) -> Result<bool, StorageError> {
    let taken = diesel::delete(codes::recovery_codes.find(digest.as_slice()))
        .filter(codes::account_id.eq(account.to_string()))
        .execute(&mut c.0)?;
    Ok(taken > 0)
}

/// How many recovery codes an account has left.
///
/// # Errors
///
/// Those of the database.
pub fn codes_left(c: &mut Conn, account: AccountId) -> Result<u64, StorageError> {
    let left: i64 = codes::recovery_codes
        .filter(codes::account_id.eq(account.to_string()))
        .count()
        .get_result(&mut c.0)?;
    number("recovery_codes", left)
}

fn pepper_version(version: i64) -> Result<PepperVersion, StorageError> {
    PepperVersion::new(number(TABLE, version)?)
        .ok_or_else(|| StorageError::corrupt(TABLE, "a version of 0"))
}
