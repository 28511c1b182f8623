//! The cookies: who is signed in, and which browser it is.

use actix_web::HttpResponse;
use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use torvus_keyring::CookieSecret;

/// A browser is known again for so long after it was last used to sign in.
const BROWSER_SECONDS: u32 = 365 * 24 * 60 * 60;

/// A cookie of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Opens the dashboard. It is not sent where another site led here.
    Session,
    /// Opens nothing: the forms of those who are not signed in belong to it, and
    /// strangers can't slow down who signs in with it.
    Browser,
}

impl Cookie {
    /// Over HTTPS the name has a prefix by which browsers keep others from
    /// setting it: other hosts of the domain, and who listens in on plain HTTP.
    const fn name(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::Session, false) => "torvus_session",
            (Self::Session, true) => "__Host-torvus_session",
            (Self::Browser, false) => "torvus_browser",
            (Self::Browser, true) => "__Host-torvus_browser",
        }
    }

    /// What the request says.
    pub(crate) fn read(self, headers: &HeaderMap, https: bool) -> Option<CookieSecret> {
        CookieSecret::parse(value(headers, self.name(https))?)
    }

    /// Gives it to the browser.
    pub(crate) fn set(self, answer: &mut HttpResponse, secret: &CookieSecret, https: bool) {
        let attributes = match self {
            // Without an end: it is forgotten with the browser's session.
            Self::Session => "SameSite=Strict".to_owned(),
            Self::Browser => format!("SameSite=Lax; Max-Age={BROWSER_SECONDS}"),
        };
        self.send(answer, &secret.expose(), &attributes, https);
    }

    /// Takes it back.
    pub(crate) fn clear(self, answer: &mut HttpResponse, https: bool) {
        self.send(answer, "", "SameSite=Strict; Max-Age=0", https);
    }

    fn send(self, answer: &mut HttpResponse, value: &str, attributes: &str, https: bool) {
        let secure = if https { "; Secure" } else { "" };
        let name = self.name(https);
        let cookie = format!("{name}={value}; Path=/; HttpOnly; {attributes}{secure}");
        if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
            cookie.set_sensitive(true);
            answer.headers_mut().append(SET_COOKIE, cookie);
        }
    }
}

/// The value of a cookie.
pub(crate) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}
