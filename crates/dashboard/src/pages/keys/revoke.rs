//! A key is revoked: on a page of its own, or in a dialog on the key's.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::TimeDelta;
use torvus_domain::{ApiKey, KeyState, Timestamp};
use torvus_key_core::Environment;
use torvus_keyring::{KeyringError, keys};

use super::moment::Moment;
use super::view::sentence;
use super::{LIST, own, view};
use crate::ask::Ask;
use crate::frame::{Frame, Section};
use crate::page::{page_with, see_other};
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

/// A live key that was used within this time is not revoked by a slip.
const IN_USE: TimeDelta = TimeDelta::hours(24);

/// What is asked before a key is revoked.
#[derive(Clone, Default)]
pub(super) struct RevokeView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) hint: String,
    pub(super) environment: String,
    pub(super) last_used: String,
    pub(super) consequence: String,
    pub(super) must_type: bool,
    pub(super) typed: String,
    pub(super) reason: String,
    pub(super) error: Option<String>,
    pub(super) reason_error: Option<String>,
    pub(super) problem: Option<String>,
}

impl RevokeView {
    pub(super) fn of(key: &ApiKey, now: Timestamp) -> Self {
        let last_used = key.last_used_at.map(|at| Moment::ago(at, now));
        Self {
            id: key.id.to_string(),
            name: key.name.to_string(),
            hint: key.hint.to_string(),
            environment: view::environment(key.environment).text,
            last_used: last_used.map_or_else(
                || "Never".to_owned(),
                |at| format!("{} ({})", at.text, at.exact),
            ),
            consequence: match key.last_used_at {
                Some(_) => "From then on every server refuses it, with all its secrets: whatever still uses it fails at once. That can't be undone.",
                None => "From then on every server refuses it. It was never used. That can't be undone.",
            }
            .to_owned(),
            must_type: must_type(key, now),
            ..Self::default()
        }
    }
}

fn must_type(key: &ApiKey, now: Timestamp) -> bool {
    key.environment == Environment::Live
        && key.state(now) == KeyState::Active
        && key.last_used_at.is_some_and(|at| now - at < IN_USE)
}

/// Whether a name was typed as it is seen: several blanks look like one.
fn same(typed: &str, name: &str) -> bool {
    typed.split_whitespace().eq(name.split_whitespace())
}

#[derive(Template)]
#[template(path = "keys/revoke.html")]
struct RevokePage {
    frame: Frame,
    revoke: RevokeView,
}

fn shown(
    ask: &Ask,
    visitor: &Visitor,
    status: StatusCode,
    revoke: RevokeView,
) -> Result<HttpResponse, Problem> {
    let frame = ask.frame(visitor, Section::Keys);
    page_with(status, &RevokePage { frame, revoke })
}

/// Asks.
pub(crate) async fn show(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let key = own(site, &visitor, &ask).await?;
    if key.revoked_at.is_some() {
        return Ok(see_other(&format!("{LIST}/{}", key.id)));
    }
    shown(
        &ask,
        &visitor,
        StatusCode::OK,
        RevokeView::of(&key, ask.now),
    )
}

/// Revokes it.
pub(crate) async fn take(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let key = own(site, &visitor, &ask).await?;
    let mut view = RevokeView::of(&key, ask.now);
    view.typed = ask.form.text("confirm").to_owned();
    view.reason = ask.form.text("reason").to_owned();
    if view.must_type && !same(&view.typed, key.name.as_str()) {
        view.error = Some(match view.typed.trim() {
            "" => "Type the key's name to revoke it.".to_owned(),
            _ => "That is not the key's name.".to_owned(),
        });
        return shown(&ask, &visitor, StatusCode::UNPROCESSABLE_ENTITY, view);
    }
    let reason = Some(view.reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    let (id, actor, now) = (key.id, visitor.actor(), ask.now);
    let done = site
        .try_change(move |store| keys::revoke(store, id, reason.as_deref(), &actor, now))
        .await?;
    match done {
        Ok(_) => Ok(see_other(&format!("{LIST}/{id}?done=revoked"))),
        Err(KeyringError::Invalid { message, .. }) => {
            view.reason_error = Some(sentence(message));
            shown(&ask, &visitor, StatusCode::UNPROCESSABLE_ENTITY, view)
        }
        Err(error) => Err(error.into()),
    }
}
