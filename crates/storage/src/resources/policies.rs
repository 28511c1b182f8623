//! Policies in a vault.

use diesel::prelude::*;
use torvus_domain::{PolicyId, Timestamp, VaultId};

use super::{Page, in_a_vault, newest_first};
use crate::columns::{instant, micros, read};
use crate::schema::policies;
use crate::{Conn, StorageError};

const TABLE: &str = "policies";

/// When a vault is to be opened for its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its identifier.
    pub id: PolicyId,
    /// The vault it is about.
    pub vault_id: VaultId,
    /// Its name; others may have the same.
    pub name: String,
    /// What sets it off.
    pub kind: PolicyKind,
    /// The rest of it, a JSON object as text.
    pub settings: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What sets a policy off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolicyKind {
    /// No check-in for a while.
    #[default]
    Inactivity,
    /// An instant.
    Scheduled,
}

/// A word that names no [`PolicyKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `inactivity` or `scheduled`")]
pub struct UnknownPolicyKind;

impl PolicyKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Inactivity, Self::Scheduled];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactivity => "inactivity",
            Self::Scheduled => "scheduled",
        }
    }
}

impl std::str::FromStr for PolicyKind {
    type Err = UnknownPolicyKind;

    fn from_str(text: &str) -> Result<Self, UnknownPolicyKind> {
        [Self::Inactivity, Self::Scheduled]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownPolicyKind)
    }
}

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = policies)]
struct Row {
    id: String,
    vault_id: String,
    name: String,
    kind: String,
    settings: String,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Policy {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: read(TABLE, &row.id)?,
            vault_id: read(TABLE, &row.vault_id)?,
            name: row.name,
            kind: read(TABLE, &row.kind)?,
            settings: row.settings,
            created_at: instant(TABLE, row.created_at)?,
            updated_at: instant(TABLE, row.updated_at)?,
        })
    }
}

/// Puts a new policy in.
pub fn insert(c: &mut Conn, policy: &Policy) -> Result<(), StorageError> {
    diesel::insert_into(policies::table)
        .values(Row {
            id: policy.id.to_string(),
            vault_id: policy.vault_id.to_string(),
            name: policy.name.clone(),
            kind: policy.kind.as_str().to_owned(),
            settings: policy.settings.clone(),
            created_at: micros(policy.created_at),
            updated_at: micros(policy.updated_at),
        })
        .execute(&mut c.0)?;
    Ok(())
}

in_a_vault!(policies, Row, Policy, PolicyId);
