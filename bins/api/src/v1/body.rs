//! A request's body: read within its limit, and read strictly.

use std::fmt;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::{HttpRequest, web};
use futures_util::StreamExt as _;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Number, Value};
use torvus_domain::Refusal;

use super::fields::Fields;

/// What a body may have at most.
pub(super) const MAX_BYTES: usize = 64 * 1024;
/// What the body of a document may have at most.
pub(super) const MAX_DOCUMENT_BYTES: usize = 2 * 1024 * 1024;
/// How long a client may be silent in the middle of a body.
const NEXT_WAIT: Duration = Duration::from_secs(10);
/// How long a whole body may take.
const WHOLE_WAIT: Duration = Duration::from_secs(30);
/// How deep arrays and objects may lie in each other.
const MAX_DEPTH: usize = 128;

/// A body that is one JSON object.
pub(super) struct Body {
    /// The bytes as they came.
    pub(super) raw: Vec<u8>,
    /// What they say.
    pub(super) fields: Fields,
}

/// Reads a body that has to be there.
pub(super) async fn required(
    request: &HttpRequest,
    payload: web::Payload,
    max_bytes: usize,
) -> Result<Body, Refusal> {
    check_headers(request.headers(), max_bytes)?;
    let raw = collect(payload, max_bytes).await?;
    let fields = Fields::of(parse(&raw)?)?;
    Ok(Body { raw, fields })
}

/// Reads a body where none at all says as much as an empty object.
pub(super) async fn optional(
    request: &HttpRequest,
    payload: web::Payload,
    max_bytes: usize,
) -> Result<Body, Refusal> {
    if request.headers().contains_key(CONTENT_TYPE) {
        return required(request, payload, max_bytes).await;
    }
    match collect(payload, max_bytes).await {
        Ok(raw) if raw.is_empty() => Ok(Body {
            raw,
            fields: Fields::none(),
        }),
        Ok(_) => Err(Refusal::UnsupportedMediaType),
        Err(refusal) => Err(refusal),
    }
}

fn check_headers(headers: &HeaderMap, max_bytes: usize) -> Result<(), Refusal> {
    let mut types = headers.get_all(CONTENT_TYPE);
    let (Some(content_type), None) = (types.next(), types.next()) else {
        return Err(Refusal::UnsupportedMediaType);
    };
    if !content_type.to_str().is_ok_and(is_json) || headers.contains_key(CONTENT_ENCODING) {
        return Err(Refusal::UnsupportedMediaType);
    }
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max_bytes as u64) {
        return Err(too_large(max_bytes));
    }
    Ok(())
}

/// `application/json`, in UTF-8 where a charset is named.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

/// Reads a body of at most so many bytes, that comes in time.
pub(crate) async fn collect(
    mut payload: web::Payload,
    max_bytes: usize,
) -> Result<Vec<u8>, Refusal> {
    let late = || unreadable("The body did not arrive in time");
    let deadline = tokio::time::sleep(WHOLE_WAIT);
    tokio::pin!(deadline);
    let mut raw = Vec::new();
    loop {
        let next = tokio::time::timeout(NEXT_WAIT, payload.next());
        let chunk = tokio::select! {
            chunk = next => chunk.map_err(|_| late())?,
            () = &mut deadline => return Err(late()),
        };
        let Some(chunk) = chunk else {
            return Ok(raw);
        };
        let chunk = chunk.map_err(|error| match error {
            PayloadError::Overflow => too_large(max_bytes),
            _ => unreadable("The body could not be read to its end"),
        })?;
        if raw.len() + chunk.len() > max_bytes {
            return Err(too_large(max_bytes));
        }
        raw.extend_from_slice(&chunk);
    }
}

fn too_large(max_bytes: usize) -> Refusal {
    Refusal::PayloadTooLarge {
        max_bytes: max_bytes as u64,
    }
}

fn unreadable(message: &str) -> Refusal {
    Refusal::Unreadable {
        message: message.to_owned(),
    }
}

