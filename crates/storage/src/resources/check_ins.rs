//! Check-ins: an account's signs of life.

use diesel::prelude::*;
use torvus_domain::{CheckInId, Timestamp};

use super::{Page, Scope, newest_first};
use crate::columns::{instant, micros, read};
use crate::schema::check_ins;
use crate::{Conn, StorageError};

const TABLE: &str = "check_ins";

/// A check-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckIn {
    /// Its identifier.
    pub id: CheckInId,
    /// Whose it is.
    pub scope: Scope,
    /// What was said with it.
    pub note: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = check_ins)]
struct Row {
    id: String,
    account_id: String,
    environment: String,
    note: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for CheckIn {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: read(TABLE, &row.id)?,
            scope: Scope {
                account_id: read(TABLE, &row.account_id)?,
                environment: read(TABLE, &row.environment)?,
            },
            note: row.note,
            created_at: instant(TABLE, row.created_at)?,
            updated_at: instant(TABLE, row.updated_at)?,
        })
    }
}

/// Puts a new check-in in.
pub fn insert(c: &mut Conn, check_in: &CheckIn) -> Result<(), StorageError> {
    diesel::insert_into(check_ins::table)
        .values(Row {
            id: check_in.id.to_string(),
            account_id: check_in.scope.account_id.to_string(),
            environment: check_in.scope.environment.to_string(),
            note: check_in.note.clone(),
            created_at: micros(check_in.created_at),
            updated_at: micros(check_in.updated_at),
        })
        .execute(&mut c.0)?;
    Ok(())
}

/// A page of an account's check-ins, newest first, and one more if there is.
pub fn list(c: &mut Conn, scope: Scope, page: &Page) -> Result<Vec<CheckIn>, StorageError> {
    let query = check_ins::table
        .filter(check_ins::account_id.eq(scope.account_id.to_string()))
        .filter(check_ins::environment.eq(scope.environment.as_str()));
    newest_first!(c, check_ins, Row, query, page)
}
