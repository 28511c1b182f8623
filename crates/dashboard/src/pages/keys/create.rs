//! A key is generated.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use torvus_authz::RouteTable;
use torvus_domain::{Account, Permission};
use torvus_key_core::Environment;
use torvus_key_core::redact;
use torvus_keyring::keys::{self, NewKey};

use super::LIST;
use super::fields::{Chosen, Errors, Typed};
use super::query::encoded;
use super::shown_once::shown_once;
use super::view::{PlanView, word};
use crate::ask::Ask;
use crate::frame::{Frame, Section};
use crate::page::{page_with, see_other};
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "keys/new.html")]
struct NewPage {
    frame: Frame,
    typed: Typed,
    chosen: Chosen,
    errors: Errors,
    problem: Option<String>,
    plan: PlanView,
    routes: Vec<(&'static str, &'static str, Vec<String>)>,
}

/// Shows the form. What stands in the query is filled in already.
pub(crate) async fn show(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let mut typed = Typed::read(&ask.query());
    let usual = |place: &mut String, value: &str| {
        if place.is_empty() {
            value.clone_into(place);
        }
    };
    usual(&mut typed.environment, "test");
    usual(&mut typed.expiration, "90d");
    shown(
        site,
        &visitor,
        &ask,
        StatusCode::OK,
        typed,
        Errors::default(),
    )
}

fn shown(
    site: &Dashboard,
    visitor: &Visitor,
    ask: &Ask,
    status: StatusCode,
    typed: Typed,
    errors: Errors,
) -> Result<HttpResponse, Problem> {
    let plan = PlanView::of(&visitor.account, &site.parts.plans.load(), None)?;
    let page = NewPage {
        frame: ask.frame(visitor, Section::Keys),
        chosen: typed.chosen(),
        problem: problem(&errors),
        routes: routes(&site.parts.routes.load()),
        typed,
        errors,
        plan,
    };
    page_with(status, &page)
}

/// What stands above a form that was refused.
pub(super) fn problem(errors: &Errors) -> Option<String> {
    let general = || "Nothing was changed yet: see below what is wrong.".to_owned();
    errors.form.clone().or_else(|| errors.any().then(general))
}

/// What each permission opens.
fn routes(table: &RouteTable) -> Vec<(&'static str, &'static str, Vec<String>)> {
    let of = |permission: Permission| {
        let routes = table.routes().iter();
        let own = routes.filter(|route| route.permission == Some(permission));
        let lines = own.map(|route| format!("{} {}", route.method, route.pattern));
        (permission.as_str(), word(permission), lines.collect())
    };
    Permission::ALL.into_iter().map(of).collect()
}

/// Takes the form: makes the key, and shows it.
pub(crate) async fn take(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let typed = Typed::read(&ask.form);
    let mut errors = Errors::default();
    let Some(new) = new_key(&typed, &visitor.account, &mut errors) else {
        return shown(
            site,
            &visitor,
            &ask,
            StatusCode::UNPROCESSABLE_ENTITY,
            typed,
            errors,
        );
    };
    if new.environment == Environment::Live && visitor.must_confirm(ask.now) {
        return Ok(confirm_first(&format!("{LIST}/new?{}", again(&typed))));
    }
    let (ring, plans) = (site.parts.material.peppers(), site.parts.plans.load_full());
    let (actor, now) = (visitor.actor(), ask.now);
    let made = site
        .try_change(move |store| keys::issue(store, &ring, &plans, &new, &actor, now))
        .await?;
    match made {
        Ok(issued) => shown_once(site, &ask, &visitor, &issued.key, &issued.token, None),
        Err(error) => {
            let errors = Errors::of(error)?;
            shown(
                site,
                &visitor,
                &ask,
                StatusCode::UNPROCESSABLE_ENTITY,
                typed,
                errors,
            )
        }
    }
}

/// Leads to where the password is given again, and back with all that was typed;
/// but a whole key does not get into a URL.
pub(super) fn confirm_first(next: &str) -> HttpResponse {
    // What is redacted is not ASCII any more, and a path is.
    let next = redact(next).replace('…', "%E2%80%A6");
    see_other(&format!("/confirm?{}", encoded([("next", next)])))
}

fn again(typed: &Typed) -> String {
    let mut pairs = vec![
        ("name", typed.name.as_str()),
        ("environment", &typed.environment),
        ("expiration", &typed.expiration),
        ("expires_on", &typed.expires_on),
        ("allowed_ips", &typed.allowed_ips),
        ("limit", &typed.limit),
    ];
    pairs.extend(
        typed
            .permissions
            .iter()
            .map(|one| ("permissions", one.as_str())),
    );
    pairs.retain(|(_, value)| !value.is_empty());
    encoded(pairs)
}

fn new_key(typed: &Typed, account: &Account, errors: &mut Errors) -> Option<NewKey> {
    let name = errors.name(typed);
    let permissions = errors.permissions(typed);
    let environment: Option<Environment> = typed.environment.parse().ok();
    if environment.is_none() {
        errors.environment = Some("Choose which data the key is for: live or test.".to_owned());
    }
    let expiry = errors.expiry(typed);
    let addresses = errors.addresses(typed);
    let limit = errors.limit(typed);
    Some(NewKey {
        account_id: account.id,
        name: name?,
        environment: environment?,
        permissions: permissions?,
        // A new key has no end yet that could stay.
        expiry: expiry?.unwrap_or_default(),
        allowed_ips: addresses?.unwrap_or_default(),
        limit: limit?,
    })
}
