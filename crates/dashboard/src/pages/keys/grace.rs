//! The grace of an old secret is changed or ended.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use torvus_domain::{ApiKey, GraceEnd, SecretInfo};
use torvus_keyring::keys;
use torvus_storage::secrets as rows;
use torvus_storage::usage_secrets::{self, SecretUsage};

use super::fields::{Errors, Typed};
use super::moment::Moment;
use super::secrets::{Advice, advice, in_grace};
use super::view::sentence;
use super::{LIST, own};
use crate::ask::Ask;
use crate::frame::{Frame, Section};
use crate::page::{page_with, see_other};
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

const ENDS: [(&str, &str); 5] = [
    ("now", "Now"),
    ("1h", "1 hour from now"),
    ("24h", "24 hours from now"),
    ("3d", "3 days from now"),
    ("7d", "7 days from now"),
];

/// The end stays as it is: what an open form stands at.
const KEEP: &str = "keep";

#[derive(Template)]
#[template(path = "keys/grace.html")]
struct GracePage {
    frame: Frame,
    id: String,
    name: String,
    hint: String,
    ends: Moment,
    advice: Advice,
    ends_at: [(&'static str, &'static str); 5],
    chosen: String,
    error: Option<String>,
    reason: String,
    reason_error: Option<String>,
    problem: Option<String>,
}

/// What the page is about: the old secret, while it works.
struct Old {
    key: ApiKey,
    secret: SecretInfo,
    used: Vec<SecretUsage>,
}

async fn old(
    site: &Dashboard,
    visitor: &Visitor,
    ask: &Ask,
) -> Result<(ApiKey, Option<Old>), Problem> {
    let (key, now) = (own(site, visitor, ask).await?, ask.now);
    let asked = key.clone();
    let (secrets, used) = site
        .parts
        .store
        .run_read(move |c| {
            Ok((
                rows::of_key(c, &asked)?,
                usage_secrets::of_key(c, asked.id)?,
            ))
        })
        .await?;
    let secret = in_grace(&secrets, now).cloned();
    let old = secret
        .filter(|_| key.revoked_at.is_none())
        .map(|secret| Old {
            key: key.clone(),
            secret,
            used,
        });
    Ok((key, old))
}

fn shown(
    ask: &Ask,
    visitor: &Visitor,
    old: &Old,
    status: StatusCode,
    (typed, chosen): (&Typed, &str),
    (error, errors): (Option<String>, Errors),
) -> Result<HttpResponse, Problem> {
    let hint = old.secret.hint.as_ref().map(ToString::to_string);
    let page = GracePage {
        frame: ask.frame(visitor, Section::Keys),
        id: old.key.id.to_string(),
        name: old.key.name.to_string(),
        hint: hint.unwrap_or_else(|| format!("Secret {}", old.secret.secret.number)),
        ends: Moment::at(old.secret.secret.ends_at.unwrap_or(ask.now)),
        advice: advice(&old.secret, &old.used, ask.now),
        ends_at: ENDS,
        chosen: chosen.to_owned(),
        error,
        reason: typed.reason.clone(),
        reason_error: errors.reason,
        problem: errors.form,
    };
    page_with(status, &page)
}

/// Shows the form.
pub(crate) async fn show(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let (key, old) = old(site, &visitor, &ask).await?;
    let Some(old) = old else {
        return Ok(see_other(&format!("{LIST}/{}", key.id)));
    };
    let none = (&Typed::default(), KEEP);
    shown(
        &ask,
        &visitor,
        &old,
        StatusCode::OK,
        none,
        (None, Errors::default()),
    )
}

/// Takes the form.
pub(crate) async fn take(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let (key, old) = old(site, &visitor, &ask).await?;
    let old = old.ok_or_else(|| {
        Problem::Conflict("The key has no old secret any more that works.".to_owned())
    })?;
    let (typed, text) = (Typed::read(&ask.form), ask.form.text("end"));
    if text == KEEP {
        return Ok(see_other(&format!("{LIST}/{}?done=same", key.id)));
    }
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let offered = ENDS.iter().any(|(value, _)| *value == text);
    let Some(end) = text.parse::<GraceEnd>().ok().filter(|_| offered) else {
        let error = Some("Choose when it ends.".to_owned());
        return shown(
            &ask,
            &visitor,
            &old,
            refused,
            (&typed, text),
            (error, Errors::default()),
        );
    };
    let (id, reason) = (key.id, typed.reason());
    let (actor, now) = (visitor.actor(), ask.now);
    let done = site
        .try_change(move |store| keys::set_grace(store, id, end, reason.as_deref(), &actor, now))
        .await?;
    match done {
        Ok(_) => Ok(see_other(&format!("{LIST}/{id}?done=grace"))),
        Err(torvus_keyring::KeyringError::Invalid {
            field: "grace",
            message,
        }) => {
            let error = (Some(sentence(message)), Errors::default());
            shown(&ask, &visitor, &old, refused, (&typed, text), error)
        }
        Err(error) => {
            let errors = Errors::of(error)?;
            shown(
                &ask,
                &visitor,
                &old,
                refused,
                (&typed, text),
                (None, errors),
            )
        }
    }
}
