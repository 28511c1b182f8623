//! Recipients in a vault.

use serde::Serialize;
use torvus_domain::{Email, RecipientId, Refusal, Timestamp, VaultId, kinds::RecipientKind};
use torvus_storage::resources::Page;
use torvus_storage::resources::recipients::{self, Recipient};
use torvus_storage::{Conn, StorageError};

use super::answer::time;
use super::fields::{Fields, invalid};
use super::in_vault::{InVault, New};

#[derive(Serialize)]
pub(super) struct View {
    id: RecipientId,
    name: String,
    email: Option<String>,
    #[serde(serialize_with = "time")]
    created_at: Timestamp,
    #[serde(serialize_with = "time")]
    updated_at: Timestamp,
}

impl InVault for Recipient {
    type Kind = RecipientKind;
    type View = View;
    const SEGMENT: &'static str = "recipients";

    fn read(fields: &mut Fields, new: New<RecipientKind>) -> Result<Self, Refusal> {
        let name = fields.name()?;
        let email = fields
            .raw_text("email")?
            .map(|text| text.parse::<Email>())
            .transpose()
            .map_err(|problem| invalid("email", &problem.to_string()))?;
        Ok(Self {
            id: new.id,
            vault_id: new.vault_id,
            name,
            email: email.map(|email| email.as_str().to_owned()),
            created_at: new.at,
            updated_at: new.at,
        })
    }

    fn insert(&self, c: &mut Conn) -> Result<(), StorageError> {
        recipients::insert(c, self)
    }

    fn list(c: &mut Conn, vault: VaultId, page: &Page) -> Result<Vec<Self>, StorageError> {
        recipients::list(c, vault, page)
    }

    fn delete(c: &mut Conn, vault: VaultId, id: RecipientId) -> Result<bool, StorageError> {
        recipients::delete(c, vault, id)
    }

    fn place(&self) -> (Timestamp, String) {
        (self.created_at, self.id.to_string())
    }

    fn view(self) -> Result<View, Refusal> {
        Ok(View {
            id: self.id,
            name: self.name,
            email: self.email,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}
