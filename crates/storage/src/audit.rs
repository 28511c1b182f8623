//! The audit log: rows are added and read, never changed.

use diesel::prelude::*;
use torvus_audit::{AuditRecord, Hash, Head, database_chain};
use torvus_domain::{ChainId, Timestamp};

use crate::chains::{self, Position};
use crate::columns::{bytes, instant, micros, number, read};
use crate::conn::each_row;
use crate::roll_ups::RollUps;
use crate::schema::audit_log::{self, dsl};
use crate::{Conn, StorageError};

pub(crate) use crate::audit_search::of_chain;
pub use crate::audit_search::{Slice, list, search};
pub use crate::audit_walk::{Ends, added, each};

pub(crate) const TABLE: &str = "audit_log";
/// Rows of one statement: their values stay below what either database takes.
const ROWS: usize = 1_000;

/// A record as it is kept: its line, and its place in its chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The record.
    pub record: AuditRecord,
    /// The bytes that are chained.
    pub line: String,
    /// The chain.
    pub chain: ChainId,
    /// Its place in the chain, and its hash.
    pub head: Head,
}

#[derive(Insertable)]
#[diesel(table_name = audit_log, treat_none_as_default_value = false)]
struct NewRow<'a> {
    id: String,
    at: i64,
    chain: String,
    seq: i64,
    hash: &'a [u8],
    line: &'a str,
}

#[derive(Queryable)]
pub(crate) struct Row {
    id: String,
    at: i64,
    chain: String,
    seq: i64,
    hash: Vec<u8>,
    line: String,
}

/// What is read of a record.
pub(crate) const COLUMNS: (dsl::id, dsl::at, dsl::chain, dsl::seq, dsl::hash, dsl::line) =
    (dsl::id, dsl::at, dsl::chain, dsl::seq, dsl::hash, dsl::line);

impl TryFrom<Row> for Entry {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let record = AuditRecord::from_line(&row.line)
            .map_err(|error| StorageError::corrupt(TABLE, error))?;
        if record.id.to_string() != row.id || micros(record.at) != row.at {
            return Err(StorageError::corrupt(
                TABLE,
                "a row is not that of its line",
            ));
        }
        Ok(Self {
            record,
            line: row.line,
            chain: read(TABLE, &row.chain)?,
            head: head(row.seq, &row.hash)?,
        })
    }
}

fn head(seq: i64, hash: &[u8]) -> Result<Head, StorageError> {
    Ok(Head {
        seq: number(TABLE, seq)?,
        hash: Hash::from_bytes(bytes(TABLE, hash)?),
    })
}

/// Adds records to the database's own chain, with what they mean for usage
/// and limits. In a write transaction: all of it belongs together.
///
/// # Errors
///
/// Those of the database.
pub fn append(c: &mut Conn, records: &[AuditRecord]) -> Result<(), StorageError> {
    append_to(c, database_chain(), records.iter().cloned())
}

/// The same, to another chain.
///
/// # Errors
///
/// Those of the database.
pub fn append_to(
    c: &mut Conn,
    chain: ChainId,
    records: impl Iterator<Item = AuditRecord>,
) -> Result<(), StorageError> {
    let mut position = chains::hold(c, chain)?;
    let mut entries = Vec::new();
    for mut record in records {
        // Within a chain no two records are of the same time.
        let at = micros(record.at).max(micros(position.at).saturating_add(1));
        record.at = instant(TABLE, at)?;
        let line = record.to_line();
        position.head = position.head.next(line.as_bytes());
        position.at = record.at;
        entries.push(Entry {
            record,
            line,
            chain,
            head: position.head,
        });
    }
    insert(c, &entries)?;
    chains::advance(c, chain, &position)
}

/// Adds entries, and what they mean for usage and limits.
fn insert(c: &mut Conn, entries: &[Entry]) -> Result<(), StorageError> {
    let mut roll_ups = RollUps::default();
    insert_rows(c, entries, &mut roll_ups)?;
    roll_ups.store(c)
}

/// Adds entries, and what they mean to what is to be stored with them.
pub(crate) fn insert_rows(
    c: &mut Conn,
    entries: &[Entry],
    roll_ups: &mut RollUps,
) -> Result<(), StorageError> {
    for some in entries.chunks(ROWS) {
        let rows = some.iter().map(|entry| {
            Ok(NewRow {
                id: entry.record.id.to_string(),
                at: micros(entry.record.at),
                chain: entry.chain.to_string(),
                seq: i64::try_from(entry.head.seq)
                    .map_err(|error| StorageError::corrupt(TABLE, error))?,
                hash: entry.head.hash.as_bytes(),
                line: &entry.line,
            })
        });
        let rows = rows.collect::<Result<Vec<_>, StorageError>>()?;
        each_row!(c, &rows, row => diesel::insert_into(dsl::audit_log).values(row));
    }
    for entry in entries {
        roll_ups.add(&entry.record);
    }
    Ok(())
}

