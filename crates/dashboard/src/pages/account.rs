//! The account itself: its password, where it is signed in, the way out.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use secrecy::{ExposeSecret, SecretString};
use torvus_domain::{Account, SessionId, Timestamp, rfc3339};
use torvus_keyring::own_password::{self, CHARS_MAX, CHARS_MIN, Checked, Holder};
use torvus_keyring::{CookieSecret, sessions};
use torvus_storage::sessions::{Session, list};

use crate::ask::Ask;
use crate::confirmed::{WRONG, slow_down};
use crate::cookies::Cookie;
use crate::frame::{Frame, Section};
use crate::page::{page_with, see_other};
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

const HERE: &str = "/settings/account";

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    account: Account,
    sessions: Vec<Row>,
    errors: Errors,
    notice: Option<&'static str>,
    chars_min: usize,
    chars_max: usize,
}

/// A session as it is shown.
struct Row {
    id: SessionId,
    browser: String,
    ip: String,
    created: (String, String),
    seen: (String, String),
    current: bool,
}

/// What is wrong with the form of the password, beside its fields.
#[derive(Default)]
struct Errors {
    current: Option<String>,
    new: Option<String>,
    repeat: Option<String>,
}

impl Errors {
    const fn status(&self) -> StatusCode {
        match self {
            Self {
                current: None,
                new: None,
                repeat: None,
            } => StatusCode::OK,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

/// Shows the account.
pub(crate) async fn show(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let notice = match ask.query().text("done") {
        "password" => Some("Your password is changed. Everybody else is signed out."),
        "session" => Some("That session has ended."),
        "sessions" => Some("You are signed out everywhere else."),
        _ => None,
    };
    shown(site, visitor, &ask, Errors::default(), notice).await
}

async fn shown(
    site: &Dashboard,
    visitor: Visitor,
    ask: &Ask,
    errors: Errors,
    notice: Option<&'static str>,
) -> Result<HttpResponse, Problem> {
    let (id, now) = (visitor.account.id, ask.now);
    let sessions = site.parts.store.run_read(move |c| list(c, id)).await?;
    let sessions = sessions
        .into_iter()
        .filter(|session| sessions::alive(session, now) && !session.awaits_code)
        .take(sessions::SESSIONS_MAX)
        .map(|session| Row::of(session, visitor.session.id))
        .collect();
    let status = errors.status();
    let page = AccountPage {
        frame: ask.frame(&visitor, Section::Account),
        account: visitor.account,
        sessions,
        errors,
        notice,
        chars_min: CHARS_MIN,
        chars_max: CHARS_MAX,
    };
    page_with(status, &page)
}

impl Row {
    fn of(session: Session, current: SessionId) -> Self {
        let at = |at: Timestamp| (rfc3339(at), at.format("%-d %b %Y, %H:%M UTC").to_string());
        let unknown = || "Unknown".to_owned();
        Self {
            id: session.id,
            browser: session.user_agent.unwrap_or_else(unknown),
            ip: session.ip.map_or_else(unknown, |ip| ip.to_string()),
            created: at(session.created_at),
            seen: at(session.seen_at),
            current: session.id == current,
        }
    }
}

/// Changes the password.
pub(crate) async fn change_password(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let field = |name| SecretString::from(ask.form.text(name));
    let (given, new) = (field("current_password"), field("new_password"));
    let mut errors = Errors::default();
    if new.expose_secret() != ask.form.text("repeat_password") {
        errors.repeat = Some("The two are not the same.".to_owned());
        return shown(site, visitor, &ask, errors, None).await;
    }
    let (account, session) = (visitor.account.clone(), visitor.session.clone());
    let (client, now) = (ask.client.clone(), ask.now);
    let changed = site.hashing(move |store| {
        let holder = Holder {
            account: &account,
            session: &session,
            client: &client,
        };
        match own_password::change(store, &holder, &given, new, now) {
            Err(torvus_keyring::KeyringError::Invalid { message, .. }) => Ok(Err(message)),
            other => other.map(Ok),
        }
    });
    match changed.await? {
        Ok(Checked::Right(renewed)) => {
            let mut answer = see_other(&format!("{HERE}?done=password"));
            Cookie::Session.set(&mut answer, &renewed.secret, ask.https);
            Cookie::Browser.set(&mut answer, &renewed.browser, ask.https);
            return Ok(answer);
        }
        Ok(Checked::Wrong) => errors.current = Some(WRONG.to_owned()),
        Ok(Checked::SlowDown(wait)) => errors.current = Some(slow_down(wait)),
        Err(message) => errors.new = Some(message),
    }
    shown(site, visitor, &ask, errors, None).await
}

/// Ends one session.
pub(crate) async fn end_session(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let which: SessionId = ask.param("id")?;
    match end(site, visitor, &ask, Some(which)).await? {
        0 => Err(Problem::NotFound),
        _ => Ok(see_other(&format!("{HERE}?done=session"))),
    }
}

/// Ends all sessions but this one.
pub(crate) async fn end_others(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    end(site, visitor, &ask, None).await?;
    Ok(see_other(&format!("{HERE}?done=sessions")))
}

async fn end(
    site: &Dashboard,
    visitor: Visitor,
    ask: &Ask,
    which: Option<SessionId>,
) -> Result<usize, Problem> {
    let (client, now) = (ask.client.clone(), ask.now);
    let browser = ask.browser.as_ref().map(CookieSecret::digest);
    let Visitor {
        account, session, ..
    } = visitor;
    let ended = site.change(move |store| {
        let kept = browser.as_ref();
        sessions::end(store, &account, session.id, which, kept, &client, now)
    });
    ended.await
}

/// Signs out.
pub(crate) async fn sign_out(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let (client, now) = (ask.client.clone(), ask.now);
    let Visitor {
        account, session, ..
    } = visitor;
    site.change(move |store| sessions::sign_out(store, &account, session.id, &client, now))
        .await?;
    let mut answer = see_other("/login?done=sign-out");
    Cookie::Session.clear(&mut answer, ask.https);
    Ok(answer)
}
