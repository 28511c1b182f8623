//! Which peppers the digests in the database were made with.

use diesel::prelude::*;

use torvus_key_core::{PepperRing, PepperVersion};

use crate::columns::{bytes, number};
use crate::schema::peppers::dsl;
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

/// Versions and fingerprints, the oldest first.
///
/// # Errors
///
/// Those of the database.
pub fn known(c: &mut Conn) -> Result<Vec<(PepperVersion, [u8; 16])>, StorageError> {
    let rows: Vec<(i64, Vec<u8>)> = dsl::peppers
        .select((dsl::version, dsl::fingerprint))
        .order(dsl::version)
        .load(&mut c.0)?;
    rows.into_iter()
        .map(|(version, fingerprint)| {
            let version = PepperVersion::new(number(TABLE, version)?)
                .ok_or_else(|| StorageError::corrupt(TABLE, "a version of 0"))?;
            Ok((version, bytes(TABLE, &fingerprint)?))
        })
        .collect()
}

/// Checks that the ring holds every version that keys were made with, and only
/// then remembers its new ones: a ring that is refused leaves nothing behind.
/// To be called in one write transaction.
///
/// # Errors
/// The outer one where the database does not answer; the inner one says what
/// is wrong with the ring.
pub fn adopt(c: &mut Conn, ring: &PepperRing) -> Result<Result<(), WrongPepper>, StorageError> {
    for (version, fingerprint) in known(c)? {
        let number = version.get();
        match ring.get(version) {
            None => return Ok(Err(WrongPepper::Missing { version: number })),
            Some(pepper) if pepper.fingerprint() != fingerprint => {
                return Ok(Err(WrongPepper::Differs { version: number }));
            }
            Some(_) => {}
        }
    }
    for pepper in ring.iter() {
        match check_or_insert(c, pepper.version(), pepper.fingerprint()) {
            Err(WrongPepper::Storage(error)) => return Err(error),
            Err(wrong) => return Ok(Err(wrong)),
            Ok(()) => {}
        }
    }
    Ok(Ok(()))
}