/// Whether there is a record of how this intent ended: one with its
/// identifier, or where that one was lost, a later one of the same request.
pub(crate) fn has_end(c: &mut Conn, intent: &AuditRecord) -> Result<bool, StorageError> {
    let mut query = dsl::audit_log.select(dsl::id).into_boxed();
    query = query.filter(dsl::id.eq(intent.id.to_string()));
    if let Some(request) = intent.request_id {
        let same = dsl::request_id.eq(request.to_string());
        query = query.or_filter(dsl::at.ge(micros(intent.at)).and(same));
    }
    let found: Option<String> = query.first(&mut c.0).optional()?;
    Ok(found.is_some())
}

/// Rows as they are kept, by time, for whoever verifies them: nothing of them
/// is believed.
///
/// # Errors
///
/// Those of the database.
pub fn raw(
    c: &mut Conn,
    behind: Option<&RawEntry>,
    limit: u32,
) -> Result<Vec<RawEntry>, StorageError> {
    let mut query = dsl::audit_log
        .select(COLUMNS)
        .order((dsl::at, dsl::id))
        .limit(i64::from(limit))
        .into_boxed();
    if let Some(behind) = behind {
        let later = dsl::at.gt(behind.at).or(dsl::id.gt(behind.id.clone()));
        query = query.filter(dsl::at.ge(behind.at)).filter(later);
    }
    let rows: Vec<Row> = query.load(&mut c.0)?;
    Ok(rows.into_iter().map(RawEntry::from).collect())
}

/// A row, whatever stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEntry {
    /// What should be the record's identifier.
    pub id: String,
    /// What should be its time, in microseconds.
    pub at: i64,
    /// What should be its chain.
    pub chain: String,
    /// What should be its place.
    pub seq: i64,
    /// What should be its hash.
    pub hash: Vec<u8>,
    /// The line.
    pub line: String,
}

impl From<Row> for RawEntry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            at: row.at,
            chain: row.chain,
            seq: row.seq,
            hash: row.hash,
            line: row.line,
        }
    }
}

/// How many records are from before an instant.
///
/// # Errors
///
/// Those of the database.
pub fn count_before(c: &mut Conn, before: Timestamp) -> Result<usize, StorageError> {
    let old = dsl::audit_log.filter(dsl::at.lt(micros(before)));
    let count: i64 = old.count().get_result(&mut c.0)?;
    number(TABLE, count)
}

/// Before which instant a step of removing ends that takes about so many
/// records; none where there are none left.
///
/// # Errors
///
/// Those of the database.
pub fn step_before(
    c: &mut Conn,
    before: Timestamp,
    records: u32,
) -> Result<Option<Timestamp>, StorageError> {
    let old = dsl::audit_log
        .filter(dsl::at.lt(micros(before)))
        .order((dsl::at, dsl::id))
        .select(dsl::at);
    let last = old.offset(i64::from(records));
    if let Some(at) = last.first::<i64>(&mut c.0).optional()? {
        // Where so many are of one time they all go: a step has an end.
        return Ok(Some(instant(TABLE, at.saturating_add(1))?.min(before)));
    }
    let any = old.first::<i64>(&mut c.0).optional()?;
    Ok(any.map(|_| before))
}

/// Removes what was recorded before an instant; how many records that were.
/// What was the last of them in each chain has to be noted in the same
/// transaction: see [`chains::note_pruned`].
///
/// # Errors
///
/// Those of the database.
pub fn remove_before(c: &mut Conn, before: Timestamp) -> Result<usize, StorageError> {
    let old = dsl::audit_log.filter(dsl::at.lt(micros(before)));
    Ok(diesel::delete(old).execute(&mut c.0)?)
}

/// The last record of each chain that has any before an instant.
///
/// # Errors
///
/// Those of the database.
pub fn last_before(
    c: &mut Conn,
    before: Timestamp,
) -> Result<Vec<(ChainId, Position)>, StorageError> {
    let places: Vec<(String, Option<i64>)> = dsl::audit_log
        .filter(dsl::at.lt(micros(before)))
        .group_by(dsl::chain)
        .select((dsl::chain, diesel::dsl::max(dsl::seq)))
        .load(&mut c.0)?;
    let mut last = Vec::new();
    for (chain, seq) in places {
        let row: Row = dsl::audit_log
            .filter(dsl::chain.eq(&chain))
            .filter(dsl::seq.nullable().eq(seq))
            .select(COLUMNS)
            .first(&mut c.0)?;
        let position = Position {
            head: head(row.seq, &row.hash)?,
            at: instant(TABLE, row.at)?,
            segment: 0,
            place: 0,
        };
        last.push((read(TABLE, &chain)?, position));
    }
    Ok(last)
}
