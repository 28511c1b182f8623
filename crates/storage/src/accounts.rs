//! Accounts.

use diesel::prelude::*;
use torvus_domain::{Account, AccountId, Email, PlanName, Timestamp};

use crate::columns::{instant, instant_opt, micros, read};
use crate::schema::accounts::{self, dsl};
use crate::{Conn, StorageError};

const TABLE: &str = "accounts";

/// A row without the password's hash: that is asked for by itself.
#[derive(Queryable)]
pub(crate) struct AccountRow {
    id: String,
    email: String,
    plan: String,
    created_at: i64,
    suspended_at: Option<i64>,
}

/// The columns of an [`AccountRow`].
pub(crate) const COLUMNS: (
    accounts::id,
    accounts::email,
    accounts::plan,
    accounts::created_at,
    accounts::suspended_at,
) = (
    accounts::id,
    accounts::email,
    accounts::plan,
    accounts::created_at,
    accounts::suspended_at,
);

impl TryFrom<AccountRow> for Account {
    type Error = StorageError;

    fn try_from(row: AccountRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: read(TABLE, &row.id)?,
            email: read(TABLE, &row.email)?,
            plan: read(TABLE, &row.plan)?,
            created_at: instant(TABLE, row.created_at)?,
            suspended_at: instant_opt(TABLE, row.suspended_at)?,
        })
    }
}

/// Adds an account.
///
/// # Errors
///
/// [`StorageError::Duplicate`] if there is one with its address.
pub fn insert(c: &mut Conn, account: &Account, password_hash: &str) -> Result<(), StorageError> {
    diesel::insert_into(dsl::accounts)
        .values((
            dsl::id.eq(account.id.to_string()),
            dsl::email.eq(account.email.as_str()),
            dsl::plan.eq(account.plan.as_str()),
            dsl::password_hash.eq(password_hash),
            dsl::created_at.eq(micros(account.created_at)),
            dsl::suspended_at.eq(account.suspended_at.map(micros)),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// The account with this identifier.
///
/// # Errors
///
/// Those of the database.
pub fn find(c: &mut Conn, id: AccountId) -> Result<Option<Account>, StorageError> {
    let row: Option<AccountRow> = dsl::accounts
        .find(id.to_string())
        .select(COLUMNS)
        .get_result(&mut c.0)
        .optional()?;
    row.map(TryInto::try_into).transpose()
}

/// The account with this address.
///
/// # Errors
///
/// Those of the database.
pub fn find_by_email(c: &mut Conn, email: &Email) -> Result<Option<Account>, StorageError> {
    let row: Option<AccountRow> = dsl::accounts
        .filter(dsl::email.eq(email.as_str()))
        .select(COLUMNS)
        .get_result(&mut c.0)
        .optional()?;
    row.map(TryInto::try_into).transpose()
}

/// All accounts, in the order of their making.
///
/// # Errors
///
/// Those of the database.
pub fn list(c: &mut Conn) -> Result<Vec<Account>, StorageError> {
    let rows: Vec<AccountRow> = dsl::accounts
        .select(COLUMNS)
        .order((dsl::created_at, dsl::id))
        .load(&mut c.0)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The plans that accounts are on, each once.
///
/// # Errors
///
/// Those of the database.
pub fn plans(c: &mut Conn) -> Result<Vec<PlanName>, StorageError> {
    let names: Vec<String> = dsl::accounts.select(dsl::plan).distinct().load(&mut c.0)?;
    names.iter().map(|name| read(TABLE, name)).collect()
}

/// Puts an account on a plan; false if there is no such account.
///
/// # Errors
///
/// Those of the database.
pub fn set_plan(c: &mut Conn, id: AccountId, plan: &PlanName) -> Result<bool, StorageError> {
    let row = dsl::accounts.find(id.to_string());
    let changed = diesel::update(row)
        .set(dsl::plan.eq(plan.as_str()))
        .execute(&mut c.0)?;
    Ok(changed > 0)
}

/// Suspends an account from an instant on, or lets it in again; false if
/// there is no such account.
///
/// # Errors
///
/// Those of the database.
pub fn set_suspended(
    c: &mut Conn,
    id: AccountId,
    since: Option<Timestamp>,
) -> Result<bool, StorageError> {
    let row = dsl::accounts.find(id.to_string());
    let changed = diesel::update(row)
        .set(dsl::suspended_at.eq(since.map(micros)))
        .execute(&mut c.0)?;
    Ok(changed > 0)
}

/// Gives an account another password; false if there is no such account.
///
/// # Errors
///
/// Those of the database.
pub fn set_password_hash(c: &mut Conn, id: AccountId, hash: &str) -> Result<bool, StorageError> {
    let row = dsl::accounts.find(id.to_string());
    let changed = diesel::update(row)
        .set(dsl::password_hash.eq(hash))
        .execute(&mut c.0)?;
    Ok(changed > 0)
}

/// The hash of an account's password.
///
/// # Errors
///
/// Those of the database.
pub fn password_hash(c: &mut Conn, id: AccountId) -> Result<Option<String>, StorageError> {
    Ok(dsl::accounts
        .find(id.to_string())
        .select(dsl::password_hash)
        .get_result(&mut c.0)
        .optional()?)
}
