//! From a request to a page.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use arc_swap::ArcSwap;
use askama::Template;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Semaphore;
use torvus_authz::RouteTable;
use torvus_domain::{Clock, KeyMaterial, Plans, RequestId, Timestamp, TrustedProxies};
use torvus_key_core::redact;
use torvus_keyring::{CookieSecret, KeyringError, sessions};
use torvus_ratelimit::Limiter;
use torvus_storage::{Store, sent_forms, sessions as rows};
use torvus_web::with_request_id;

use crate::ask::{Ask, theme};
use crate::assets;
use crate::cookies::Cookie;
use crate::fields::Fields;
use crate::form;
use crate::frame::{Frame, Section};
use crate::page::{page, sealed, see_other};
use crate::pages::keys::encoded;
use crate::problem::Problem;
use crate::routes::{Handler, Methods, router};
use crate::turns::Turns;
use crate::visitor::Visitor;

/// How many passwords are hashed at once: each takes a core and 19 MiB.
const HASHES_AT_ONCE: usize = 4;
/// How many look through the log at once, and how many exports: of the database's
/// connections most are left to the API.
const SEARCHES_AT_ONCE: usize = 2;
const EXPORTS_AT_ONCE: usize = 1;
/// How long a page waits for the newest records.
const SETTLE_WAIT: Duration = Duration::from_millis(500);
/// A path may stand in a query as it is.
pub(crate) const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

/// What a dashboard is made of.
pub struct Parts {
    /// Where accounts, keys and their log are.
    pub store: Arc<Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The peppers that new keys are made under.
    pub material: Arc<dyn KeyMaterial>,
    /// The plans in force.
    pub plans: Arc<ArcSwap<Plans>>,
    /// Whose word on a request's origin counts.
    pub proxies: Arc<ArcSwap<TrustedProxies>>,
    /// What is left of the limits.
    pub limiter: Arc<Limiter>,
    /// The routes that Torvus serves itself.
    pub routes: Arc<ArcSwap<RouteTable>>,
    /// Those of the API behind the proxies.
    pub forward: Arc<ArcSwap<RouteTable>>,
    /// Moves what was answered to where it can be read.
    pub index: Arc<dyn Fn() + Send + Sync>,
}

/// The dashboard.
pub struct Dashboard {
    pub(crate) parts: Parts,
    router: matchit::Router<Methods>,
    /// Room for those who hash a password.
    pub(crate) hashing: Semaphore,
    /// Room for those who look through the log.
    pub(crate) looking: Turns,
    /// The same for exports, so that pages do not wait behind them.
    pub(crate) exporting: Turns,
}

impl Dashboard {
    /// Makes it.
    ///
    /// # Errors
    /// Where two pages have the same path.
    pub fn new(parts: Parts) -> Result<Self, matchit::InsertError> {
        Ok(Self {
            parts,
            router: router()?,
            hashing: Semaphore::new(HASHES_AT_ONCE),
            looking: Turns::new(SEARCHES_AT_ONCE),
            exporting: Turns::new(EXPORTS_AT_ONCE),
        })
    }

