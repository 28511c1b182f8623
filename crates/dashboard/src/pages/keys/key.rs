//! One key: what it is, what it was used for, what was done to it.

use actix_web::HttpResponse;
use askama::Template;
use torvus_audit::AuditRecord;
use torvus_domain::{KeyId, KeySnapshot, KeyState, SecretInfo, Timestamp};
use torvus_storage::usage::{self, Usage};
use torvus_storage::usage_secrets::{self, SecretUsage};
use torvus_storage::{Conn, StorageError, secrets as rows, snapshots, trail as changes};

use super::chart::Chart;
use super::moment::Moment;
use super::own;
use super::refused::{self, RefusedRow};
use super::revoke::RevokeView;
use super::secrets::{self, Advice, SecretRow};
use super::trail::{self, Step};
use super::usage::{LimitView, UsageView, first_day};
use super::view::KeyView;
use crate::ask::Ask;
use crate::frame::{Frame, Section};
use crate::page::page;
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

/// How many changes are shown.
const STEPS: u32 = 12;

#[derive(Template)]
#[template(path = "keys/key.html")]
struct KeyPage {
    frame: Frame,
    key: KeyView,
    active: bool,
    revoked: bool,
    notice: Option<&'static str>,
    dead: Option<String>,
    usage: UsageView,
    chart: Chart,
    limit: LimitView,
    addresses: Vec<String>,
    created_by: Option<String>,
    trail: Vec<Step>,
    secrets: Vec<SecretRow>,
    grace: bool,
    advice: Option<Advice>,
    refused: Vec<RefusedRow>,
    revoke: RevokeView,
}

/// All that is known of a key.
struct Known {
    snapshot: KeySnapshot,
    usage: Usage,
    secrets: Vec<SecretInfo>,
    used: Vec<SecretUsage>,
    trail: Vec<AuditRecord>,
    first: Option<AuditRecord>,
    refused: Vec<AuditRecord>,
}

impl Known {
    fn of(c: &mut Conn, id: KeyId, now: Timestamp) -> Result<Option<Self>, StorageError> {
        let Some(snapshot) = snapshots::of_key(c, id, now)?.into_iter().next() else {
            return Ok(None);
        };
        let today = now.date_naive();
        let usage = usage::of_key(c, id, first_day(today), today)?;
        Ok(Some(Self {
            refused: refused::of_key(c, id, &usage)?,
            secrets: rows::of_key(c, &snapshot.key)?,
            used: usage_secrets::of_key(c, id)?,
            first: changes::first(c, id)?,
            trail: changes::of_key(c, id, STEPS)?,
            usage,
            snapshot,
        }))
    }
}

/// Shows it.
pub(crate) async fn show(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let (id, now) = (own(site, &visitor, &ask).await?.id, ask.now);
    site.settle().await;
    let known = site
        .parts
        .store
        .run_read(move |c| Known::of(c, id, now))
        .await?;
    let known = known.ok_or(Problem::NotFound)?;
    let key = &known.snapshot.key;
    let state = key.state(now);
    let old = secrets::in_grace(&known.secrets, now).filter(|_| state == KeyState::Active);
    let created = known.first.as_ref();
    let created = created.filter(|record| record.action.as_deref() == Some("key.create"));
    page(&KeyPage {
        frame: ask.frame(&visitor, Section::Keys),
        active: state == KeyState::Active,
        revoked: state == KeyState::Revoked,
        notice: notice(ask.query().text("done"), state),
        dead: dead(&known.snapshot, state),
        usage: UsageView::of(&known.usage, now),
        chart: Chart::of(&known.usage.days),
        limit: LimitView::of(&known.snapshot, &site.parts.plans.load(), now),
        addresses: key.allowed_ips.entries(),
        created_by: created.map(|record| trail::by(record.actor.as_deref())),
        trail: known.trail.iter().map(Step::of).collect(),
        secrets: secrets::rows(&known.secrets, &known.used, state == KeyState::Revoked, now),
        grace: old.is_some(),
        advice: old.map(|old| secrets::advice(old, &known.used, now)),
        refused: known
            .refused
            .iter()
            .map(|one| RefusedRow::of(one, id, now))
            .collect(),
        revoke: RevokeView::of(key, now),
        key: KeyView::of(key, now),
    })
}

/// What was just done. It is said only where it is so.
fn notice(done: &str, state: KeyState) -> Option<&'static str> {
    match (done, state) {
        ("revoked", KeyState::Revoked) => {
            Some("Revoked everywhere: no server accepts this key any more.")
        }
        ("saved", _) => Some("Saved. It holds on every server."),
        ("same", _) => Some("Nothing was different: all is as it was."),
        ("grace", KeyState::Active) => Some("Saved. Every server knows when the old secret ends."),
        _ => None,
    }
}

fn dead(found: &KeySnapshot, state: KeyState) -> Option<String> {
    let (key, exact) = (&found.key, |at| Moment::at(at).exact);
    match state {
        KeyState::Active => None,
        KeyState::Expired => {
            let end = key.expires_at.map(exact).unwrap_or_default();
            Some(format!(
                "Expired on {end}: every request with it is refused. Edit it to give it another end."
            ))
        }
        KeyState::Revoked => {
            let end = key.revoked_at.map(exact).unwrap_or_default();
            let why = key
                .revoke_reason
                .as_ref()
                .map(|why| format!(" Reason: {why}"));
            Some(format!(
                "Revoked on {end}: every request with it is refused, for good.{}",
                why.unwrap_or_default()
            ))
        }
    }
}
