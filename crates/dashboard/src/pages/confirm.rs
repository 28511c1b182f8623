//! The password once more, before something that matters.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::ask::Ask;
use crate::frame::{Frame, Section};
use crate::page::{page_with, see_other};
use crate::pages::login::START;
use crate::problem::Problem;
use crate::site::{Dashboard, local};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirm {
    frame: Frame,
    next: String,
    error: Option<String>,
}

/// Asks for it, or leads on where it was given lately.
pub(crate) async fn show(
    _site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let query = ask.query();
    if visitor.must_confirm(ask.now) {
        return shown(&visitor, &ask, query.text("next"), None);
    }
    Ok(see_other(local(query.text("next")).unwrap_or(START)))
}

/// Takes it, and leads on.
pub(crate) async fn take(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let next = ask.form.text("next");
    match site.confirmed(&visitor, &ask).await? {
        Ok(()) => Ok(see_other(local(next).unwrap_or(START))),
        Err(error) => shown(&visitor, &ask, next, Some(error)),
    }
}

fn shown(
    visitor: &Visitor,
    ask: &Ask,
    next: &str,
    error: Option<String>,
) -> Result<HttpResponse, Problem> {
    let status = match error {
        Some(_) => StatusCode::FORBIDDEN,
        None => StatusCode::OK,
    };
    let page = Confirm {
        frame: ask.frame(visitor, Section::None),
        next: local(next).unwrap_or_default().to_owned(),
        error,
    };
    page_with(status, &page)
}
