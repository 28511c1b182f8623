//! Keys and their secrets.

use std::collections::HashMap;

use diesel::dsl::exists;
use diesel::prelude::*;
use torvus_domain::{Account, AccountId, ApiKey, IpAllowlist, KeyId, KeySnapshot, Timestamp};
use torvus_key_core::{Environment, KeyDigest, KeyHint, PepperVersion};

use crate::accounts::{self, AccountRow};
use crate::columns::{bytes, instant, instant_opt, micros, number, read};
use crate::conn::{AnyConn, each};
use crate::schema::{accounts as accounts_table, api_keys, key_secrets, lease_changes};
use crate::secrets::{self, NewSecret, SecretRow};
use crate::{Conn, StorageError, budgets};

const TABLE: &str = "api_keys";
/// Rows of one statement: their values stay below what either database takes.
const ROWS: usize = 1_000;

/// A row. No digest is in it, nor in anything that is read here.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys, treat_none_as_default_value = false)]
pub(crate) struct KeyRow {
    id: String,
    account_id: String,
    name: String,
    environment: String,
    permissions: String,
    expires_at: Option<i64>,
    allowed_ips: String,
    own_limit: Option<i64>,
    created_at: i64,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
    revoke_reason: Option<String>,
    hint_first: String,
    hint_last: String,
}

impl From<&ApiKey> for KeyRow {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            account_id: key.account_id.to_string(),
            name: key.name.as_str().to_owned(),
            environment: key.environment.as_str().to_owned(),
            permissions: key.permissions.to_string(),
            expires_at: key.expires_at.map(micros),
            allowed_ips: key.allowed_ips.entries().join(","),
            own_limit: key.limit.map(i64::from),
            created_at: micros(key.created_at),
            last_used_at: key.last_used_at.map(micros),
            revoked_at: key.revoked_at.map(micros),
            revoke_reason: key.revoke_reason.clone(),
            hint_first: key.hint.first().to_owned(),
            hint_last: key.hint.last().to_owned(),
        }
    }
}

impl KeyRow {
    /// What people may look for it by: its name, its hint, its identifier.
    pub(crate) fn shown(&self) -> Result<[String; 3], StorageError> {
        let environment = read(TABLE, &self.environment)?;
        let hint = hint(environment, &self.hint_first, &self.hint_last)?;
        Ok([self.name.clone(), hint.to_string(), self.id.clone()])
    }
}

impl TryFrom<KeyRow> for ApiKey {
    type Error = StorageError;

    fn try_from(row: KeyRow) -> Result<Self, StorageError> {
        let environment: Environment = read(TABLE, &row.environment)?;
        Ok(Self {
            id: read(TABLE, &row.id)?,
            account_id: read(TABLE, &row.account_id)?,
            name: read(TABLE, &row.name)?,
            environment,
            permissions: read(TABLE, &row.permissions)?,
            expires_at: instant_opt(TABLE, row.expires_at)?,
            allowed_ips: allowlist(&row.allowed_ips)?,
            limit: row.own_limit.map(|n| number(TABLE, n)).transpose()?,
            created_at: instant(TABLE, row.created_at)?,
            last_used_at: instant_opt(TABLE, row.last_used_at)?,
            revoked_at: instant_opt(TABLE, row.revoked_at)?,
            revoke_reason: row.revoke_reason,
            hint: hint(environment, &row.hint_first, &row.hint_last)?,
        })
    }
}

/// Of the key of another system nobody knows how it ends.
/// What may be shown of a secret; of a key of another system only how it begins.
pub(crate) fn hint(
    environment: Environment,
    first: &str,
    last: &str,
) -> Result<KeyHint, StorageError> {
    let hint = match last {
        "" => KeyHint::foreign(environment, first),
        last => KeyHint::from_parts(environment, first, last),
    };
    hint.ok_or_else(|| StorageError::corrupt(TABLE, "the hint is none"))
}

/// An empty list lets everyone in, so only an empty text may become one.
fn allowlist(text: &str) -> Result<IpAllowlist, StorageError> {
    if text.is_empty() {
        return Ok(IpAllowlist::default());
    }
    let list = IpAllowlist::from_entries(text.split(','))
        .map_err(|error| StorageError::corrupt(TABLE, error))?;
    if list.is_empty() {
        return Err(StorageError::corrupt(TABLE, "the address list is none"));
    }
    Ok(list)
}

/// Adds a key and its first secret.
///
/// # Errors
///
/// [`StorageError::Duplicate`] if the key or its digest is there,
/// [`StorageError::Missing`] if its account is not.
pub fn insert(
    c: &mut Conn,
    key: &ApiKey,
    digest: &KeyDigest,
    pepper: PepperVersion,
) -> Result<(), StorageError> {
    diesel::insert_into(api_keys::table)
        .values(KeyRow::from(key))
        .execute(&mut c.0)?;
    secrets::insert(c, &NewSecret::first(key, digest, pepper))
}

