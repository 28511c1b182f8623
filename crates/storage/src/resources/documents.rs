//! Documents in a vault.

use diesel::prelude::*;
use torvus_domain::{DocumentId, Timestamp, VaultId};

use super::{Page, in_a_vault, newest_first};
use crate::columns::{bytes, instant, micros, number, read};
use crate::schema::documents;
use crate::{Conn, StorageError};

const TABLE: &str = "documents";

/// What is known of a document without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its identifier.
    pub id: DocumentId,
    /// The vault it lies in.
    pub vault_id: VaultId,
    /// Its name; others may have the same.
    pub name: String,
    /// What its content is, as a media type.
    pub content_type: String,
    /// How many bytes its content has.
    pub size: u64,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = documents)]
struct Row {
    id: String,
    vault_id: String,
    name: String,
    content_type: String,
    size: i64,
    sha256: Vec<u8>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Document {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: read(TABLE, &row.id)?,
            vault_id: read(TABLE, &row.vault_id)?,
            name: row.name,
            content_type: row.content_type,
            size: number(TABLE, row.size)?,
            sha256: bytes(TABLE, &row.sha256)?,
            created_at: instant(TABLE, row.created_at)?,
            updated_at: instant(TABLE, row.updated_at)?,
        })
    }
}

/// Puts a new document in. Its size and hash have to be those of `content`.
pub fn insert(c: &mut Conn, document: &Document, content: &[u8]) -> Result<(), StorageError> {
    let size =
        i64::try_from(content.len()).map_err(|problem| StorageError::corrupt(TABLE, problem))?;
    diesel::insert_into(documents::table)
        .values((
            documents::id.eq(document.id.to_string()),
            documents::vault_id.eq(document.vault_id.to_string()),
            documents::name.eq(&document.name),
            documents::content_type.eq(&document.content_type),
            documents::content.eq(content),
            documents::size.eq(size),
            documents::sha256.eq(document.sha256.as_slice()),
            documents::created_at.eq(micros(document.created_at)),
            documents::updated_at.eq(micros(document.updated_at)),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

in_a_vault!(documents, Row, Document, DocumentId);
