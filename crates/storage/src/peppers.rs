//! Which peppers the digests in the database were made with.

use diesel::dsl::{count_star, exists};
use diesel::prelude::*;

use torvus_domain::{KeyId, Timestamp};
use torvus_key_core::{PepperRing, PepperVersion};

use crate::columns::{bytes, instant_opt, micros, number, read};
use crate::conn::AnyConn;
use crate::schema::peppers::dsl;
use crate::schema::{api_keys, key_secrets};
use crate::{Conn, StorageError};

const TABLE: &str = "peppers";

/// Why a pepper can't be used with this database.
#[derive(Debug, thiserror::Error)]
pub enum WrongPepper {
    /// The database knows another pepper of this version.
    #[error(
        "version {version} of the pepper is not the one that this database's keys were made with"
    )]
    Differs {
        /// The version.
        version: u32,
    },
    /// Keys were made with a version that is not at hand.
    #[error(
        "version {version} of the pepper is missing, and keys of this database were made with it"
    )]
    Missing {
        /// The version.
        version: u32,
    },
    /// The one that would be used for new keys was retired.
    #[error(
        "version {version} of the pepper was retired, but is the last one of the file: \
         is that file an old one?"
    )]
    Retired {
        /// The version.
        version: u32,
    },
    /// It could not be compared.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Compares a pepper with the one that the database knows by its version, or
/// notes it down if there is none. In a write transaction.
///
/// # Errors
///
/// [`WrongPepper::Differs`] if they are not the same.
pub fn check_or_insert(
    c: &mut Conn,
    version: PepperVersion,
    fingerprint: [u8; 16],
) -> Result<(), WrongPepper> {
    let number = i64::from(version.get());
    crate::conn::each!(c, conn => diesel::insert_into(dsl::peppers)
        .values((
            dsl::version.eq(number),
            dsl::fingerprint.eq(fingerprint.as_slice()),
        ))
        .on_conflict_do_nothing()
        .execute(conn))
    .map_err(StorageError::from)?;
    let stored: Vec<u8> = dsl::peppers
        .find(number)
        .select(dsl::fingerprint)
        .first(&mut c.0)
        .map_err(StorageError::from)?;
    if stored == fingerprint {
        Ok(())
    } else {
        Err(WrongPepper::Differs {
            version: version.get(),
        })
    }
}

/// A version that the database knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPepper {
    /// The version.
    pub version: PepperVersion,
    /// The fingerprint of its bytes.
    pub fingerprint: [u8; 16],
    /// From when on no key may need it.
    pub retired_at: Option<Timestamp>,
}

/// All that were ever used, the oldest first.
///
/// # Errors
///
/// Those of the database.
pub fn all(c: &mut Conn) -> Result<Vec<KnownPepper>, StorageError> {
    let rows: Vec<(i64, Vec<u8>, Option<i64>)> = dsl::peppers
        .select((dsl::version, dsl::fingerprint, dsl::retired_at))
        .order(dsl::version)
        .load(&mut c.0)?;
    rows.into_iter()
        .map(|(version, fingerprint, retired_at)| {
            Ok(KnownPepper {
                version: pepper_version(TABLE, version)?,
                fingerprint: bytes(TABLE, &fingerprint)?,
                retired_at: instant_opt(TABLE, retired_at)?,
            })
        })
        .collect()
}

/// Versions and fingerprints of those that may be needed, the oldest first.
///
/// # Errors
///
/// Those of the database.
pub fn known(c: &mut Conn) -> Result<Vec<(PepperVersion, [u8; 16])>, StorageError> {
    let known = all(c)?.into_iter();
    Ok(known
        .filter(|one| one.retired_at.is_none())
        .map(|one| (one.version, one.fingerprint))
        .collect())
}

fn pepper_version(table: &'static str, version: i64) -> Result<PepperVersion, StorageError> {
    PepperVersion::new(number(table, version)?)
        .ok_or_else(|| StorageError::corrupt(table, "a version of 0"))
}

/// Checks that the ring holds every version that keys were made with, and only
/// then remembers its new ones: a ring that is refused leaves nothing behind.
/// What it still has of retired versions is no fault. To be called in one write
/// transaction.
///
/// # Errors
/// The outer one where the database does not answer; the inner one says what
/// is wrong with the ring.
pub fn adopt(c: &mut Conn, ring: &PepperRing) -> Result<Result<(), WrongPepper>, StorageError> {
    let all = all(c)?;
    if let Err(wrong) = fits(&all, ring) {
        return Ok(Err(wrong));
    }
    let known = |version| all.iter().any(|one| one.version == version);
    for pepper in ring.iter().filter(|pepper| !known(pepper.version())) {
        match check_or_insert(c, pepper.version(), pepper.fingerprint()) {
            Err(WrongPepper::Storage(error)) => return Err(error),
            Err(wrong) => return Ok(Err(wrong)),
            Ok(()) => {}
        }
    }
    Ok(Ok(()))
}

