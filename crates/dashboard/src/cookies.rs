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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_under_the_name_of_its_scheme_alone() {
        let secret = CookieSecret::generate().unwrap();
        let read = |line: String, https| {
            let mut headers = HeaderMap::new();
            headers.append(COOKIE, HeaderValue::from_static("x=1"));
            headers.append(COOKIE, HeaderValue::try_from(line).unwrap());
            Cookie::Session.read(&headers, https).is_some()
        };
        let text = secret.expose();
        let text = text.as_str();
        assert!(read(format!("a=b; torvus_session={text};c"), false));
        assert!(read(format!("__Host-torvus_session={text}"), true));
        assert!(!read(format!("torvus_session={text}"), true));
        assert!(!read(format!("__Host-torvus_session={text}"), false));
        assert!(!read(format!("torvus_browser={text}"), false));
        assert!(!read(format!("xtorvus_session={text}"), false));
        assert!(!read(format!("torvus_session={text}x"), false));
    }

    #[test]
    fn only_the_session_is_kept_back_from_links_of_other_sites() {
        let sent = |cookie: Cookie, https| {
            let mut answer = HttpResponse::Ok().finish();
            let secret = CookieSecret::generate().unwrap();
            cookie.set(&mut answer, &secret, https);
            let header = answer.headers().get(SET_COOKIE).unwrap();
            assert!(header.is_sensitive());
            header.to_str().unwrap().to_owned()
        };
        let session = sent(Cookie::Session, true);
        assert!(session.starts_with("__Host-torvus_session="));
        assert!(session.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"));
        let browser = sent(Cookie::Browser, false);
        assert!(browser.ends_with("; HttpOnly; SameSite=Lax; Max-Age=31536000"));
    }
}
