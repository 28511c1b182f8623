//! Recipients in a vault.

use serde::Serialize;
use serde_json::{Value, json};
use torvus_domain::{Email, RecipientId, Refusal, Timestamp, VaultId, kinds::RecipientKind};
use torvus_storage::resources::Page;
use torvus_storage::resources::recipients::{self, Recipient};
use torvus_storage::{Conn, StorageError};
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::answer::time;
use super::fields::{Fields, invalid};
use super::in_vault::{InVault, New};
use super::schema::{self, BLANK, CONTROL};

#[derive(Serialize, ToSchema)]
#[schema(as = Recipient)]
pub(super) struct View {
    #[schema(schema_with = schema::id::<RecipientKind>)]
    id: RecipientId,
    #[schema(schema_with = schema::name)]
    name: String,
    #[schema(schema_with = email, required = true)]
    email: Option<String>,
    #[schema(schema_with = schema::instant)]
    #[serde(serialize_with = "time")]
    created_at: Timestamp,
    #[schema(schema_with = schema::instant)]
    #[serde(serialize_with = "time")]
    updated_at: Timestamp,
}

/// The rule of [`Email`], as a pattern.
fn email() -> Object {
    let part = format!("[^{CONTROL}{BLANK}@<>,;]");
    let edge = format!("[^{CONTROL}{BLANK}@<>,;.]");
    schema::or_null()
        .description(Some("An e-mail address; it is kept in lower case."))
        .max_length(Some(Email::MAX_CHARS))
        .pattern(Some(format!(
            "^[{BLANK}]*{part}+@{edge}(?:{part}*{edge})?[{BLANK}]*$"
        )))
        .examples(["alice@example.com"])
        .build()
}

impl InVault for Recipient {
    type Kind = RecipientKind;
    type View = View;
    const SEGMENT: &'static str = "recipients";

    fn body() -> Object {
        schema::body([("name", schema::name()), ("email", email())])
            .required("name")
            .build()
    }

    fn example() -> Value {
        json!({"name": "Alice", "email": "alice@example.com"})
    }

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
