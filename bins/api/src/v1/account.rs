//! Whose key it is.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde::Serialize;
use torvus_web::Call;

use super::{Answer, Context};

#[derive(Serialize)]
struct View<'a> {
    account_id: String,
    email: &'a str,
    plan: &'a str,
    api_version: &'static str,
}

/// `GET /v1/account`
pub(super) async fn get(_context: Arc<Context>, call: Call) -> Answer {
    let account = call.grant.account();
    Ok(HttpResponse::Ok().json(View {
        account_id: account.id.to_string(),
        email: account.email.as_str(),
        plan: account.plan.as_str(),
        api_version: "v1",
    }))
}
