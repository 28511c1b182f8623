//! The way in.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use secrecy::SecretString;
use torvus_keyring::CookieSecret;
use torvus_keyring::sign_in::{Attempt, SignedIn, sign_in};

use crate::ask::Ask;
use crate::cookies::Cookie;
use crate::form::Tokens;
use crate::frame::Frame;
use crate::page::{page_with, see_other};
use crate::problem::Problem;
use crate::site::{Dashboard, local};

/// Where everything begins.
pub(crate) const START: &str = "/settings/api-keys";

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    frame: Frame,
    next: String,
    email: String,
    error: Option<String>,
}

/// Leads to the list of keys.
pub(crate) async fn home(_site: &Dashboard, _ask: Ask) -> Result<HttpResponse, Problem> {
    Ok(see_other(START))
}

/// Shows the form, or leads on who is signed in already.
pub(crate) async fn show(site: &Dashboard, ask: Ask) -> Result<HttpResponse, Problem> {
    let visitor = site.visitor(ask.http.headers(), ask.https, ask.now).await?;
    let query = ask.query();
    if visitor.is_some() {
        return Ok(see_other(local(query.text("next")).unwrap_or(START)));
    }
    shown(&ask, StatusCode::OK, query.text("next"), "", None)
}

fn shown(
    ask: &Ask,
    status: StatusCode,
    next: &str,
    email: &str,
    error: Option<String>,
) -> Result<HttpResponse, Problem> {
    let made = match &ask.browser {
        Some(_) => None,
        None => Some(CookieSecret::generate()?),
    };
    let secret = ask.browser.as_ref().or(made.as_ref());
    let tokens = secret.and_then(|secret| Tokens::new(secret, ask.now));
    let page = Login {
        frame: ask.open_frame().with_tokens(tokens),
        next: local(next).unwrap_or_default().to_owned(),
        email: email.to_owned(),
        error,
    };
    let mut answer = page_with(status, &page)?;
    if let Some(made) = &made {
        Cookie::Browser.set(&mut answer, made, ask.https);
    }
    Ok(answer)
}

/// Takes the form: signs in, with a session that is new.
pub(crate) async fn take(site: &Dashboard, ask: Ask) -> Result<HttpResponse, Problem> {
    let email = ask.form.text("email").to_owned();
    let next = ask.form.text("next").to_owned();
    let attempt = Attempt {
        email: email.clone(),
        password: SecretString::from(ask.form.text("password")),
        client: ask.client.clone(),
    };
    let now = ask.now;
    let permit = site
        .hashing
        .acquire()
        .await
        .map_err(|_| Problem::Internal)?;
    let outcome = site
        .change(move |store| sign_in(store, &attempt, now))
        .await?;
    drop(permit);
    let error = match outcome {
        SignedIn::Yes(entered) => {
            let mut answer = see_other(local(&next).unwrap_or(START));
            Cookie::Session.set(&mut answer, &entered.secret, ask.https);
            return Ok(answer);
        }
        SignedIn::Wrong => "Wrong email or password.",
        SignedIn::Suspended => "This account is suspended. Ask whoever runs this server.",
    };
    shown(
        &ask,
        StatusCode::UNAUTHORIZED,
        &next,
        &email,
        Some(error.to_owned()),
    )
}