    /// Whether a path is one of the dashboard's, be there a page or not.
    #[must_use]
    pub fn owns(&self, path: &str) -> bool {
        let below = |folder: &str| {
            let rest = path.strip_prefix(folder);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        below("/settings") || below("/assets") || self.router.at(path).is_ok()
    }

    /// Answers a request to one of its paths.
    pub async fn answer(&self, request: HttpRequest, body: web::Payload) -> HttpResponse {
        let now = self.parts.clock.now().wall;
        let proxies = self.parts.proxies.load_full();
        let peer = request.peer_addr().map(|peer| peer.ip());
        let https = torvus_web::is_https(peer, request.headers(), &proxies);
        let answer = match self.asked(request.clone(), body, &proxies, now).await {
            Ok(answer) => answer,
            Err(problem) => {
                let headers = request.headers();
                // Whoever is signed in stays so, and sees it.
                let visitor = match problem {
                    Problem::Unavailable => None,
                    _ => self.visitor(headers, https, now).await.unwrap_or(None),
                };
                let frame = Frame::new(visitor.as_ref(), Section::None, theme(headers), now);
                problem.page(frame)
            }
        };
        with_request_id(sealed(answer, https), RequestId::new(now))
    }

    async fn asked(
        &self,
        request: HttpRequest,
        body: web::Payload,
        proxies: &TrustedProxies,
        now: Timestamp,
    ) -> Result<HttpResponse, Problem> {
        let path = request.uri().path().to_owned();
        if path.starts_with("/assets/") {
            return match *request.method() {
                Method::GET | Method::HEAD => assets::answer(&path).ok_or(Problem::NotFound),
                _ => Err(Problem::MethodNotAllowed("GET, HEAD")),
            };
        }
        if let Some(hidden) = without_keys(&request) {
            return Ok(see_other(&hidden));
        }
        let found = self.router.at(&path).map_err(|_| Problem::NotFound)?;
        let handler = found.value.find(request.method())?;
        let mut ask = Ask::new(request, proxies, now)?;
        let params = found.params.iter();
        ask.params = params
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let posted = ask.http.method() == Method::POST;
        match handler {
            Handler::Open(handler) => {
                if posted {
                    self.take_open_form(&mut ask, body, proxies).await?;
                }
                handler(self, ask).await
            }
            Handler::SignedIn(handler) => {
                let Some(visitor) = self.visitor(ask.http.headers(), ask.https, now).await? else {
                    return led_to_sign_in(&ask);
                };
                // Also around a page that only says what went wrong.
                let frame = ask.frame(&visitor, Section::None);
                let done = async {
                    if !posted {
                        return handler(self, visitor, ask).await;
                    }
                    match self.take_form(&mut ask, body, proxies, visitor).await? {
                        Some(visitor) => handler(self, visitor, ask).await,
                        None => led_to_sign_in(&ask),
                    }
                };
                Ok(done.await.unwrap_or_else(|problem| problem.page(frame)))
            }
        }
    }

    /// Who is signed in, and that they were here.
    pub(crate) async fn visitor(
        &self,
        headers: &HeaderMap,
        https: bool,
        now: Timestamp,
    ) -> Result<Option<Visitor>, Problem> {
        let Some(secret) = Cookie::Session.read(headers, https) else {
            return Ok(None);
        };
        let store = &self.parts.store;
        let (secret, found) = store
            .run_read(move |c| {
                let found = sessions::find(c, &secret, now)?;
                Ok((secret, found))
            })
            .await?;
        let Some((session, account)) = found else {
            return Ok(None);
        };
        if sessions::worth_noting(&session, now) {
            let id = session.id;
            store.run_write(move |c| rows::touch(c, id, now)).await?;
        }
        Ok(Some(Visitor {
            account,
            session,
            secret,
        }))
    }

    /// Reads a form of somebody who is signed in, once it was checked: where it
    /// comes from, that it was shown to them, and that it is sent for the first
    /// time.
    ///
    /// A body may take its time, and the session may end meanwhile: who sent it
    /// is looked up once more, where the form is taken. None, and nothing is
    /// taken, where they are not signed in any more.
    async fn take_form(
        &self,
        ask: &mut Ask,
        body: web::Payload,
        proxies: &TrustedProxies,
        visitor: Visitor,
    ) -> Result<Option<Visitor>, Problem> {
        let nonce = self
            .checked(ask, body, proxies, Some(&visitor.secret))
            .await?;
        let (now, secret) = (ask.now, visitor.secret);
        let store = &self.parts.store;
        let taken = store.run_write(move |c| {
            let Some((session, account)) = sessions::find(c, &secret, now)? else {
                return Ok(None);
            };
            let visitor = Visitor {
                account,
                session,
                secret,
            };
            Ok(Some((sent_forms::take(c, &nonce, now)?, visitor)))
        });
        match taken.await? {
            Some((true, visitor)) => Ok(Some(visitor)),
            Some((false, _)) => Err(Problem::SentAlready),
            None => Ok(None),
        }
    }

    /// The same for anybody: it belongs to the browser. It may be sent again,
    /// since nothing but a try to sign in comes of it.
    async fn take_open_form(
        &self,
        ask: &mut Ask,
        body: web::Payload,
        proxies: &TrustedProxies,
    ) -> Result<(), Problem> {
        let secret = Cookie::Browser.read(ask.http.headers(), ask.https);
        self.checked(ask, body, proxies, secret.as_ref())
            .await
            .map(drop)
    }

    /// Reads a form and checks where it comes from. It is as late as when it
    /// has come whole.
    async fn checked(
        &self,
        ask: &mut Ask,
        body: web::Payload,
        proxies: &TrustedProxies,
        secret: Option<&CookieSecret>,
    ) -> Result<Vec<u8>, Problem> {
        let peer = ask.http.peer_addr().map(|peer| peer.ip());
        let headers = ask.http.headers();
        form::check_origin(headers, peer, proxies, ask.https)?;
        let fields = form::read(headers, body).await?;
        ask.now = self.parts.clock.now().wall;
        let token = fields.text(form::TOKEN);
        let nonce = secret.and_then(|secret| form::nonce(token, secret, ask.now));
        let nonce = nonce.ok_or(Problem::Forbidden(
            "This form does not belong to your session, or is too old. Allow cookies, open its page again, and send it from there.",
        ))?;
        ask.form = fields;
        Ok(nonce)
    }

    /// Waits until what this server has answered can be read in the log, but not
    /// for long: what is not there yet is shown the next time.
    pub(crate) async fn settle(&self) {
        let index = Arc::clone(&self.parts.index);
        let indexed = tokio::task::spawn_blocking(move || index());
        if tokio::time::timeout(SETTLE_WAIT, indexed).await.is_err() {
            tracing::debug!("the newest records are not shown yet");
        }
    }

    /// The same, for whoever has something to say to why it was not made.
    pub(crate) async fn try_change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<Result<T, KeyringError>, Problem> {
        let store = Arc::clone(&self.parts.store);
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        done.map_err(|_| Problem::Internal)
    }

    /// Makes a change on a thread that may wait for it.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, Problem> {
        Ok(self.try_change(work).await??)
    }
}

