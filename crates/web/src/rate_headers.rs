//! What an answer tells of the budget: `X-RateLimit-…`, and the fields of
//! draft-ietf-httpapi-ratelimit-headers.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use torvus_ratelimit::RateSnapshot;

/// Adds the headers; `Retry-After` where the request was refused for the limit.
pub(crate) fn add(headers: &mut HeaderMap, rate: &RateSnapshot, refused: bool) {
    let policy = rate.scope.as_str();
    let number = |n: u64| HeaderValue::from(n);
    let text = |text: String| HeaderValue::try_from(text).ok();
    let mut put = |name: &'static str, value: Option<HeaderValue>| {
        if let Some(value) = value {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("x-ratelimit-limit", Some(number(rate.limit.into())));
    put("x-ratelimit-remaining", Some(number(rate.remaining.into())));
    put(
        "x-ratelimit-reset",
        Some(HeaderValue::from(rate.reset_at_unix)),
    );
    put(
        "ratelimit-policy",
        text(format!(r#""{policy}";q={};w=3600"#, rate.limit)),
    );
    put(
        "ratelimit",
        text(format!(
            r#""{policy}";r={};t={}"#,
            rate.remaining, rate.next_seconds
        )),
    );
    if refused {
        headers.insert(RETRY_AFTER, number(rate.next_seconds.max(1)));
    }
}

#[cfg(test)]
mod tests {
    use torvus_domain::LimitScope;

    use super::*;

    #[test]
    fn both_families_say_the_same() {
        let rate = RateSnapshot {
            limit: 1_000,
            remaining: 847,
            reset_at_unix: 1_790_000_000,
            next_seconds: 4,
            scope: LimitScope::Account,
        };
        let mut headers = HeaderMap::new();
        add(&mut headers, &rate, true);
        let get = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(get("x-ratelimit-limit"), "1000");
        assert_eq!(get("x-ratelimit-remaining"), "847");
        assert_eq!(get("x-ratelimit-reset"), "1790000000");
        assert_eq!(get("ratelimit-policy"), r#""account";q=1000;w=3600"#);
        assert_eq!(get("ratelimit"), r#""account";r=847;t=4"#);
        assert_eq!(get("retry-after"), "4");
    }
}
