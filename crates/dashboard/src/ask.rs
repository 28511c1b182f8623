//! A request to a page, as the pages see it.

use std::borrow::Cow;
use std::str::FromStr;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, USER_AGENT};
use percent_encoding::percent_decode_str;
use torvus_domain::{Timestamp, TrustedProxies};
use torvus_key_core::redact;
use torvus_keyring::CookieSecret;
use torvus_keyring::sessions::Client;
use torvus_web::{client_ip, is_https};

use crate::cookies::{self, Cookie};
use crate::fields::Fields;
use crate::frame::{Frame, Section};
use crate::problem::Problem;
use crate::visitor::Visitor;

/// What is kept of a browser's own name.
const AGENT_CHARS_MAX: usize = 256;

/// A request to a page.
pub(crate) struct Ask {
    /// The request itself.
    pub(crate) http: HttpRequest,
    /// What was sent in a form, which was checked; empty unless it is a `POST`.
    pub(crate) form: Fields,
    /// When it came in.
    pub(crate) now: Timestamp,
    /// Who asks.
    pub(crate) client: Client,
    /// Whether they do so over HTTPS.
    pub(crate) https: bool,
    /// The browser, where it has been here before.
    pub(crate) browser: Option<CookieSecret>,
    /// The variable parts of the path.
    pub(crate) params: Vec<(String, String)>,
}

impl Ask {
    /// Reads all but the body. A forwarded address that can't be read is none,
    /// and nobody is let in without one.
    pub(crate) fn new(
        http: HttpRequest,
        proxies: &TrustedProxies,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let peer = http.peer_addr().map(|peer| peer.ip());
        let headers = http.headers();
        let ip = client_ip(peer, headers, proxies).ok_or(Problem::Forbidden(
            "The address that this request comes from can't be read.",
        ))?;
        let https = is_https(peer, headers, proxies);
        let agent = headers.get(USER_AGENT).map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            let text = redact(&text);
            let shown = text.chars().filter(|c| !c.is_control());
            shown.take(AGENT_CHARS_MAX).collect()
        });
        Ok(Self {
            form: Fields::default(),
            now,
            client: Client {
                ip: Some(ip),
                user_agent: agent,
            },
            https,
            browser: Cookie::Browser.read(headers, https),
            params: Vec::new(),
            http,
        })
    }

    /// What stands in the query.
    pub(crate) fn query(&self) -> Fields {
        Fields::parse(self.http.uri().query().unwrap_or_default().as_bytes())
    }

    /// A variable part of the path, `{id}` in its pattern. What is no such thing
    /// is nowhere.
    pub(crate) fn param<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        let mut params = self.params.iter();
        let (_, raw) = params
            .find(|(key, _)| key == name)
            .ok_or(Problem::NotFound)?;
        let text: Cow<'_, str> = percent_decode_str(raw)
            .decode_utf8()
            .map_err(|_| Problem::NotFound)?;
        text.parse().map_err(|_| Problem::NotFound)
    }

    /// What stands around a page of somebody who is signed in.
    pub(crate) fn frame(&self, visitor: &Visitor, section: Section) -> Frame {
        Frame::new(Some(visitor), section, theme(self.http.headers()), self.now)
    }

    /// What stands around a page for anybody.
    pub(crate) fn open_frame(&self) -> Frame {
        Frame::new(None, Section::None, theme(self.http.headers()), self.now)
    }
}

/// The colours that were chosen, where any were.
pub(crate) fn theme(headers: &HeaderMap) -> Option<&'static str> {
    match cookies::value(headers, "torvus_theme") {
        Some("light") => Some("light"),
        Some("dark") => Some("dark"),
        _ => None,
    }
}