/// Whether a ring is one for this database, by what that knows.
///
/// # Errors
/// What is wrong with the ring.
pub fn fits(all: &[KnownPepper], ring: &PepperRing) -> Result<(), WrongPepper> {
    for known in all {
        let version = known.version.get();
        match (known.retired_at, ring.get(known.version)) {
            (Some(_), _) if ring.current().version() == known.version => {
                return Err(WrongPepper::Retired { version });
            }
            (Some(_), _) => {}
            (None, None) => return Err(WrongPepper::Missing { version }),
            (None, Some(pepper)) if pepper.fingerprint() != known.fingerprint => {
                return Err(WrongPepper::Differs { version });
            }
            (None, Some(_)) => {}
        }
    }
    Ok(())
}

/// Lets nobody else change the list until the end of the transaction.
///
/// # Errors
///
/// Those of the database.
pub fn hold(c: &mut Conn) -> Result<(), StorageError> {
    // SQLite has one writer, so there it is held already.
    if let AnyConn::Postgres(pg) = &mut c.0 {
        diesel::sql_query("LOCK TABLE peppers IN SHARE ROW EXCLUSIVE MODE").execute(pg)?;
    }
    Ok(())
}

/// Whether this version was retired. Where it was not, nobody retires it until
/// the end of the transaction: what is written meanwhile may need it.
///
/// # Errors
///
/// Those of the database.
pub fn hold_version(c: &mut Conn, version: PepperVersion) -> Result<bool, StorageError> {
    let row = dsl::peppers
        .filter(dsl::version.eq(i64::from(version.get())))
        .select(dsl::retired_at);
    let retired: Option<Option<i64>> = match &mut c.0 {
        AnyConn::Postgres(pg) => row.for_share().get_result(pg).optional()?,
        // SQLite has one writer.
        AnyConn::Sqlite(sqlite) => row.get_result(sqlite).optional()?,
    };
    Ok(retired.flatten().is_some())
}

/// The highest version that is known or that a key was made with; no version is
/// given twice.
///
/// # Errors
///
/// Those of the database.
pub fn highest(c: &mut Conn) -> Result<u32, StorageError> {
    let known: Option<i64> = dsl::peppers
        .select(diesel::dsl::max(dsl::version))
        .first(&mut c.0)?;
    let used: Option<i64> = key_secrets::table
        .select(diesel::dsl::max(key_secrets::pepper_version))
        .first(&mut c.0)?;
    number(TABLE, known.max(used).unwrap_or(0))
}

/// What hangs on a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PepperUse {
    /// The version.
    pub version: PepperVersion,
    /// Secrets that open a key now.
    pub live_secrets: u64,
    /// Keys that they open.
    pub live_keys: u64,
}

/// Secrets that open a key at this instant.
macro_rules! live {
    ($now:expr) => {{
        let now = micros($now);
        let key = api_keys::revoked_at.is_null().and(
            api_keys::expires_at
                .is_null()
                .or(api_keys::expires_at.gt(now)),
        );
        let secret = key_secrets::ends_at
            .is_null()
            .or(key_secrets::ends_at.gt(now));
        key_secrets::table
            .inner_join(api_keys::table)
            .filter(key)
            .filter(secret)
    }};
}

use alias::other;

mod alias {
    use crate::schema::key_secrets;

    diesel::alias!(key_secrets as other: Other);
}

/// That the key of a secret has another one in force, of which this holds.
macro_rules! has_other {
    ($now:expr, $holds:expr) => {
        exists(
            other
                .filter(other.field(key_secrets::key_id).eq(key_secrets::key_id))
                .filter(
                    other
                        .field(key_secrets::ends_at)
                        .is_null()
                        .or(other.field(key_secrets::ends_at).gt(micros($now))),
                )
                .filter($holds),
        )
    };
}

