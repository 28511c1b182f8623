//! What was done to a key, as the audit log tells it.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use torvus_audit::AuditRecord;
use torvus_domain::KeyId;

use crate::audit::TABLE;
use crate::schema::audit_log::dsl;
use crate::{Conn, StorageError};

/// Only with this very text does either database use the index that leaves out
/// the requests.
pub(crate) const CHANGES: &str = "category = 'key_management'";

/// The last changes of a key, the newest first.
///
/// # Errors
///
/// Those of the database.
pub fn of_key(c: &mut Conn, key: KeyId, limit: u32) -> Result<Vec<AuditRecord>, StorageError> {
    let lines: Vec<String> = dsl::audit_log
        .filter(dsl::key_id.eq(key.to_string()))
        .filter(sql::<Bool>(CHANGES))
        .order((dsl::at.desc(), dsl::id.desc()))
        .limit(i64::from(limit))
        .select(dsl::line)
        .load(&mut c.0)?;
    lines.iter().map(|line| record(line)).collect()
}

/// The first change of a key: its making, where that is still recorded.
///
/// # Errors
///
/// Those of the database.
pub fn first(c: &mut Conn, key: KeyId) -> Result<Option<AuditRecord>, StorageError> {
    let line: Option<String> = dsl::audit_log
        .filter(dsl::key_id.eq(key.to_string()))
        .filter(sql::<Bool>(CHANGES))
        .order((dsl::at, dsl::id))
        .select(dsl::line)
        .first(&mut c.0)
        .optional()?;
    line.map(|line| record(&line)).transpose()
}

fn record(line: &str) -> Result<AuditRecord, StorageError> {
    AuditRecord::from_line(line).map_err(|error| StorageError::corrupt(TABLE, error))
}
