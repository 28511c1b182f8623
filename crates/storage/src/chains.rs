//! How far each chain of the audit log has come.

use diesel::prelude::*;
use torvus_audit::{Hash, Head};
use torvus_domain::{ChainId, Timestamp};

use crate::columns::{bytes, instant, micros, number, read};
use crate::conn::{AnyConn, each};
use crate::schema::{audit_chains, audit_pruned};
use crate::{Conn, StorageError};

const TABLE: &str = "audit_chains";

/// The end of a chain: its last record, and where in its journal that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Length and hash.
    pub head: Head,
    /// When the last record was made.
    pub at: Timestamp,
    /// The segment of its journal; 0 where it has none.
    pub segment: u32,
    /// Where in the segment the next record begins.
    pub place: u64,
}

impl Position {
    /// That of a chain that has nothing yet.
    #[must_use]
    pub fn genesis(chain: ChainId) -> Self {
        Self {
            head: Head::genesis(chain),
            at: Timestamp::UNIX_EPOCH,
            segment: 0,
            place: 0,
        }
    }
}

/// A beginning that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Of this chain.
    pub chain: ChainId,
    /// The last record that was removed.
    pub head: Head,
    /// Everything before this instant.
    pub before: Timestamp,
    /// The signature of whoever removed it.
    pub signature: [u8; 64],
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = audit_chains, treat_none_as_default_value = false)]
struct Row {
    chain: String,
    seq: i64,
    hash: Vec<u8>,
    at: i64,
    segment: i64,
    place: i64,
}

impl Row {
    fn read(self) -> Result<(ChainId, Position), StorageError> {
        let position = Position {
            head: Head {
                seq: number(TABLE, self.seq)?,
                hash: Hash::from_bytes(bytes(TABLE, &self.hash)?),
            },
            at: instant(TABLE, self.at)?,
            segment: number(TABLE, self.segment)?,
            place: number(TABLE, self.place)?,
        };
        Ok((read(TABLE, &self.chain)?, position))
    }
}

fn stored(number: u64) -> Result<i64, StorageError> {
    i64::try_from(number).map_err(|error| StorageError::corrupt(TABLE, error))
}

/// Where a chain has come to, if it has begun.
///
/// # Errors
///
/// Those of the database.
pub fn find(c: &mut Conn, chain: ChainId) -> Result<Option<Position>, StorageError> {
    let row: Option<Row> = audit_chains::table
        .find(chain.to_string())
        .get_result(&mut c.0)
        .optional()?;
    Ok(row
        .map(Row::read)
        .transpose()?
        .map(|(_, position)| position))
}

/// Where a chain has come to, and nobody else moves it until the end of the
/// transaction.
pub(crate) fn hold(c: &mut Conn, chain: ChainId) -> Result<Position, StorageError> {
    let genesis = Position::genesis(chain);
    // SQLite has one writer, so there it is held already.
    if let AnyConn::Postgres(pg) = &mut c.0 {
        diesel::insert_into(audit_chains::table)
            .values(row(chain, &genesis)?)
            .on_conflict_do_nothing()
            .execute(pg)?;
        audit_chains::table
            .find(chain.to_string())
            .select(audit_chains::seq)
            .for_update()
            .first::<i64>(pg)?;
    }
    Ok(find(c, chain)?.unwrap_or(genesis))
}

fn row(chain: ChainId, position: &Position) -> Result<Row, StorageError> {
    Ok(Row {
        chain: chain.to_string(),
        seq: stored(position.head.seq)?,
        hash: position.head.hash.as_bytes().to_vec(),
        at: micros(position.at),
        segment: position.segment.into(),
        place: stored(position.place)?,
    })
}

/// Notes how far a chain has come.
pub(crate) fn advance(
    c: &mut Conn,
    chain: ChainId,
    position: &Position,
) -> Result<(), StorageError> {
    let row = row(chain, position)?;
    let set = (
        audit_chains::seq.eq(row.seq),
        audit_chains::hash.eq(row.hash.clone()),
        audit_chains::at.eq(row.at),
        audit_chains::segment.eq(row.segment),
        audit_chains::place.eq(row.place),
    );
    each!(c, conn => diesel::insert_into(audit_chains::table)
        .values(row)
        .on_conflict(audit_chains::chain)
        .do_update()
        .set(set)
        .execute(conn))?;
    Ok(())
}

/// All chains, by name.
///
/// # Errors
///
/// Those of the database.
pub fn all(c: &mut Conn) -> Result<Vec<(ChainId, Position)>, StorageError> {
    let rows: Vec<Row> = audit_chains::table
        .order(audit_chains::chain)
        .load(&mut c.0)?;
    rows.into_iter().map(Row::read).collect()
}

/// Notes that the beginning of a chain was removed.
///
/// # Errors
///
/// Those of the database.
pub fn note_pruned(c: &mut Conn, pruned: &Pruned) -> Result<(), StorageError> {
    let set = (
        audit_pruned::seq.eq(stored(pruned.head.seq)?),
        audit_pruned::hash.eq(pruned.head.hash.as_bytes().to_vec()),
        audit_pruned::at.eq(micros(pruned.before)),
        audit_pruned::signature.eq(pruned.signature.to_vec()),
    );
    let values = (
        audit_pruned::chain.eq(pruned.chain.to_string()),
        set.clone(),
    );
    each!(c, conn => diesel::insert_into(audit_pruned::table)
        .values(values)
        .on_conflict(audit_pruned::chain)
        .do_update()
        .set(set)
        .execute(conn))?;
    Ok(())
}

/// The beginnings that were removed.
///
/// # Errors
///
/// Those of the database.
pub fn pruned(c: &mut Conn) -> Result<Vec<Pruned>, StorageError> {
    type Row = (String, i64, Vec<u8>, i64, Vec<u8>);
    const TABLE: &str = "audit_pruned";
    let rows: Vec<Row> = audit_pruned::table
        .order(audit_pruned::chain)
        .load(&mut c.0)?;
    let read_row = |(chain, seq, hash, at, signature): Row| {
        Ok(Pruned {
            chain: read(TABLE, &chain)?,
            head: Head {
                seq: number(TABLE, seq)?,
                hash: Hash::from_bytes(bytes(TABLE, &hash)?),
            },
            before: instant(TABLE, at)?,
            signature: bytes(TABLE, &signature)?,
        })
    };
    rows.into_iter().map(read_row).collect()
}
