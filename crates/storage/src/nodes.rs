//! Servers that run on this database.

use diesel::prelude::*;
use torvus_domain::{NodeId, Timestamp};

use crate::columns::{instant, micros, read};
use crate::conn::each;
use crate::schema::nodes::dsl;
use crate::{Conn, StorageError};

const TABLE: &str = "nodes";

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its identifier, new at each start.
    pub id: NodeId,
    /// The version of its program.
    pub version: String,
    /// When it was first seen.
    pub started_at: Timestamp,
    /// When it was last seen.
    pub seen_at: Timestamp,
}

/// Notes that a server is alive.
///
/// # Errors
///
/// Those of the database.
pub fn touch(c: &mut Conn, id: NodeId, at: Timestamp, version: &str) -> Result<(), StorageError> {
    each!(c, conn => diesel::insert_into(dsl::nodes)
        .values((
            dsl::id.eq(id.to_string()),
            dsl::version.eq(version),
            dsl::started_at.eq(micros(at)),
            dsl::seen_at.eq(micros(at)),
        ))
        .on_conflict(dsl::id)
        .do_update()
        .set(dsl::seen_at.eq(micros(at)))
        .execute(conn))?;
    Ok(())
}

/// Takes a server that stops off the list.
///
/// # Errors
///
/// Those of the database.
pub fn remove(c: &mut Conn, id: NodeId) -> Result<(), StorageError> {
    diesel::delete(dsl::nodes.find(id.to_string())).execute(&mut c.0)?;
    Ok(())
}

/// The servers that were seen at `since` or later, the longest running first.
///
/// # Errors
///
/// Those of the database.
pub fn live(c: &mut Conn, since: Timestamp) -> Result<Vec<Node>, StorageError> {
    let all = all(c)?.into_iter();
    Ok(all.filter(|node| node.seen_at >= since).collect())
}

/// Removes the servers that were not seen since `before`: they ended without
/// taking their leave, and nobody waits for them.
///
/// # Errors
///
/// Those of the database.
pub fn forget(c: &mut Conn, before: Timestamp) -> Result<usize, StorageError> {
    let silent = dsl::nodes.filter(dsl::seen_at.lt(micros(before)));
    Ok(diesel::delete(silent).execute(&mut c.0)?)
}

/// All servers that did not take their leave, the longest running first.
///
/// # Errors
///
/// Those of the database.
pub fn all(c: &mut Conn) -> Result<Vec<Node>, StorageError> {
    let rows: Vec<(String, String, i64, i64)> = dsl::nodes
        .select((dsl::id, dsl::version, dsl::started_at, dsl::seen_at))
        .order((dsl::started_at, dsl::id))
        .load(&mut c.0)?;
    rows.into_iter()
        .map(|(id, version, started_at, seen_at)| {
            Ok(Node {
                id: read(TABLE, &id)?,
                version,
                started_at: instant(TABLE, started_at)?,
                seen_at: instant(TABLE, seen_at)?,
            })
        })
        .collect()
}
