//! The audit log: what was asked of the API, what was done to keys and
//! accounts, and who signed in.

mod asked;
mod export;
mod find;
mod row;
mod view;
mod words;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use torvus_storage::proofs::{self, Kind};

use crate::ask::Ask;
use crate::frame::Section;
use crate::page::page_with;
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

use asked::Asked;
use find::Found;
use view::AuditLogs;

pub(crate) use export::export;

/// Shows the part of the log that is asked for.
pub(crate) async fn show(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::read(&ask.query(), visitor.account.id);
    let (status, found) = match asked.is_sound() {
        true => (StatusCode::OK, find::find(site, &asked, ask.now).await?),
        false => (StatusCode::BAD_REQUEST, Found::default()),
    };
    let (verified, checkpoint) = site
        .parts
        .store
        .run_read(|c| {
            let verified = proofs::last(c, Kind::Verified)?;
            Ok((verified, proofs::last(c, Kind::Checkpoint)?))
        })
        .await?;
    let page = AuditLogs {
        frame: ask.frame(&visitor, Section::Logs),
        may_export: may_export(site, &visitor),
        plan: visitor.account.plan.to_string(),
        verified,
        checkpoint: checkpoint.map(|proof| proof.at),
        now: ask.now,
        asked,
        found,
    };
    page_with(status, &page)
}

/// Whether the account's plan has exports.
fn may_export(site: &Dashboard, visitor: &Visitor) -> bool {
    let plans = site.parts.plans.load();
    let plan = plans.get(&visitor.account.plan);
    plan.is_some_and(|plan| plan.audit_export)
}
