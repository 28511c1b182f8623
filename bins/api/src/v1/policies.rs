//! Policies in a vault.

use serde::Serialize;
use serde_json::{Map, Value, json};
use torvus_domain::{PolicyId, Refusal, Timestamp, VaultId, kinds::PolicyKind as IdsOfPolicies};
use torvus_storage::resources::Page;
use torvus_storage::resources::policies::{self, Policy, PolicyKind, UnknownPolicyKind};
use torvus_storage::{Conn, StorageError};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use super::answer::time;
use super::fields::{Fields, invalid};
use super::in_vault::{InVault, New};
use super::schema;

#[derive(Serialize, ToSchema)]
#[schema(as = Policy)]
pub(super) struct View {
    #[schema(schema_with = schema::id::<IdsOfPolicies>)]
    id: PolicyId,
    #[schema(schema_with = schema::name)]
    name: String,
    #[schema(schema_with = kind)]
    kind: &'static str,
    #[schema(schema_with = settings)]
    settings: Map<String, Value>,
    #[schema(schema_with = schema::instant)]
    #[serde(serialize_with = "time")]
    created_at: Timestamp,
    #[schema(schema_with = schema::instant)]
    #[serde(serialize_with = "time")]
    updated_at: Timestamp,
}

fn kind() -> Object {
    let default = PolicyKind::default().as_str();
    schema::string()
        .description(Some(format!(
            "What sets it off; `{default}` where it is not given."
        )))
        .enum_values(Some(PolicyKind::ALL.map(PolicyKind::as_str)))
        .examples([default])
        .build()
}

fn kind_or_null() -> Object {
    let mut either = kind();
    either.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
    either.enum_values.get_or_insert_default().push(Value::Null);
    either
}

fn settings() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("Any JSON object."))
        .examples([json!({"after_days": 30})])
        .build()
}

fn settings_or_null() -> Object {
    let mut either = settings();
    either.schema_type = SchemaType::from_iter([Type::Object, Type::Null]);
    either
}

impl InVault for Policy {
    type Kind = IdsOfPolicies;
    type View = View;
    const SEGMENT: &'static str = "policies";

    fn body() -> Object {
        let fields = [
            ("name", schema::name()),
            ("kind", kind_or_null()),
            ("settings", settings_or_null()),
        ];
        schema::body(fields).required("name").build()
    }

    fn example() -> Value {
        json!({"name": "A month of silence", "kind": "inactivity", "settings": {"after_days": 30}})
    }

    fn read(fields: &mut Fields, new: New<IdsOfPolicies>) -> Result<Self, Refusal> {
        let name = fields.name()?;
        let kind = fields
            .raw_text("kind")?
            .map_or_else(|| Ok(PolicyKind::default()), |text| text.parse())
            .map_err(|problem: UnknownPolicyKind| invalid("kind", &problem.to_string()))?;
        let settings = Value::Object(fields.object("settings")?.unwrap_or_default());
        Ok(Self {
            id: new.id,
            vault_id: new.vault_id,
            name,
            kind,
            settings: settings.to_string(),
            created_at: new.at,
            updated_at: new.at,
        })
    }

    fn insert(&self, c: &mut Conn) -> Result<(), StorageError> {
        policies::insert(c, self)
    }

    fn list(c: &mut Conn, vault: VaultId, page: &Page) -> Result<Vec<Self>, StorageError> {
        policies::list(c, vault, page)
    }

    fn delete(c: &mut Conn, vault: VaultId, id: PolicyId) -> Result<bool, StorageError> {
        policies::delete(c, vault, id)
    }

    fn place(&self) -> (Timestamp, String) {
        (self.created_at, self.id.to_string())
    }

    fn view(self) -> Result<View, Refusal> {
        let settings = serde_json::from_str(&self.settings).map_err(|_| {
            tracing::error!(policy = %self.id, "the settings of a policy can't be read");
            Refusal::Internal
        })?;
        Ok(View {
            id: self.id,
            name: self.name,
            kind: self.kind.as_str(),
            settings,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_settings_that_are_taken_can_be_told() {
        // One level of a body's 128 is the body itself.
        let text = format!("{}{}", "[".repeat(126), "]".repeat(126));
        let deep: Value = serde_json::from_str(&text).unwrap();
        let new = New {
            id: PolicyId::new(Timestamp::UNIX_EPOCH),
            vault_id: VaultId::new(Timestamp::UNIX_EPOCH),
            at: Timestamp::UNIX_EPOCH,
        };
        let mut fields = Fields::of(json!({"name": "a", "settings": {"deep": deep}}))
            .ok()
            .unwrap();
        let policy = Policy::read(&mut fields, new).ok().unwrap();
        assert_eq!(policy.kind, PolicyKind::Inactivity);
        assert!(policy.view().is_ok());
    }

    #[test]
    fn kinds_are_the_two_of_the_contract() {
        for (kind, good) in [("scheduled", true), ("Scheduled", false), ("", false)] {
            let mut fields = Fields::of(json!({"name": "a", "kind": kind})).ok().unwrap();
            let new = New {
                id: PolicyId::new(Timestamp::UNIX_EPOCH),
                vault_id: VaultId::new(Timestamp::UNIX_EPOCH),
                at: Timestamp::UNIX_EPOCH,
            };
            assert_eq!(Policy::read(&mut fields, new).is_ok(), good, "{kind}");
        }
    }
}
