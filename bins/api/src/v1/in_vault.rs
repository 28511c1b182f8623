//! What lies in a vault: how it is listed, made and deleted, whatever it is.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::Value;
use torvus_domain::{Id, IdKind, Refusal, Timestamp, VaultId};
use torvus_storage::resources::Page;
use torvus_storage::{Conn, StorageError};
use torvus_web::Call;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::answer::{Shown, id, json, own_vault, scope, settle};
use super::body;
use super::described::{Made, Resource};
use super::fields::Fields;
use super::idempotent::{self, Created, Origin};
use super::{Answer, Context, page};

/// One kind of thing that lies in a vault.
pub(super) trait InVault: Sized + Send + 'static {
    /// The kind of its identifiers.
    type Kind: IdKind;
    /// How it is told.
    type View: Serialize + ToSchema;
    /// The part of a path that names its list.
    const SEGMENT: &'static str;
    /// What the body of a new one may have at most.
    const MAX_BODY_BYTES: usize = body::MAX_BYTES;

    /// What [`read`](Self::read) takes, as the document tells it.
    fn body() -> Object;
    /// A body that makes one.
    fn example() -> Value;
    /// Reads a new one from what was sent.
    fn read(fields: &mut Fields, new: New<Self::Kind>) -> Result<Self, Refusal>;
    /// Puts it into the store.
    fn insert(&self, c: &mut Conn) -> Result<(), StorageError>;
    /// A page of those in a vault.
    fn list(c: &mut Conn, vault: VaultId, page: &Page) -> Result<Vec<Self>, StorageError>;
    /// Deletes one; false where it is not in the vault.
    fn delete(c: &mut Conn, vault: VaultId, id: Id<Self::Kind>) -> Result<bool, StorageError>;
    /// Its place in the list.
    fn place(&self) -> (Timestamp, String);
    /// Tells it.
    fn view(self) -> Result<Self::View, Refusal>;
}

/// What a new one gets without being asked.
pub(super) struct New<K> {
    pub(super) id: Id<K>,
    pub(super) vault_id: VaultId,
    pub(super) at: Timestamp,
}

/// What the document tells of this kind.
pub(super) fn resource<T: InVault>() -> Resource {
    Resource::made::<T::View>(
        T::SEGMENT,
        Made {
            body: T::body(),
            example: T::example(),
            max_bytes: T::MAX_BODY_BYTES,
            ..Made::default()
        },
    )
}

/// `GET /v1/vaults/:id/…`
pub(super) async fn list<T: InVault>(context: Arc<Context>, call: Call) -> Answer {
    let vault_id = id(&call.params, 0)?;
    let page = page::from_query(call.request.query_string())?;
    let scope = scope(&call.grant);
    let asked = page.clone();
    let rows = context.store.run_read(move |c| {
        if let Err(refusal) = own_vault(c, scope, vault_id)? {
            return Ok(Err(refusal));
        }
        T::list(c, vault_id, &asked).map(Ok)
    });
    page::answer(&page, settle(rows.await)?, T::place, T::view)
}

/// `POST /v1/vaults/:id/…`
pub(super) async fn create<T: InVault>(context: Arc<Context>, call: Call) -> Answer {
    let vault_id = id(&call.params, 0)?;
    let scope = scope(&call.grant);
    let mut body = body::required(&call.request, call.payload, T::MAX_BODY_BYTES).await?;
    let origin = Origin::of(&call.request, &call.grant, &body.raw)?;
    let now = context.clock.now().wall;
    let new = New {
        id: Id::new(now),
        vault_id,
        at: now,
    };
    let location = format!("/v1/vaults/{vault_id}/{}/{}", T::SEGMENT, new.id);
    let item = T::read(&mut body.fields, new)?;
    body.fields.done()?;
    let make = move |c: &mut _| {
        if let Err(refusal) = own_vault(c, scope, vault_id)? {
            return Ok(Err(refusal));
        }
        item.insert(c)?;
        Ok(item
            .view()
            .and_then(|view| json(&view))
            .map(|body| Created {
                body,
                location: Some(location),
            }))
    };
    idempotent::create(&context, origin, now, make).await
}

/// `DELETE /v1/vaults/:id/…/:id`
pub(super) async fn delete<T: InVault>(context: Arc<Context>, call: Call) -> Answer {
    let vault_id = id(&call.params, 0)?;
    // Not read yet: whose the vault is counts before what is in it.
    let item_id = id::<T::Kind>(&call.params, 1);
    let scope = scope(&call.grant);
    let deleted = context.write(Shown::of(&call.grant), move |c| {
        if let Err(refusal) = own_vault(c, scope, vault_id)? {
            return Ok(Err(refusal));
        }
        let there = match item_id {
            Ok(id) => T::delete(c, vault_id, id)?,
            Err(refusal) => return Ok(Err(refusal)),
        };
        Ok(there.then_some(()).ok_or(Refusal::NotFound))
    });
    deleted.await?;
    Ok(HttpResponse::NoContent().finish())
}