/// Writes what may be changed of a key: name, permissions, end, addresses,
/// limit, and the hint of its newest secret.
///
/// # Errors
///
/// [`StorageError::Missing`] if there is no such key.
pub fn update(c: &mut Conn, key: &ApiKey) -> Result<(), StorageError> {
    let row = KeyRow::from(key);
    let changed = diesel::update(api_keys::table.find(row.id))
        .set((
            api_keys::name.eq(row.name),
            api_keys::permissions.eq(row.permissions),
            api_keys::expires_at.eq(row.expires_at),
            api_keys::allowed_ips.eq(row.allowed_ips),
            api_keys::own_limit.eq(row.own_limit),
            api_keys::hint_first.eq(row.hint_first),
            api_keys::hint_last.eq(row.hint_last),
        ))
        .execute(&mut c.0)?;
    match changed {
        1 => Ok(()),
        _ => Err(StorageError::Missing),
    }
}

/// Adds many keys with one secret each, all of the same pepper.
///
/// # Errors
///
/// As of [`insert`].
pub fn insert_many(
    c: &mut Conn,
    keys: &[(ApiKey, KeyDigest)],
    pepper: PepperVersion,
) -> Result<(), StorageError> {
    for some in keys.chunks(ROWS) {
        let rows: Vec<KeyRow> = some.iter().map(|(key, _)| key.into()).collect();
        each!(c, conn => diesel::insert_into(api_keys::table).values(&rows).execute(conn))?;
        let firsts: Vec<NewSecret<'_>> = some
            .iter()
            .map(|(key, digest)| NewSecret::first(key, digest, pepper))
            .collect();
        secrets::insert_many(c, &firsts)?;
    }
    Ok(())
}

/// Those of these digests that are there, each with the account of its key.
///
/// # Errors
///
/// Those of the database.
pub fn owners(
    c: &mut Conn,
    digests: &[KeyDigest],
) -> Result<HashMap<KeyDigest, AccountId>, StorageError> {
    let mut found = HashMap::new();
    for some in digests.chunks(ROWS) {
        let some: Vec<&[u8]> = some.iter().map(|d| d.as_bytes().as_slice()).collect();
        let rows: Vec<(Vec<u8>, String)> = key_secrets::table
            .inner_join(api_keys::table)
            .filter(key_secrets::digest.eq_any(some))
            .select((key_secrets::digest, api_keys::account_id))
            .load(&mut c.0)?;
        for (digest, owner) in rows {
            let digest = KeyDigest::from_bytes(bytes("key_secrets", &digest)?);
            found.insert(digest, read(TABLE, &owner)?);
        }
    }
    Ok(found)
}

/// The key with this identifier.
///
/// # Errors
///
/// Those of the database.
pub fn find(c: &mut Conn, id: KeyId) -> Result<Option<ApiKey>, StorageError> {
    let row: Option<KeyRow> = api_keys::table
        .find(id.to_string())
        .select(api_keys::all_columns)
        .get_result(&mut c.0)
        .optional()?;
    row.map(TryInto::try_into).transpose()
}

/// The key and its account as they are now, and held so until the end of the
/// transaction: whoever revokes the key or suspends the account is before it
/// or after it. To be called first in a write transaction.
///
/// # Errors
///
/// Those of the database.
pub fn hold(c: &mut Conn, id: KeyId) -> Result<Option<(ApiKey, Account)>, StorageError> {
    held(c, id, false)
}

/// The same for whoever is about to change the key: nobody else holds it.
///
/// # Errors
///
/// Those of the database.
pub fn hold_alone(c: &mut Conn, id: KeyId) -> Result<Option<(ApiKey, Account)>, StorageError> {
    held(c, id, true)
}

fn held(c: &mut Conn, id: KeyId, alone: bool) -> Result<Option<(ApiKey, Account)>, StorageError> {
    // SQLite has one writer, so there it is held already.
    if let AnyConn::Postgres(pg) = &mut c.0 {
        let row = api_keys::table
            .find(id.to_string())
            .select(api_keys::account_id);
        let owner: Option<String> = match alone {
            true => row.for_no_key_update().first(pg).optional()?,
            false => row.for_share().first(pg).optional()?,
        };
        if let Some(owner) = owner {
            accounts_table::table
                .find(owner)
                .select(accounts_table::id)
                .for_share()
                .first::<String>(pg)
                .optional()?;
        }
    }
    let Some(key) = find(c, id)? else {
        return Ok(None);
    };
    Ok(accounts::find(c, key.account_id)?.map(|account| (key, account)))
}

