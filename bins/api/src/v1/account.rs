//! Whose key it is.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde::Serialize;
use torvus_domain::kinds::AccountKind;
use torvus_web::Call;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::described::Resource;
use super::{Answer, Context, schema};

const API_VERSION: &str = "v1";

#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
struct View<'a> {
    #[schema(schema_with = schema::id::<AccountKind>)]
    account_id: String,
    #[schema(schema_with = email)]
    email: &'a str,
    #[schema(schema_with = plan)]
    plan: &'a str,
    #[schema(schema_with = api_version)]
    api_version: &'static str,
}

fn email() -> Object {
    schema::string().examples(["you@example.com"]).build()
}

fn plan() -> Object {
    schema::string().examples(["professional"]).build()
}

fn api_version() -> Object {
    schema::string()
        .enum_values(Some([API_VERSION]))
        .examples([API_VERSION])
        .build()
}

/// What the document tells of accounts.
pub(super) fn resource() -> Resource {
    Resource::shown_only::<View<'_>>("account")
}

/// `GET /v1/account`
pub(super) async fn get(_context: Arc<Context>, call: Call) -> Answer {
    let account = call.grant.account();
    Ok(HttpResponse::Ok().json(View {
        account_id: account.id.to_string(),
        email: account.email.as_str(),
        plan: account.plan.as_str(),
        api_version: API_VERSION,
    }))
}
