//! Recipients in a vault.

use diesel::prelude::*;
use torvus_domain::{RecipientId, Timestamp, VaultId};

use super::{Page, in_a_vault, newest_first};
use crate::columns::{instant, micros, read};
use crate::schema::recipients;
use crate::{Conn, StorageError};

const TABLE: &str = "recipients";

/// Somebody who is to get what a vault holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Its identifier.
    pub id: RecipientId,
    /// The vault it belongs to.
    pub vault_id: VaultId,
    /// The name; others may have the same.
    pub name: String,
    /// The address, where there is one.
    pub email: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = recipients)]
struct Row {
    id: String,
    vault_id: String,
    name: String,
    email: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Recipient {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: read(TABLE, &row.id)?,
            vault_id: read(TABLE, &row.vault_id)?,
            name: row.name,
            email: row.email,
            created_at: instant(TABLE, row.created_at)?,
            updated_at: instant(TABLE, row.updated_at)?,
        })
    }
}

/// Puts a new recipient in.
pub fn insert(c: &mut Conn, recipient: &Recipient) -> Result<(), StorageError> {
    diesel::insert_into(recipients::table)
        .values(Row {
            id: recipient.id.to_string(),
            vault_id: recipient.vault_id.to_string(),
            name: recipient.name.clone(),
            email: recipient.email.clone(),
            created_at: micros(recipient.created_at),
            updated_at: micros(recipient.updated_at),
        })
        .execute(&mut c.0)?;
    Ok(())
}

in_a_vault!(recipients, Row, Recipient, RecipientId);