/// Keys in the order of their making, of one account or of all; without the
/// dead, those that are neither revoked nor expired at `now`.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    c: &mut Conn,
    account: Option<AccountId>,
    include_dead: bool,
    now: Timestamp,
) -> Result<Vec<ApiKey>, StorageError> {
    let mut query = api_keys::table
        .select(api_keys::all_columns)
        .order((api_keys::created_at, api_keys::id))
        .into_boxed();
    if let Some(account) = account {
        query = query.filter(api_keys::account_id.eq(account.to_string()));
    }
    if !include_dead {
        query = query.filter(api_keys::revoked_at.is_null()).filter(
            api_keys::expires_at
                .is_null()
                .or(api_keys::expires_at.gt(micros(now))),
        );
    }
    let rows: Vec<KeyRow> = query.load(&mut c.0)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Keys that can be used at `now` and end until then, the first to end first;
/// of one account or of all.
///
/// # Errors
///
/// Those of the database.
pub fn ending(
    c: &mut Conn,
    account: Option<AccountId>,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<ApiKey>, StorageError> {
    let mut query = api_keys::table
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_at.gt(micros(now)))
        .filter(api_keys::expires_at.le(micros(until)))
        .select(api_keys::all_columns)
        .order((api_keys::expires_at, api_keys::id))
        .into_boxed();
    if let Some(account) = account {
        query = query.filter(api_keys::account_id.eq(account.to_string()));
    }
    let rows: Vec<KeyRow> = query.load(&mut c.0)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// How many keys those are, of all accounts.
///
/// # Errors
///
/// Those of the database.
pub fn count_ending(c: &mut Conn, now: Timestamp, until: Timestamp) -> Result<u64, StorageError> {
    let count: i64 = api_keys::table
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_at.gt(micros(now)))
        .filter(api_keys::expires_at.le(micros(until)))
        .count()
        .get_result(&mut c.0)?;
    number(TABLE, count)
}

/// Revokes a key. False if there is no such key or it was revoked before:
/// then the first revocation stays as it is.
///
/// # Errors
///
/// Those of the database.
pub fn revoke(
    c: &mut Conn,
    id: KeyId,
    at: Timestamp,
    reason: Option<&str>,
) -> Result<bool, StorageError> {
    let row = api_keys::table
        .filter(api_keys::id.eq(id.to_string()))
        .filter(api_keys::revoked_at.is_null());
    let changed = diesel::update(row)
        .set((
            api_keys::revoked_at.eq(Some(micros(at))),
            api_keys::revoke_reason.eq(reason),
        ))
        .execute(&mut c.0)?;
    Ok(changed > 0)
}

type SnapshotRow = (Vec<u8>, SecretRow, KeyRow, AccountRow, bool);

/// Whether a change of the key or its account is under way: said by the same
/// statement as what it is about, so there is no moment between.
macro_rules! changing {
    () => {
        exists(
            lease_changes::table
                .filter(lease_changes::opened_at.is_not_null())
                .filter(
                    lease_changes::key_id
                        .eq(api_keys::id.nullable())
                        .or(lease_changes::account_id.eq(accounts_table::id.nullable()))
                        .assume_not_null(),
                ),
        )
    };
}

/// Secrets that are as the condition says, with their keys and accounts.
macro_rules! snapshots {
    ($condition:expr) => {
        key_secrets::table
            .inner_join(api_keys::table.inner_join(accounts_table::table))
            .filter($condition)
            .select((
                key_secrets::digest,
                SecretRow::as_select(),
                api_keys::all_columns,
                accounts::COLUMNS,
                changing!(),
            ))
    };
}

/// The key that one of these digests opens, with its account, as it is now:
/// dead ones too, since why a key is refused is for the gate to say.
///
/// # Errors
///
/// Those of the database.
pub fn snapshot_by_digests(
    c: &mut Conn,
    digests: &[KeyDigest],
) -> Result<Option<KeySnapshot>, StorageError> {
    let found = find_by_digests(c, digests)?;
    Ok(found.map(|(_, snapshot)| snapshot))
}

/// The same, and by which of the digests, counted from 0.
pub(crate) fn find_by_digests(
    c: &mut Conn,
    digests: &[KeyDigest],
) -> Result<Option<(usize, KeySnapshot)>, StorageError> {
    // Nearly always it is the first one.
    let first: Option<SnapshotRow> = match digests.first() {
        Some(first) => snapshots!(key_secrets::digest.eq(first.as_bytes().as_slice()))
            .first(&mut c.0)
            .optional()?,
        None => return Ok(None),
    };
    // A key may move from one digest to another beside this, so the others are
    // looked for all at once, and the first once more.
    let row = match first {
        None if digests.len() > 1 => {
            let all: Vec<&[u8]> = digests.iter().map(|d| d.as_bytes().as_slice()).collect();
            let rows: Vec<SnapshotRow> =
                snapshots!(key_secrets::digest.eq_any(&all)).load(&mut c.0)?;
            // A text that two systems' keys have in common is that of the first.
            rows.into_iter()
                .min_by_key(|row| all.iter().position(|digest| *digest == row.0))
        }
        first => first,
    };
    let Some((stored, secret, key, account, changing)) = row else {
        return Ok(None);
    };
    // The index found it; this says so again, in constant time.
    let stored = KeyDigest::from_bytes(bytes("key_secrets", &stored)?);
    let position = digests
        .iter()
        .position(|digest| *digest == stored)
        .ok_or_else(|| StorageError::corrupt("key_secrets", "another digest"))?;
    let key: ApiKey = key.try_into()?;
    let snapshot = KeySnapshot {
        spent: budgets::of_key(c, &key)?,
        key,
        account: Account::try_from(account)?,
        secret: secret.try_into()?,
        changing,
    };
    Ok(Some((position, snapshot)))
}
