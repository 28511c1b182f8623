//! Vaults.

use diesel::prelude::*;
use torvus_domain::{Timestamp, VaultId};

use super::{Page, Scope, newest_first};
use crate::columns::{instant, micros, read};
use crate::schema::vaults;
use crate::{Conn, StorageError};

const TABLE: &str = "vaults";

/// A vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vault {
    /// Its identifier.
    pub id: VaultId,
    /// Whose it is.
    pub scope: Scope,
    /// Its name; others may have the same.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What to change of a vault; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaultChange {
    /// The new name.
    pub name: Option<String>,
    /// The new description; `Some(None)` takes it away.
    pub description: Option<Option<String>>,
}

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = vaults)]
struct Row {
    id: String,
    account_id: String,
    environment: String,
    name: String,
    description: Option<String>,
    created_at: i64,
    updated_at: i64,
}

#[derive(AsChangeset)]
#[diesel(table_name = vaults)]
struct ChangeRow<'a> {
    name: Option<&'a str>,
    description: Option<Option<&'a str>>,
    updated_at: i64,
}

impl TryFrom<Row> for Vault {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: read(TABLE, &row.id)?,
            scope: Scope {
                account_id: read(TABLE, &row.account_id)?,
                environment: read(TABLE, &row.environment)?,
            },
            name: row.name,
            description: row.description,
            created_at: instant(TABLE, row.created_at)?,
            updated_at: instant(TABLE, row.updated_at)?,
        })
    }
}

/// Puts a new vault in.
pub fn insert(c: &mut Conn, vault: &Vault) -> Result<(), StorageError> {
    diesel::insert_into(vaults::table)
        .values(Row {
            id: vault.id.to_string(),
            account_id: vault.scope.account_id.to_string(),
            environment: vault.scope.environment.to_string(),
            name: vault.name.clone(),
            description: vault.description.clone(),
            created_at: micros(vault.created_at),
            updated_at: micros(vault.updated_at),
        })
        .execute(&mut c.0)?;
    Ok(())
}

/// The vault with this identifier, whosesoever it is: the caller has to look.
pub fn find_any(c: &mut Conn, id: VaultId) -> Result<Option<Vault>, StorageError> {
    vaults::table
        .filter(vaults::id.eq(id.to_string()))
        .select(Row::as_select())
        .get_result(&mut c.0)
        .optional()?
        .map(TryFrom::try_from)
        .transpose()
}

/// Changes a vault in one step and gives it back; `None` where it is gone.
pub fn update(
    c: &mut Conn,
    id: VaultId,
    change: &VaultChange,
    at: Timestamp,
) -> Result<Option<Vault>, StorageError> {
    let changed = diesel::update(vaults::table)
        .filter(vaults::id.eq(id.to_string()))
        .set(ChangeRow {
            name: change.name.as_deref(),
            description: change.description.as_ref().map(Option::as_deref),
            updated_at: micros(at),
        })
        .execute(&mut c.0)?;
    if changed == 0 {
        return Ok(None);
    }
    find_any(c, id)
}

/// Deletes a vault and all it holds; false where it was gone.
pub fn delete(c: &mut Conn, id: VaultId) -> Result<bool, StorageError> {
    let deleted = diesel::delete(vaults::table)
        .filter(vaults::id.eq(id.to_string()))
        .execute(&mut c.0)?;
    Ok(deleted > 0)
}

/// A page of an account's vaults, newest first, and one more if there is.
pub fn list(c: &mut Conn, scope: Scope, page: &Page) -> Result<Vec<Vault>, StorageError> {
    let query = vaults::table
        .filter(vaults::account_id.eq(scope.account_id.to_string()))
        .filter(vaults::environment.eq(scope.environment.as_str()));
    newest_first!(c, vaults, Row, query, page)
}
