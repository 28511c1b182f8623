//! Vaults.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::json as value;
use torvus_domain::{Refusal, Timestamp, VaultId, kinds::VaultKind};
use torvus_storage::resources::vaults::{self, Vault, VaultChange};
use torvus_web::Call;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::answer::{Shown, id, json, own_vault, scope, settle, time};
use super::body::{self, MAX_BYTES};
use super::described::{Made, Resource};
use super::fields::{Change, Fields};
use super::idempotent::{self, Created, Origin};
use super::{Answer, Context, page, schema};

const MAX_DESCRIPTION_CHARS: usize = 2_000;

#[derive(Serialize, ToSchema)]
#[schema(as = Vault)]
struct View {
    #[schema(schema_with = schema::id::<VaultKind>)]
    id: VaultId,
    #[schema(schema_with = schema::name)]
    name: String,
    #[schema(schema_with = description_schema, required = true)]
    description: Option<String>,
    #[schema(schema_with = schema::instant)]
    #[serde(serialize_with = "time")]
    created_at: Timestamp,
    #[schema(schema_with = schema::instant)]
    #[serde(serialize_with = "time")]
    updated_at: Timestamp,
}

fn description_schema() -> Object {
    schema::text(MAX_DESCRIPTION_CHARS, "What my family needs")
}

/// What the document tells of vaults.
pub(super) fn resource() -> Resource {
    let fields = [
        ("name", schema::name()),
        ("description", description_schema()),
    ];
    Resource::made::<View>(
        "vaults",
        Made {
            body: schema::body(fields).required("name").build(),
            example: value!({"name": "Family papers", "description": "What my family needs"}),
            ..Made::default()
        },
    )
}

impl From<Vault> for View {
    fn from(vault: Vault) -> Self {
        Self {
            id: vault.id,
            name: vault.name,
            description: vault.description,
            created_at: vault.created_at,
            updated_at: vault.updated_at,
        }
    }
}

/// `GET /v1/vaults`
pub(super) async fn list(context: Arc<Context>, call: Call) -> Answer {
    let place = |vault: &Vault| (vault.created_at, vault.id.to_string());
    page::of_account(context, call, vaults::list, place, View::from).await
}

/// `GET /v1/vaults/:id`
pub(super) async fn get(context: Arc<Context>, call: Call) -> Answer {
    let id = id(&call.params, 0)?;
    let scope = scope(&call.grant);
    let found = context.store.run_read(move |c| own_vault(c, scope, id));
    let vault = settle(found.await)?;
    Ok(HttpResponse::Ok().json(View::from(vault)))
}

/// `POST /v1/vaults`
pub(super) async fn create(context: Arc<Context>, call: Call) -> Answer {
    let scope = scope(&call.grant);
    let mut body = body::required(&call.request, call.payload, MAX_BYTES).await?;
    let origin = Origin::of(&call.request, &call.grant, &body.raw)?;
    let name = body.fields.name()?;
    let description = description(&mut body.fields)?.set();
    body.fields.done()?;
    let now = context.clock.now().wall;
    let vault = Vault {
        id: VaultId::new(now),
        scope,
        name,
        description,
        created_at: now,
        updated_at: now,
    };
    let make = move |c: &mut _| {
        vaults::insert(c, &vault)?;
        let location = format!("/v1/vaults/{}", vault.id);
        Ok(json(&View::from(vault)).map(|body| Created {
            body,
            location: Some(location),
        }))
    };
    idempotent::create(&context, origin, now, make).await
}

/// `PUT /v1/vaults/:id`: what is not named is as in a new one.
pub(super) async fn replace(context: Arc<Context>, call: Call) -> Answer {
    change(context, call, |fields| {
        Ok(VaultChange {
            name: Some(fields.name()?),
            description: Some(description(fields)?.set()),
        })
    })
    .await
}

/// `PATCH /v1/vaults/:id`: what is not named stays.
pub(super) async fn update(context: Arc<Context>, call: Call) -> Answer {
    change(context, call, |fields| {
        Ok(VaultChange {
            name: fields.optional_name()?,
            description: match description(fields)? {
                Change::Keep => None,
                Change::Clear => Some(None),
                Change::Set(text) => Some(Some(text)),
            },
        })
    })
    .await
}

async fn change(
    context: Arc<Context>,
    call: Call,
    read: impl FnOnce(&mut Fields) -> Result<VaultChange, Refusal>,
) -> Answer {
    let id = id(&call.params, 0)?;
    let scope = scope(&call.grant);
    let mut body = body::required(&call.request, call.payload, MAX_BYTES).await?;
    let change = read(&mut body.fields)?;
    body.fields.done()?;
    let now = context.clock.now().wall;
    let changed = context.write(Shown::of(&call.grant), move |c| {
        if let Err(refusal) = own_vault(c, scope, id)? {
            return Ok(Err(refusal));
        }
        Ok(vaults::update(c, id, &change, now)?.ok_or(Refusal::NotFound))
    });
    let vault = changed.await?;
    Ok(HttpResponse::Ok().json(View::from(vault)))
}

/// `DELETE /v1/vaults/:id`
pub(super) async fn delete(context: Arc<Context>, call: Call) -> Answer {
    let id = id(&call.params, 0)?;
    let scope = scope(&call.grant);
    let deleted = context.write(Shown::of(&call.grant), move |c| {
        if let Err(refusal) = own_vault(c, scope, id)? {
            return Ok(Err(refusal));
        }
        let there = vaults::delete(c, id)?;
        Ok(there.then_some(()).ok_or(Refusal::NotFound))
    });
    deleted.await?;
    Ok(HttpResponse::NoContent().finish())
}

fn description(fields: &mut Fields) -> Result<Change<String>, Refusal> {
    fields.text("description", MAX_DESCRIPTION_CHARS)
}
