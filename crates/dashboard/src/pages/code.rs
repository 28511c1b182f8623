//! The second step of signing in.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use torvus_keyring::second_factor::{CodeAttempt, sign_in_with_code, waiting};
use torvus_keyring::sign_in::SignedIn;

use crate::ask::Ask;
use crate::confirmed::slow_down;
use crate::cookies::Cookie;
use crate::counts::count;
use crate::form::Tokens;
use crate::frame::Frame;
use crate::page::{page_with, see_other};
use crate::pages::login::{START, retry_after};
use crate::problem::Problem;
use crate::site::{Dashboard, local};

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    frame: Frame,
    next: String,
    error: Option<String>,
}

/// Asks for a code, where somebody's password was right.
pub(crate) async fn show(site: &Dashboard, ask: Ask) -> Result<HttpResponse, Problem> {
    let Some(secret) = Cookie::Session.read(ask.http.headers(), ask.https) else {
        return Ok(see_other("/login"));
    };
    let (store, now) = (&site.parts.store, ask.now);
    let account = store.run_read(move |c| waiting(c, &secret, now)).await?;
    match account {
        Some(_) => shown(&ask, StatusCode::OK, ask.query().text("next"), None),
        None => Ok(see_other("/login")),
    }
}

/// Takes it: signs in, with a session that is new.
pub(crate) async fn take(site: &Dashboard, ask: Ask) -> Result<HttpResponse, Problem> {
    let headers = ask.http.headers();
    let Some(secret) = Cookie::Session.read(headers, ask.https) else {
        return Ok(see_other("/login"));
    };
    let next = ask.form.text("next");
    let attempt = CodeAttempt {
        waiting: secret,
        code: ask.form.text("code").to_owned(),
        client: ask.client.clone(),
        browser: Cookie::Browser.read(headers, ask.https),
    };
    let (ring, now) = (site.peppers().await?, ask.now);
    let tried = site.change(move |store| sign_in_with_code(store, &ring, &attempt, now));
    let outcome = tried.await?;
    count(&outcome);
    let (status, error, wait) = match outcome {
        SignedIn::Yes(entered) => {
            let mut answer = see_other(local(next).unwrap_or(START));
            Cookie::Session.set(&mut answer, &entered.secret, ask.https);
            Cookie::Browser.set(&mut answer, &entered.browser, ask.https);
            return Ok(answer);
        }
        SignedIn::SlowDown(wait) => (StatusCode::TOO_MANY_REQUESTS, slow_down(wait), Some(wait)),
        _ => {
            let error = "That code is wrong, was used, or is too old.".to_owned();
            (StatusCode::UNAUTHORIZED, error, None)
        }
    };
    Ok(retry_after(shown(&ask, status, next, Some(error))?, wait))
}

fn shown(
    ask: &Ask,
    status: StatusCode,
    next: &str,
    error: Option<String>,
) -> Result<HttpResponse, Problem> {
    let browser = ask.browser.as_ref();
    let tokens = browser.and_then(|secret| Tokens::new(secret, ask.now));
    let page = CodePage {
        frame: ask.open_frame().with_tokens(tokens),
        next: local(next).unwrap_or_default().to_owned(),
        error,
    };
    page_with(status, &page)
}
