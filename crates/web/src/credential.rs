//! The `Authorization` header (RFC 6750, section 2.1; RFC 9110, section 11.4).

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use torvus_domain::Credential;

/// Longer than any key by far: what is longer is none.
const LENGTH_MAX: usize = 512;

/// Reads the one bearer token of a request.
pub(crate) fn credential(headers: &HeaderMap) -> Credential<'_> {
    let mut values = headers.get_all(AUTHORIZATION);
    let (first, second) = (values.next(), values.next());
    let value = match (first, second) {
        (None, _) => return Credential::Missing,
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Credential::Malformed,
    };
    // `to_str` is an error where a byte is not visible ASCII.
    let Ok(text) = value.to_str() else {
        return Credential::Malformed;
    };
    if text.is_empty() {
        return Credential::Missing;
    }
    match text.split_once(' ') {
        Some((scheme, token))
            if text.len() <= LENGTH_MAX && scheme.eq_ignore_ascii_case("bearer") =>
        {
            let token = token.trim_matches(' ');
            if token.is_empty() || token.contains([' ', '\t']) {
                Credential::Malformed
            } else {
                Credential::Bearer(token)
            }
        }
        _ => Credential::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn of(values: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        match credential(&headers) {
            Credential::Bearer(token) => token.to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn one_bearer_token_in_any_case_and_with_any_blanks() {
        assert_eq!(of(&[b"Bearer abc"]), "abc");
        assert_eq!(of(&[b"bEARER    abc"]), "abc");
        assert_eq!(of(&[]), "Missing");
        assert_eq!(of(&[b""]), "Missing");
        for bad in [
            &b"Bearer"[..],
            b"Bearer ",
            b"Basic abc",
            b"abc",
            b"Bearer\tabc",
            b"Bearer a b",
            b"Bearer \xff",
            b"Bearer: abc",
            b"Token abc",
        ] {
            assert_eq!(of(&[bad]), "Malformed", "{bad:?}");
        }
        assert_eq!(of(&[b"Bearer a", b"Bearer a"]), "Malformed");
        assert_eq!(
            of(&[format!("Bearer {}", "a".repeat(600)).as_bytes()]),
            "Malformed"
        );
    }
}
