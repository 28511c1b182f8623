//! When the log was last verified and signed, for those who read it. It proves
//! nothing by itself: checkpoints are kept elsewhere.

use diesel::prelude::*;
use torvus_domain::Timestamp;

use crate::columns::{instant, micros};
use crate::conn::each;
use crate::schema::audit_proofs;
use crate::{Conn, StorageError};

const TABLE: &str = "audit_proofs";

/// What was done to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was read from end to end.
    Verified,
    /// A checkpoint of it was signed.
    Checkpoint,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// The last time that something was done to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// When it was begun: what was recorded later is not in it.
    pub at: Timestamp,
    /// Whether the log was as it had been written.
    pub sound: bool,
}

/// Notes what was done, in the place of the time before.
///
/// # Errors
///
/// Those of the database.
pub fn note(c: &mut Conn, kind: Kind, proof: Proof) -> Result<(), StorageError> {
    let set = (
        audit_proofs::at.eq(micros(proof.at)),
        audit_proofs::sound.eq(proof.sound),
    );
    let values = (audit_proofs::kind.eq(kind.as_str()), set);
    each!(c, conn => diesel::insert_into(audit_proofs::table)
        .values(values)
        .on_conflict(audit_proofs::kind)
        .do_update()
        .set(set)
        .execute(conn))?;
    Ok(())
}

/// When that was last done, if ever.
///
/// # Errors
///
/// Those of the database.
pub fn last(c: &mut Conn, kind: Kind) -> Result<Option<Proof>, StorageError> {
    let row: Option<(i64, bool)> = audit_proofs::table
        .find(kind.as_str())
        .select((audit_proofs::at, audit_proofs::sound))
        .first(&mut c.0)
        .optional()?;
    row.map(|(at, sound)| {
        let at = instant(TABLE, at)?;
        Ok(Proof { at, sound })
    })
    .transpose()
}
