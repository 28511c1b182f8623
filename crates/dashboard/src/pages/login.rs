//! The way in.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use askama::Template;
use chrono::TimeDelta;
use percent_encoding::utf8_percent_encode;
use secrecy::SecretString;
use torvus_keyring::CookieSecret;
use torvus_keyring::sign_in::{Attempt, SignedIn, sign_in, take_try};

use crate::ask::Ask;
use crate::confirmed::{seconds, slow_down};
use crate::cookies::Cookie;
use crate::counts::count;
use crate::form::Tokens;
use crate::frame::Frame;
use crate::page::{page_with, see_other};
use crate::problem::Problem;
use crate::site::{Dashboard, IN_QUERY, local};

/// Where everything begins.
pub(crate) const START: &str = "/settings/api-keys";

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    frame: Frame,
    next: String,
    email: String,
    notice: Option<&'static str>,
    error: Option<String>,
}

/// What the form is shown with.
#[derive(Default)]
struct Shown<'a> {
    next: &'a str,
    email: &'a str,
    notice: Option<&'static str>,
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
    let signed_out = query.text("done") == "sign-out";
    let with = Shown {
        next: query.text("next"),
        notice: signed_out.then_some("You are signed out."),
        ..Shown::default()
    };
    shown(&ask, StatusCode::OK, with)
}

fn shown(ask: &Ask, status: StatusCode, with: Shown<'_>) -> Result<HttpResponse, Problem> {
    let made = match &ask.browser {
        Some(_) => None,
        None => Some(CookieSecret::generate()?),
    };
    let secret = ask.browser.as_ref().or(made.as_ref());
    let tokens = secret.and_then(|secret| Tokens::new(secret, ask.now));
    let page = Login {
        frame: ask.open_frame().with_tokens(tokens),
        next: local(with.next).unwrap_or_default().to_owned(),
        email: with.email.to_owned(),
        notice: with.notice,
        error: with.error,
    };
    let mut answer = page_with(status, &page)?;
    if let Some(made) = &made {
        Cookie::Browser.set(&mut answer, made, ask.https);
    }
    Ok(answer)
}

/// Takes the form: signs in, with a session that is new.
pub(crate) async fn take(site: &Dashboard, ask: Ask) -> Result<HttpResponse, Problem> {
    let headers = ask.http.headers();
    let (email, next) = (ask.form.text("email"), ask.form.text("next"));
    let attempt = Attempt {
        email: email.to_owned(),
        password: SecretString::from(ask.form.text("password")),
        client: ask.client.clone(),
        browser: Cookie::Browser.read(headers, ask.https),
        held: Cookie::Session.read(headers, ask.https),
    };
    let now = ask.now;
    let taken = site.change(move |store| take_try(store, attempt, now));
    let outcome = match taken.await? {
        Ok(tried) => {
            site.hashing(move |store| sign_in(store, &tried, now))
                .await?
        }
        Err(wait) => SignedIn::SlowDown(wait),
    };
    count(&outcome);
    let (status, error, wait) = match outcome {
        SignedIn::Yes(entered) => {
            let mut answer = see_other(local(next).unwrap_or(START));
            Cookie::Session.set(&mut answer, &entered.secret, ask.https);
            Cookie::Browser.set(&mut answer, &entered.browser, ask.https);
            return Ok(answer);
        }
        SignedIn::Code(waiting) => {
            let next = utf8_percent_encode(local(next).unwrap_or(START), IN_QUERY);
            let mut answer = see_other(&format!("/login/code?next={next}"));
            Cookie::Session.set(&mut answer, &waiting.secret, ask.https);
            return Ok(answer);
        }
        SignedIn::Wrong => {
            let error = "Wrong email or password.".to_owned();
            (StatusCode::UNAUTHORIZED, error, None)
        }
        SignedIn::Suspended => {
            let error = "This account is suspended. Ask whoever runs this server.".to_owned();
            (StatusCode::FORBIDDEN, error, None)
        }
        SignedIn::SlowDown(wait) => (StatusCode::TOO_MANY_REQUESTS, slow_down(wait), Some(wait)),
    };
    let with = Shown {
        next,
        email,
        error: Some(error),
        ..Shown::default()
    };
    Ok(retry_after(shown(&ask, status, with)?, wait))
}

/// Says when to try again, where that is known.
pub(crate) fn retry_after(mut answer: HttpResponse, wait: Option<TimeDelta>) -> HttpResponse {
    if let Some(wait) = wait {
        let wait = HeaderValue::from(seconds(wait));
        answer.headers_mut().insert(RETRY_AFTER, wait);
    }
    answer
}
