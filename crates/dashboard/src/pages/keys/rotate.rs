//! A key gets a new secret.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use torvus_domain::{ApiKey, Grace, KeyState};
use torvus_key_core::Environment;
use torvus_keyring::keys;

use super::create::confirm_first;
use super::fields::{Errors, Typed};
use super::moment::Moment;
use super::query::encoded;
use super::shown_once::shown_once;
use super::{LIST, own};
use crate::ask::Ask;
use crate::frame::{Frame, Section};
use crate::page::{page_with, see_other};
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

/// How long the old secret may go on: value, words, what that is good for.
const GRACES: [(&str, &str, &str); 5] = [
    (
        "0",
        "Now",
        "If it may have leaked. What still uses it fails at once.",
    ),
    (
        "1h",
        "In 1 hour",
        "For one program that you can restart yourself.",
    ),
    ("24h", "In 24 hours (recommended)", "Time for a deployment."),
    ("3d", "In 3 days", "Over a weekend."),
    ("7d", "In 7 days", "For programs that others run."),
];
const USUAL: &str = "24h";

#[derive(Template)]
#[template(path = "keys/rotate.html")]
struct RotatePage {
    frame: Frame,
    id: String,
    name: String,
    graces: [(&'static str, &'static str, &'static str); 5],
    chosen: String,
    error: Option<String>,
    reason: String,
    reason_error: Option<String>,
    problem: Option<String>,
}

fn shown(
    ask: &Ask,
    visitor: &Visitor,
    key: &ApiKey,
    status: StatusCode,
    (typed, grace): (&Typed, &str),
    (error, errors): (Option<String>, Errors),
) -> Result<HttpResponse, Problem> {
    let page = RotatePage {
        frame: ask.frame(visitor, Section::Keys),
        id: key.id.to_string(),
        name: key.name.to_string(),
        graces: GRACES,
        chosen: grace.to_owned(),
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
    let key = own(site, &visitor, &ask).await?;
    if key.state(ask.now) != KeyState::Active {
        return Ok(see_other(&format!("{LIST}/{}", key.id)));
    }
    let asked = ask.query();
    if key.environment == Environment::Live && visitor.must_confirm(ask.now) {
        return Ok(first_the_password(
            &key,
            asked.text("grace"),
            asked.text("reason"),
        ));
    }
    let grace = Some(asked.text("grace")).filter(|grace| !grace.is_empty());
    let typed = Typed::read(&asked);
    let chosen = (&typed, grace.unwrap_or(USUAL));
    shown(
        &ask,
        &visitor,
        &key,
        StatusCode::OK,
        chosen,
        (None, Errors::default()),
    )
}

fn first_the_password(key: &ApiKey, grace: &str, reason: &str) -> HttpResponse {
    let mut kept = vec![("grace", grace), ("reason", reason)];
    kept.retain(|(_, value)| !value.is_empty());
    confirm_first(&format!("{LIST}/{}/rotate?{}", key.id, encoded(kept)))
}

/// Takes the form: rotates the key, and shows its new secret.
pub(crate) async fn take(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let key = own(site, &visitor, &ask).await?;
    let typed = Typed::read(&ask.form);
    let text = ask.form.text("grace");
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let Some(grace) = chosen(text) else {
        let error = Some("Choose when the old secret ends.".to_owned());
        return shown(
            &ask,
            &visitor,
            &key,
            refused,
            (&typed, text),
            (error, Errors::default()),
        );
    };
    if key.environment == Environment::Live && visitor.must_confirm(ask.now) {
        return Ok(first_the_password(&key, text, &typed.reason));
    }
    let (ring, reason) = (site.parts.material.peppers(), typed.reason());
    let (id, actor, now) = (key.id, visitor.actor(), ask.now);
    let done = site
        .try_change(move |store| {
            keys::rotate(store, &ring, id, grace, reason.as_deref(), &actor, now)
        })
        .await?;
    match done {
        Ok(rotated) => {
            let old = match rotated
                .old
                .ends_at
                .filter(|_| rotated.old.ended_at.is_none())
            {
                Some(end) => format!("Works until {}", Moment::at(end).exact),
                None => "Ended: no server accepts it any more".to_owned(),
            };
            shown_once(
                site,
                &ask,
                &visitor,
                &rotated.key,
                &rotated.token,
                Some(old),
            )
        }
        Err(error) => {
            let errors = Errors::of(error)?;
            shown(
                &ask,
                &visitor,
                &key,
                refused,
                (&typed, text),
                (None, errors),
            )
        }
    }
}

/// Only what the form offers.
fn chosen(text: &str) -> Option<Grace> {
    let offered = GRACES.iter().any(|(value, ..)| *value == text);
    text.parse().ok().filter(|_| offered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_can_be_chosen_and_nothing_else() {
        assert!(GRACES.iter().all(|(value, ..)| chosen(value).is_some()));
        assert!(chosen(USUAL) == Some(Grace::default()));
        for other in ["", "2h", "30d", "now"] {
            assert!(chosen(other).is_none(), "{other}");
        }
    }
}
