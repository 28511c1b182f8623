//! Forms: each carries a token, which only the server can make and only for the
//! cookie that the form was shown to. It is good for one sending.
//!
//! So a form that another site sends has none, one that somebody else was shown
//! has a wrong one, and a reload of the answer has one that was used.

use std::cell::Cell;
use std::net::IpAddr;
use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN};
use actix_web::web;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use futures_util::StreamExt;
use rand::TryRng;
use rand::rngs::SysRng;
use subtle::ConstantTimeEq;
use torvus_domain::{Timestamp, TrustedProxies};
use torvus_keyring::{CookieSecret, sessions};

use crate::fields::Fields;
use crate::problem::Problem;

/// The field that holds the token.
pub(crate) const TOKEN: &str = "token";
/// A form may be sent for so long after it was shown: as long as a session lasts.
const SHOWN_MAX: TimeDelta = sessions::LASTS;

/// What a form may have at most.
const BYTES_MAX: usize = 64 * 1024;
/// How long it may take to come in.
const READ_WAIT: Duration = Duration::from_secs(30);

/// Instant, random bytes, number on the page.
const NONCE_BYTES: usize = 8 + 8 + 2;
const CODE_BYTES: usize = 32;
const PURPOSE: &[u8] = b"torvus dashboard form v1";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Makes the tokens of one page.
pub(crate) struct Tokens {
    secret: CookieSecret,
    shown_at: Timestamp,
    random: [u8; 8],
    made: Cell<u16>,
}

impl Tokens {
    /// For a page that is shown to the holder of this cookie.
    pub(crate) fn new(secret: &CookieSecret, now: Timestamp) -> Option<Self> {
        let mut random = [0; 8];
        SysRng.try_fill_bytes(&mut random).ok()?;
        Some(Self {
            secret: CookieSecret::parse(&secret.expose())?,
            shown_at: now,
            random,
            made: Cell::new(0),
        })
    }

    /// One more.
    pub(crate) fn next(&self) -> String {
        let number = self.made.get();
        self.made.set(number.wrapping_add(1));
        let at = self.shown_at.timestamp_micros().to_be_bytes();
        let nonce = [&at[..], &self.random, &number.to_be_bytes()].concat();
        let code = code(&self.secret, &nonce);
        URL_SAFE_NO_PAD.encode([&nonce[..], &code].concat())
    }
}

fn code(secret: &CookieSecret, nonce: &[u8]) -> [u8; CODE_BYTES] {
    secret.authenticate(&[PURPOSE, nonce].concat())
}

/// The number of a form whose token is right.
pub(crate) fn nonce(token: &str, secret: &CookieSecret, now: Timestamp) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (nonce, sent) = bytes.split_at_checked(NONCE_BYTES)?;
    if !bool::from(code(secret, nonce).ct_eq(sent)) {
        return None;
    }
    let at = nonce.first_chunk::<8>()?;
    let shown_at = Timestamp::from_timestamp_micros(i64::from_be_bytes(*at))?;
    (now - shown_at < SHOWN_MAX).then(|| nonce.to_vec())
}

/// Refuses what a browser says another site made it send.
pub(crate) fn check_origin(
    headers: &HeaderMap,
    peer: Option<IpAddr>,
    proxies: &TrustedProxies,
    https: bool,
) -> Result<(), Problem> {
    let foreign = Problem::Forbidden("This form was sent from another site.");
    let mut sites = headers.get_all(SEC_FETCH_SITE);
    if sites.any(|site| site.as_bytes() != b"same-origin") {
        return Err(foreign);
    }
    let host = host(headers, peer, proxies);
    for origin in headers.get_all(ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        if !same_origin(origin, host, https) {
            return Err(foreign);
        }
    }
    Ok(())
}

/// The host that was asked, as the browser knows it; empty where that can't be
/// read.
pub(crate) fn host<'a>(
    headers: &'a HeaderMap,
    peer: Option<IpAddr>,
    proxies: &TrustedProxies,
) -> &'a str {
    let trusted = peer.is_some_and(|peer| proxies.contains(peer.to_canonical()));
    let forwarded = headers.get(X_FORWARDED_HOST).filter(|_| trusted);
    let host = forwarded.or_else(|| headers.get(HOST));
    host.and_then(|host| host.to_str().ok()).unwrap_or_default()
}

