//! Check-ins.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json as value;
use torvus_domain::{CheckInId, Timestamp, kinds::CheckInKind};
use torvus_storage::resources::check_ins::{self, CheckIn};
use torvus_web::Call;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::answer::{json, scope, time};
use super::body::{self, MAX_BYTES};
use super::described::{Made, Resource};
use super::idempotent::{self, Created, Origin};
use super::{Answer, Context, page, schema};

const MAX_NOTE_CHARS: usize = 2_000;

#[derive(Serialize, ToSchema)]
#[schema(as = CheckIn)]
struct View {
    #[schema(schema_with = schema::id::<CheckInKind>)]
    id: CheckInId,
    #[schema(schema_with = note, required = true)]
    note: Option<String>,
    #[schema(schema_with = schema::instant)]
    #[serde(serialize_with = "time")]
    created_at: Timestamp,
    #[schema(schema_with = schema::instant)]
    #[serde(serialize_with = "time")]
    updated_at: Timestamp,
}

fn note() -> Object {
    schema::text(MAX_NOTE_CHARS, "Still here")
}

/// What the document tells of check-ins.
pub(super) fn resource() -> Resource {
    Resource::made::<View>(
        "check-ins",
        Made {
            body: schema::body([("note", note())]).build(),
            example: value!({"note": "Still here"}),
            required: false,
            located: false,
            ..Made::default()
        },
    )
}

impl From<CheckIn> for View {
    fn from(check_in: CheckIn) -> Self {
        Self {
            id: check_in.id,
            note: check_in.note,
            created_at: check_in.created_at,
            updated_at: check_in.updated_at,
        }
    }
}

/// `GET /v1/check-ins`
pub(super) async fn list(context: Arc<Context>, call: Call) -> Answer {
    let place = |check_in: &CheckIn| (check_in.created_at, check_in.id.to_string());
    page::of_account(context, call, check_ins::list, place, View::from).await
}

/// `POST /v1/check-ins`: all of it is optional, the body too. A check-in has
/// no address of its own, so there is no `Location`.
pub(super) async fn create(context: Arc<Context>, call: Call) -> Answer {
    let scope = scope(&call.grant);
    let mut body = body::optional(&call.request, call.payload, MAX_BYTES).await?;
    let origin = Origin::of(&call.request, &call.grant, &body.raw)?;
    let note = body.fields.text("note", MAX_NOTE_CHARS)?.set();
    body.fields.done()?;
    let now = context.clock.now().wall;
    let check_in = CheckIn {
        id: CheckInId::new(now),
        scope,
        note,
        created_at: now,
        updated_at: now,
    };
    let make = move |c: &mut _| {
        check_ins::insert(c, &check_in)?;
        Ok(json(&View::from(check_in)).map(|body| Created {
            body,
            location: None,
        }))
    };
    idempotent::create(&context, origin, now, make).await
}