/// Reads JSON: one value, each key of an object once, at most [`MAX_DEPTH`] deep.
pub(super) fn parse(raw: &[u8]) -> Result<Value, Refusal> {
    if depth(raw) > MAX_DEPTH {
        return Err(unreadable(
            "The body is not JSON that can be read: it is nested too deeply",
        ));
    }
    let mut reader = serde_json::Deserializer::from_slice(raw);
    // The depth was measured above; the reader's own limit is one less.
    reader.disable_recursion_limit();
    let value = Strict
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| {
        // The place, and nothing of what was sent.
        let what = match error.classify() {
            Category::Data => "it names a key twice in one object, or a number is out of range",
            Category::Eof => "it ends too early",
            Category::Syntax | Category::Io => "it is malformed",
        };
        unreadable(&format!(
            "The body is not JSON that can be read: {what}; see line {}, column {}",
            error.line(),
            error.column()
        ))
    })
}

/// The most brackets that are open at once, were it JSON.
fn depth(raw: &[u8]) -> usize {
    let (mut open, mut most) = (0_usize, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in raw {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                open += 1;
                most = most.max(open);
            }
            b']' | b'}' if !in_text => open = open.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Builds a value and refuses an object that names a key twice: two readers
/// could take a different one of them.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Self)?;
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key that stands there twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::FromRequest as _;
    use actix_web::test::TestRequest;

    use super::*;

    fn request(content_type: Option<&str>, body: impl Into<Vec<u8>>) -> TestRequest {
        let request = TestRequest::post().set_payload(body.into());
        match content_type {
            Some(value) => request.insert_header((CONTENT_TYPE, value)),
            None => request,
        }
    }

    async fn read(request: TestRequest, max_bytes: usize) -> Result<Body, u16> {
        let (request, mut payload) = request.to_http_parts();
        let payload = web::Payload::from_request(&request, &mut payload)
            .await
            .unwrap();
        required(&request, payload, max_bytes)
            .await
            .map_err(|refusal| refusal.status())
    }

    #[actix_web::test]
    async fn only_json_is_taken() {
        for accepted in ["application/json", "Application/JSON; charset=\"UTF-8\""] {
            assert!(read(request(Some(accepted), "{}"), 10).await.is_ok());
        }
        for refused in [
            None,
            Some("text/plain"),
            Some("application/json; charset=latin1"),
            Some("application/jsonx"),
        ] {
            let answer = read(request(refused, "{}"), 10).await;
            assert_eq!(answer.err(), Some(415), "{refused:?}");
        }
        let packed =
            request(Some("application/json"), "{}").insert_header((CONTENT_ENCODING, "gzip"));
        assert_eq!(read(packed, 10).await.err(), Some(415));
    }

    #[actix_web::test]
    async fn size_is_limited_with_and_without_an_announcement() {
        let body = r#"{"a":12345}"#;
        let json = Some("application/json");
        assert!(read(request(json, body), body.len()).await.is_ok());
        assert_eq!(
            read(request(json, body), body.len() - 1).await.err(),
            Some(413)
        );
        let announced = request(json, "").insert_header((CONTENT_LENGTH, "12"));
        assert_eq!(read(announced, 11).await.err(), Some(413));
    }

    #[actix_web::test]
    async fn no_body_at_all_may_stand_for_an_empty_object() {
        for (content_type, body, status) in [
            (None, "", None),
            (None, "{}", Some(415)),
            (Some("application/json"), "", Some(400)),
            (Some("application/json"), "{}", None),
        ] {
            let (request, mut payload) = request(content_type, body).to_http_parts();
            let payload = web::Payload::from_request(&request, &mut payload)
                .await
                .unwrap();
            let answer = optional(&request, payload, 10).await;
            assert_eq!(answer.err().map(|refusal| refusal.status()), status);
        }
    }

    #[test]
    fn what_is_not_json_is_unreadable() {
        let cases: [&[u8]; 10] = [
            b"",
            b"{",
            b"{} {}",
            b"{'a':1}",
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":{\"b\":1,\"\\u0062\":2}}",
            b"{\"a\":\"\xff\"}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":1e999}",
        ];
        for case in cases {
            let refusal = parse(case).err();
            assert_eq!(refusal.map(|r| r.status()), Some(400), "{case:?}");
        }
    }

    #[test]
    fn depth_has_an_edge() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(parse(nested(MAX_DEPTH + 1).as_bytes()).is_err());
        assert!(parse(nested(100_000).as_bytes()).is_err());
        let text = format!("[\"\\\"{}\"]", "[".repeat(500));
        assert!(parse(text.as_bytes()).is_ok());
    }
}