/// Whether an origin is the one that was asked. A proxy that is not trusted
/// keeps from us whether it is HTTPS, so then either will do.
fn same_origin(origin: &str, host: &str, https: bool) -> bool {
    let bare = |text: &str, port: &str| text.strip_suffix(port).unwrap_or(text).to_lowercase();
    if let Some(origin) = origin.strip_prefix("https://") {
        return !host.is_empty() && bare(origin, ":443") == bare(host, ":443");
    }
    match origin.strip_prefix("http://") {
        Some(origin) => !https && !host.is_empty() && bare(origin, ":80") == bare(host, ":80"),
        None => false,
    }
}

/// Reads a form's body.
pub(crate) async fn read(headers: &HeaderMap, body: web::Payload) -> Result<Fields, Problem> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")) {
        return Err(Problem::bad("This is no form that a browser sends."));
    }
    let cut_off = |_| Problem::bad("The form did not arrive whole.");
    let read = tokio::time::timeout(READ_WAIT, whole(body));
    let bytes = read.await.map_err(cut_off)??;
    Ok(Fields::parse(&bytes))
}

async fn whole(mut body: web::Payload) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Problem::bad("The form did not arrive whole."))?;
        if bytes.len() + chunk.len() > BYTES_MAX {
            return Err(Problem::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_token_is_good_for_its_cookie_and_its_time() {
        let (mine, theirs) = (
            CookieSecret::generate().unwrap(),
            CookieSecret::generate().unwrap(),
        );
        let tokens = Tokens::new(&mine, at(0)).unwrap();
        let (first, second) = (tokens.next(), tokens.next());
        let number = |token: &str, secret: &CookieSecret, now| nonce(token, secret, now);
        let of_first = number(&first, &mine, at(0)).unwrap();
        assert_ne!(Some(&of_first), number(&second, &mine, at(0)).as_ref());
        assert_eq!(number(&first, &mine, at(43_199)), Some(of_first));
        assert_eq!(number(&first, &mine, at(43_200)), None);
        assert_eq!(number(&first, &theirs, at(0)), None);
        for index in 0..first.len() {
            let mut changed = first.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'Q' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(number(&changed, &mine, at(0)), None, "{index}");
        }
        for wrong in ["", "A", first.split_at(10).0, &format!("{first}AAAA")] {
            assert_eq!(number(wrong, &mine, at(0)), None, "{wrong}");
        }
    }

    #[test]
    fn the_origin_is_the_one_that_was_asked() {
        for (origin, host, https, same) in [
            ("http://a.example", "a.example", false, true),
            ("http://a.example", "A.example:80", false, true),
            ("https://a.example", "a.example:443", true, true),
            ("https://a.example", "a.example", false, true),
            ("http://[::1]:8080", "[::1]:8080", false, true),
            ("http://a.example", "a.example", true, false),
            ("http://a.example:81", "a.example", false, false),
            ("https://a.example:80", "a.example", false, false),
            ("http://a.example.evil", "a.example", false, false),
            ("http://evil", "a.example", false, false),
            ("http://", "", false, false),
            ("null", "a.example", false, false),
            ("a.example", "a.example", false, false),
            ("", "", false, false),
        ] {
            assert_eq!(same_origin(origin, host, https), same, "{origin} {host}");
        }
    }

    #[test]
    fn a_host_counts_that_a_trusted_proxy_tells_of() {
        let trusted = TrustedProxies::parse("10.0.0.1").unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (HOST, "inside:8080"),
            (X_FORWARDED_HOST, "keys.example"),
            (ORIGIN, "https://keys.example"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let check = |peer: &str| {
            let peer = Some(peer.parse().unwrap());
            check_origin(&headers, peer, &trusted, true).is_ok()
        };
        assert!(check("10.0.0.1") && !check("10.0.0.2"));
    }
}
