//! The secrets of keys, as rows: their digests are written here, and never read.

use diesel::prelude::*;
use torvus_domain::{ApiKey, KeyId, Secret, SecretInfo, Timestamp};
use torvus_key_core::{KeyDigest, KeyHint, PepperVersion};

use crate::columns::{instant, instant_opt, micros, number};
use crate::conn::each;
use crate::schema::key_secrets::{self, dsl};
use crate::{Conn, StorageError, keys};

const TABLE: &str = "key_secrets";

/// A secret that was made.
pub struct NewSecret<'a> {
    /// Whose it is.
    pub key: KeyId,
    /// Its number; the newest has the highest.
    pub number: u32,
    /// What it is found by.
    pub digest: &'a KeyDigest,
    /// The version of the pepper that the digest was made with.
    pub pepper: PepperVersion,
    /// What may be shown of its text, where that was ever seen here.
    pub hint: Option<&'a KeyHint>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl<'a> NewSecret<'a> {
    /// The first one of a new key.
    pub(crate) fn first(key: &'a ApiKey, digest: &'a KeyDigest, pepper: PepperVersion) -> Self {
        Self {
            key: key.id,
            number: Secret::FIRST.number,
            digest,
            pepper,
            hint: Some(&key.hint),
            created_at: key.created_at,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = key_secrets, treat_none_as_default_value = false)]
struct NewRow<'a> {
    digest: &'a [u8],
    key_id: String,
    pepper_version: i64,
    created_at: i64,
    number: i64,
    hint_first: Option<&'a str>,
    hint_last: Option<&'a str>,
}

impl<'a> From<&NewSecret<'a>> for NewRow<'a> {
    fn from(new: &NewSecret<'a>) -> Self {
        Self {
            digest: new.digest.as_bytes(),
            key_id: new.key.to_string(),
            pepper_version: i64::from(new.pepper.get()),
            created_at: micros(new.created_at),
            number: new.number.into(),
            hint_first: new.hint.map(KeyHint::first),
            hint_last: new.hint.map(KeyHint::last),
        }
    }
}

/// What decides of a secret.
#[derive(Queryable, Selectable)]
#[diesel(table_name = key_secrets)]
pub(crate) struct SecretRow {
    number: i64,
    replaced_at: Option<i64>,
    ends_at: Option<i64>,
    ended_at: Option<i64>,
}

impl TryFrom<SecretRow> for Secret {
    type Error = StorageError;

    fn try_from(row: SecretRow) -> Result<Self, StorageError> {
        Ok(Self {
            number: number(TABLE, row.number)?,
            replaced_at: instant_opt(TABLE, row.replaced_at)?,
            ends_at: instant_opt(TABLE, row.ends_at)?,
            ended_at: instant_opt(TABLE, row.ended_at)?,
        })
    }
}

/// Adds a secret.
///
/// # Errors
///
/// [`StorageError::Duplicate`] if its digest or its number is there, or the
/// one before it has not been replaced.
pub fn insert(c: &mut Conn, new: &NewSecret<'_>) -> Result<(), StorageError> {
    insert_many(c, std::slice::from_ref(new))
}

/// Adds some secrets, of different keys.
pub(crate) fn insert_many(c: &mut Conn, new: &[NewSecret<'_>]) -> Result<(), StorageError> {
    let rows: Vec<NewRow<'_>> = new.iter().map(NewRow::from).collect();
    each!(c, conn => diesel::insert_into(key_secrets::table).values(&rows).execute(conn))?;
    Ok(())
}

/// All secrets of a key, the newest first.
///
/// # Errors
///
/// Those of the database.
pub fn of_key(c: &mut Conn, key: &ApiKey) -> Result<Vec<SecretInfo>, StorageError> {
    type Row = (SecretRow, i64, Option<String>, Option<String>);
    let rows: Vec<Row> = dsl::key_secrets
        .filter(dsl::key_id.eq(key.id.to_string()))
        .order(dsl::number.desc())
        .select((
            SecretRow::as_select(),
            dsl::created_at,
            dsl::hint_first,
            dsl::hint_last,
        ))
        .load(&mut c.0)?;
    rows.into_iter()
        .map(|(row, created_at, first, last)| {
            Ok(SecretInfo {
                secret: row.try_into()?,
                hint: first
                    .zip(last)
                    .map(|(first, last)| keys::hint(key.environment, &first, &last))
                    .transpose()?,
                created_at: instant(TABLE, created_at)?,
            })
        })
        .collect()
}

/// One secret of a key.
///
/// # Errors
///
/// Those of the database.
pub fn find(c: &mut Conn, key: KeyId, number: u32) -> Result<Option<Secret>, StorageError> {
    let row: Option<SecretRow> = dsl::key_secrets
        .filter(dsl::key_id.eq(key.to_string()))
        .filter(dsl::number.eq(i64::from(number)))
        .select(SecretRow::as_select())
        .get_result(&mut c.0)
        .optional()?;
    row.map(TryInto::try_into).transpose()
}

/// The version of the pepper that the current secret of a key was stored with.
///
/// # Errors
///
/// Those of the database.
pub fn pepper_of_current(c: &mut Conn, key: KeyId) -> Result<Option<PepperVersion>, StorageError> {
    let version: Option<i64> = dsl::key_secrets
        .filter(dsl::key_id.eq(key.to_string()))
        .filter(dsl::replaced_at.is_null())
        .select(dsl::pepper_version)
        .get_result(&mut c.0)
        .optional()?;
    let version = version.map(|version| number(TABLE, version)).transpose()?;
    Ok(version.and_then(PepperVersion::new))
}

/// Writes when a secret was replaced and when it ends.
///
/// # Errors
///
/// [`StorageError::Duplicate`] if that would make two that are not replaced.
pub fn set(c: &mut Conn, key: KeyId, secret: &Secret) -> Result<(), StorageError> {
    let row = dsl::key_secrets
        .filter(dsl::key_id.eq(key.to_string()))
        .filter(dsl::number.eq(i64::from(secret.number)));
    let changed = diesel::update(row)
        .set((
            dsl::replaced_at.eq(secret.replaced_at.map(micros)),
            dsl::ends_at.eq(secret.ends_at.map(micros)),
            dsl::ended_at.eq(secret.ended_at.map(micros)),
        ))
        .execute(&mut c.0)?;
    match changed {
        1 => Ok(()),
        _ => Err(StorageError::Missing),
    }
}
