//! What an answer tells of the end that is near: of the key's own, and of the
//! secret's that was shown, where a rotation has replaced it.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use chrono::TimeDelta;
use torvus_domain::{Timestamp, rfc3339};
use torvus_gate::Identity;

/// How long before its end a key's answers say so.
const EXPIRY_NOTICE: TimeDelta = TimeDelta::days(14);

/// Adds `X-Key-Expires-At`, and to whoever shows a replaced secret
/// `Deprecation` (RFC 9745: when it was replaced) and `Sunset` (RFC 8594: when
/// it ends).
pub(crate) fn add(headers: &mut HeaderMap, who: &Identity, now: Timestamp) {
    let mut put = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    let key_ends = who.key_expires_at;
    if let Some(end) = key_ends.filter(|end| *end - now <= EXPIRY_NOTICE) {
        put("x-key-expires-at", rfc3339(end));
    }
    let Some(replaced_at) = who.secret.replaced_at else {
        return;
    };
    put("deprecation", format!("@{}", replaced_at.timestamp()));
    // A secret does not outlive its key.
    if let Some(end) = who.secret.ends_at.into_iter().chain(key_ends).min() {
        put("sunset", http_date(end));
    }
}

/// The form of RFC 9110, section 5.6.7. Parts of a second are left out, so
/// what is told is never later than the end.
fn http_date(at: Timestamp) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_http() {
        let at = Timestamp::from_timestamp_micros(784_111_777_999_999).unwrap();
        assert_eq!(http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