/// Where the same page is asked for with a key's hint in place of a whole key,
/// which must not stand in a URL: histories and other servers' logs keep those.
fn without_keys(request: &HttpRequest) -> Option<String> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let query = Fields::parse(request.uri().query().unwrap_or_default().as_bytes());
    let mut pairs = query.iter();
    pairs.find(|(name, value)| redact(name) != *name || redact(value) != *value)?;
    let pairs = query
        .iter()
        .map(|(name, value)| (redact(name), redact(value)));
    let path = request.uri().path();
    Some(format!("{path}?{}", encoded(pairs)))
}

/// Leads to the sign-in, and back from there where a page was asked for.
///
/// A link on another site leads here without the session's cookie: browsers keep
/// it back. So the page is asked for once more, from a page of our own.
fn led_to_sign_in(ask: &Ask) -> Result<HttpResponse, Problem> {
    let uri = ask.http.uri();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if *ask.http.method() != Method::GET {
        return Ok(see_other("/login"));
    }
    let site = ask.http.headers().get("sec-fetch-site");
    let from_elsewhere = site.is_some_and(|site| site == "cross-site" || site == "same-site");
    match local(path) {
        Some(path) if from_elsewhere => page(&Opening { path }),
        _ => {
            let next = utf8_percent_encode(path, IN_QUERY);
            Ok(see_other(&format!("/login?next={next}")))
        }
    }
}

#[derive(Template)]
#[template(path = "opening.html")]
struct Opening<'a> {
    path: &'a str,
}

/// Where somebody may be led from here: a path of the dashboard's, and nothing
/// that a browser could take for another place.
pub(crate) fn local(next: &str) -> Option<&str> {
    let plain = next
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let path = next.split('?').next().unwrap_or_default();
    let ours = path.starts_with("/settings/") && !path.contains("//");
    (plain && ours && header::HeaderValue::from_str(next).is_ok()).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away() {
        for next in ["/settings/api-keys", "/settings/audit-logs?q=a%20b&x=//"] {
            assert_eq!(local(next), Some(next));
        }
        for next in [
            "",
            "/",
            "/login",
            "/settings",
            "//evil.example/settings/",
            "https://evil.example/settings/",
            "/settings//evil.example",
            "/settings/\\evil.example",
            "\\settings/",
            "/settings/a b",
            "/settings/\r\nSet-Cookie: x=1",
            "/settings/ä",
        ] {
            assert_eq!(local(next), None, "{next}");
        }
    }
}
