//! Every answer names its request.

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use torvus_domain::RequestId;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Adds the headers that every answer carries: `X-Request-Id` and `nosniff`.
#[must_use]
pub fn with_request_id(mut answer: HttpResponse, id: RequestId) -> HttpResponse {
    let headers = answer.headers_mut();
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        headers.insert(X_REQUEST_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// The identifier that the client sent along, where it is well formed
/// (public contract, section 3): 1–128 of `A-Z a-z 0-9 . _ -`.
#[must_use]
pub fn client_request_id(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    ((1..=128).contains(&text.len()) && text.bytes().all(plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_ones_are_kept() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_static(text));
            client_request_id(&headers).map(str::to_owned)
        };
        assert_eq!(of("a-B_9.z").as_deref(), Some("a-B_9.z"));
        for bad in ["", "a b", "a/b", "<script>"] {
            assert_eq!(of(bad), None);
        }
    }
}
