//! A key is changed.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use torvus_domain::{ApiKey, rfc3339};
use torvus_keyring::keys::{self, Edit};

use super::create::problem;
use super::fields::{Chosen, Errors, Typed};
use super::moment::{Moment, grouped};
use super::query::encoded;
use super::view::{PlanView, addresses, environment, words};
use super::{LIST, own};
use crate::ask::Ask;
use crate::frame::{Frame, Section};
use crate::page::{page_with, see_other};
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "keys/edit.html")]
struct EditPage {
    frame: Frame,
    id: String,
    name: String,
    environment: String,
    expires: Option<Moment>,
    ends_word: &'static str,
    has_list: bool,
    typed: Typed,
    chosen: Chosen,
    errors: Errors,
    problem: Option<String>,
    plan: PlanView,
    /// What of the key the form was filled in with.
    seen: String,
}

/// The field that holds it.
const SEEN: &str = "seen";

/// Shows the form: filled in with the key, and over it with what stands in the
/// query.
pub(crate) async fn show(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let key = own(site, &visitor, &ask).await?;
    if key.revoked_at.is_some() {
        return Ok(see_other(&format!("{LIST}/{}", key.id)));
    }
    let (mut typed, asked) = (as_it_is(&key), ask.query());
    let proposed = Typed::read(&asked);
    if asked.has("permissions") {
        typed.permissions = proposed.permissions;
    }
    if asked.has("allowed_ips") {
        typed.allowed_ips = proposed.allowed_ips;
    }
    if asked.has("expiration") {
        (typed.expiration, typed.expires_on) = (proposed.expiration, proposed.expires_on);
    }
    shown(
        site,
        &visitor,
        &ask,
        &key,
        StatusCode::OK,
        (typed, Errors::default()),
    )
}

fn as_it_is(key: &ApiKey) -> Typed {
    Typed {
        name: key.name.to_string(),
        permissions: key.permissions.iter().map(|one| one.to_string()).collect(),
        expiration: "keep".to_owned(),
        allowed_ips: key.allowed_ips.entries().join("\n"),
        limit: key.limit.map(|limit| limit.to_string()).unwrap_or_default(),
        ..Typed::default()
    }
}

fn shown(
    site: &Dashboard,
    visitor: &Visitor,
    ask: &Ask,
    key: &ApiKey,
    status: StatusCode,
    (typed, errors): (Typed, Errors),
) -> Result<HttpResponse, Problem> {
    let plans = site.parts.plans.load();
    let plan = PlanView::of(&visitor.account, &plans, Some(key.environment))?;
    let page = EditPage {
        frame: ask.frame(visitor, Section::Keys),
        id: key.id.to_string(),
        name: key.name.to_string(),
        environment: environment(key.environment).text,
        expires: key.expires_at.map(Moment::at),
        ends_word: match key.expires_at.is_some_and(|end| end <= ask.now) {
            true => "It ended on",
            false => "It ends on",
        },
        has_list: !key.allowed_ips.is_empty(),
        chosen: typed.chosen(),
        problem: problem(&errors),
        typed,
        errors,
        plan,
        seen: digest(key),
    };
    page_with(status, &page)
}

/// Tells a key from how it is after any change that the form could undo.
fn digest(key: &ApiKey) -> String {
    let mut pairs = vec![
        ("name", key.name.to_string()),
        ("permissions", key.permissions.to_string()),
        ("expires", key.expires_at.map(rfc3339).unwrap_or_default()),
        (
            "limit",
            key.limit.map(|limit| limit.to_string()).unwrap_or_default(),
        ),
    ];
    let entries = key.allowed_ips.entries().into_iter();
    pairs.extend(entries.map(|entry| ("allowed_ips", entry.to_string())));
    URL_SAFE_NO_PAD.encode(Sha256::digest(encoded(pairs)))
}

/// What is said where somebody else, or another tab, was faster.
fn changed_meanwhile(key: &ApiKey, plan: &str) -> String {
    let limit = match key.limit {
        Some(limit) => format!("{} requests an hour", grouped(limit.into())),
        None => format!("that of the plan {plan}"),
    };
    let end = key.expires_at.map(|end| Moment::at(end).exact);
    format!(
        "The key was changed after this form was opened. Nothing was saved. \
         It is now: {}. Permissions: {}. Expires: {}. Addresses: {}. Limit: {limit}. \
         Below is what you typed: saved once more, it takes the place of that.",
        key.name,
        words(key.permissions).join(", "),
        end.unwrap_or_else(|| "never".to_owned()),
        addresses(&key.allowed_ips),
    )
}

/// Takes the form.
pub(crate) async fn take(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let key = own(site, &visitor, &ask).await?;
    let typed = Typed::read(&ask.form);
    let mut errors = Errors::default();
    let seen = ask.form.text(SEEN);
    if !seen.is_empty() && seen != digest(&key) {
        let plan = visitor.account.plan.to_string();
        errors.form = Some(changed_meanwhile(&key, &plan));
        let conflict = StatusCode::CONFLICT;
        return shown(site, &visitor, &ask, &key, conflict, (typed, errors));
    }
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let Some(edit) = read(&typed, &mut errors) else {
        return shown(site, &visitor, &ask, &key, refused, (typed, errors));
    };
    let (id, plans, reason) = (key.id, site.parts.plans.load_full(), typed.reason());
    let (actor, now) = (visitor.actor(), ask.now);
    let done = site
        .try_change(move |store| {
            keys::edit(store, &plans, id, &edit, reason.as_deref(), &actor, now)
        })
        .await?;
    match done {
        Ok(changed) => {
            let done = if changed.changed { "saved" } else { "same" };
            Ok(see_other(&format!("{LIST}/{id}?done={done}")))
        }
        Err(error) => {
            let errors = Errors::of(error)?;
            shown(site, &visitor, &ask, &key, refused, (typed, errors))
        }
    }
}

fn read(typed: &Typed, errors: &mut Errors) -> Option<Edit> {
    let name = errors.name(typed);
    let permissions = errors.permissions(typed);
    let expiry = errors.expiry(typed);
    let addresses = errors.addresses(typed);
    let limit = errors.limit(typed);
    Some(Edit {
        name: Some(name?),
        permissions: Some(permissions?),
        expiry: expiry?,
        allowed_ips: addresses?,
        limit: Some(limit?),
    })
}