/// What hangs on each version at this instant; versions without anything are
/// left out.
///
/// # Errors
///
/// Those of the database.
pub fn uses(c: &mut Conn, now: Timestamp) -> Result<Vec<PepperUse>, StorageError> {
    // Those of dead keys are taken from all: a join with a million keys that
    // live may take longer than a statement may.
    let at = micros(now);
    let in_force = || {
        key_secrets::ends_at
            .is_null()
            .or(key_secrets::ends_at.gt(at))
    };
    let secrets: Vec<(i64, i64)> = key_secrets::table
        .filter(in_force())
        .group_by(key_secrets::pepper_version)
        .select((key_secrets::pepper_version, count_star()))
        .order(key_secrets::pepper_version)
        .load(&mut c.0)?;
    let expired = api_keys::expires_at.le(at);
    let dead: Vec<(i64, i64)> = key_secrets::table
        .inner_join(api_keys::table)
        .filter(api_keys::revoked_at.is_not_null().or(expired))
        .filter(in_force())
        .group_by(key_secrets::pepper_version)
        .select((key_secrets::pepper_version, count_star()))
        .load(&mut c.0)?;
    // Each secret is one key, but for replaced ones whose key a newer secret of
    // the same version opens as well: they are few, and sorting a million keys
    // to count each once takes longer than a statement may.
    let newer = other
        .field(key_secrets::number)
        .gt(key_secrets::number)
        .and(
            other
                .field(key_secrets::pepper_version)
                .eq(key_secrets::pepper_version),
        );
    let again: Vec<(i64, i64)> = live!(now)
        .filter(key_secrets::replaced_at.is_not_null())
        .filter(has_other!(now, newer))
        .group_by(key_secrets::pepper_version)
        .select((key_secrets::pepper_version, count_star()))
        .load(&mut c.0)?;
    let of = |counts: &[(i64, i64)], version| {
        let found = counts.iter().find(|(of, _)| *of == version);
        found.map_or(0, |(_, count)| *count)
    };
    secrets
        .into_iter()
        .map(|(version, all)| (version, all - of(&dead, version)))
        .filter(|(_, live)| *live > 0)
        .map(|(version, live)| {
            Ok(PepperUse {
                version: pepper_version("key_secrets", version)?,
                live_secrets: number("key_secrets", live)?,
                live_keys: number("key_secrets", (live - of(&again, version)).max(0))?,
            })
        })
        .collect()
}

/// How many keys a secret of this version opens at this instant.
///
/// # Errors
///
/// Those of the database.
pub fn live_keys(
    c: &mut Conn,
    version: PepperVersion,
    now: Timestamp,
) -> Result<u64, StorageError> {
    let uses = uses(c, now)?;
    let found = uses.iter().find(|one| one.version == version);
    Ok(found.map_or(0, |one| one.live_keys))
}

/// How many of those keys a secret of another version opens too.
///
/// # Errors
///
/// Those of the database.
pub fn rotated(c: &mut Conn, version: PepperVersion, now: Timestamp) -> Result<u64, StorageError> {
    let version = i64::from(version.get());
    let differs = other.field(key_secrets::pepper_version).ne(version);
    let keys: i64 = live!(now)
        .filter(key_secrets::pepper_version.eq(version))
        .filter(has_other!(now, differs))
        .count()
        .get_result(&mut c.0)?;
    number("key_secrets", keys)
}

/// The keys that a secret of this version opens at this instant.
///
/// # Errors
///
/// Those of the database.
pub fn needing(
    c: &mut Conn,
    version: PepperVersion,
    now: Timestamp,
) -> Result<Vec<KeyId>, StorageError> {
    let mut ids: Vec<String> = live!(now)
        .filter(key_secrets::pepper_version.eq(i64::from(version.get())))
        .select(key_secrets::key_id)
        .load(&mut c.0)?;
    ids.sort_unstable();
    ids.dedup();
    ids.iter().map(|id| read("key_secrets", id)).collect()
}

/// Whether a secret of this version opens this key at this instant. Until the
/// end of the transaction no server moves that secret to another version.
///
/// # Errors
///
/// Those of the database.
pub fn needs(
    c: &mut Conn,
    key: KeyId,
    version: PepperVersion,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let of_key = key_secrets::key_id.eq(key.to_string());
    // SQLite has one writer, so there they are held already.
    if let AnyConn::Postgres(pg) = &mut c.0 {
        key_secrets::table
            .filter(of_key.clone())
            .select(key_secrets::number)
            .order(key_secrets::digest)
            .for_update()
            .load::<i64>(pg)?;
    }
    let in_force = live!(now)
        .filter(of_key)
        .filter(key_secrets::pepper_version.eq(i64::from(version.get())));
    Ok(diesel::select(exists(in_force)).get_result(&mut c.0)?)
}

/// Notes that no key may need this version any more. False where it is not
/// known, or was retired before.
///
/// # Errors
///
/// Those of the database.
pub fn retire(c: &mut Conn, version: PepperVersion, at: Timestamp) -> Result<bool, StorageError> {
    let row = dsl::peppers
        .filter(dsl::version.eq(i64::from(version.get())))
        .filter(dsl::retired_at.is_null());
    let changed = diesel::update(row)
        .set(dsl::retired_at.eq(Some(micros(at))))
        .execute(&mut c.0)?;
    Ok(changed > 0)
}
