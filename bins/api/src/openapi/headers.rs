//! The headers of answers.

use serde_json::{Value, json};
use utoipa::openapi::Ref;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// On every answer.
const ALWAYS: [&str; 1] = ["X-Request-Id"];
/// On every answer to a key that is known and used from where it may be.
const COUNTED: [&str; 8] = [
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "RateLimit-Policy",
    "RateLimit",
    "X-Key-Expires-At",
    "Deprecation",
    "Sunset",
];

/// The headers of an answer with that status, by name.
pub(super) fn of(status: u16) -> Vec<&'static str> {
    let more: &[&str] = match status {
        401 => return [&ALWAYS[..], &["WWW-Authenticate"]].concat(),
        // Before authentication nobody's budget is known.
        414 | 431 => return ALWAYS.to_vec(),
        403 => &["WWW-Authenticate"],
        429 => &["Retry-After"],
        _ => &[],
    };
    [&ALWAYS[..], &COUNTED, more].concat()
}

/// Where one is described.
pub(super) fn reference(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// Headers that hold a number: name, meaning, example.
#[rustfmt::skip]
const NUMBERS: [(&str, &str, u64); 4] = [
    ("X-RateLimit-Limit", "The requests that may be made in an hour.", 1000),
    ("X-RateLimit-Remaining", "The requests that may be made now.", 847),
    ("X-RateLimit-Reset", "The Unix second at which the whole limit is available again.", 1_790_000_000),
    ("Retry-After", "The seconds to wait; who waits them gets in.", 4),
];
/// The other headers: name, meaning, example.
#[rustfmt::skip]
const TEXTS: [(&str, &str, &str); 9] = [
    ("X-Request-Id", "Names the request, here and in the audit log.", "req_01h455vb4pex5vsknk084sn02q"),
    ("RateLimit-Policy", "The limit (`q`) and its window in seconds (`w`).", r#""key";q=1000;w=3600"#),
    ("RateLimit", "What remains (`r`), and the seconds until there is more (`t`).", r#""key";r=847;t=4"#),
    ("X-Key-Expires-At", "When the key ends; in its last 14 days only.", "2026-12-01T00:00:00.000000Z"),
    ("Deprecation", "When the secret that was sent was replaced by a rotation of its key (RFC 9745); without a rotation \
        it is not there. Time to take the new one.", "@1790000000"),
    ("Sunset", "When that secret ends (RFC 8594).", "Tue, 22 Sep 2026 13:33:20 GMT"),
    ("WWW-Authenticate", "What was wrong with the credential, as far as the caller may know; for a missing permission \
        `error=\"insufficient_scope\"` and the one that is needed in `scope`.",
        r#"Bearer realm="torvus", error="invalid_token""#),
    ("Location", "The path of what was made.", "/v1/vaults/vault_01h455vb4pex5vsknk084sn02q"),
    ("Idempotency-Replayed", "`true` where this is the answer to an earlier request with the same `Idempotency-Key`.",
        "true"),
];

/// Every header, for the document's components.
pub(super) fn all() -> Vec<(&'static str, Header)> {
    let number = || {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .build()
    };
    let text = || Object::with_type(Type::String);
    let numbers =
        NUMBERS.map(|(name, what, example)| (name, header(number(), what, json!(example))));
    let texts = TEXTS.map(|(name, what, example)| (name, header(text(), what, json!(example))));
    numbers.into_iter().chain(texts).collect()
}

fn header(schema: Object, what: &str, example: Value) -> Header {
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(what))
        .example(Some(example))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_that_is_named_is_described() {
        let described: Vec<&str> = all().into_iter().map(|(name, _)| name).collect();
        for status in [200, 401, 403, 414, 429, 431] {
            for name in of(status) {
                assert!(described.contains(&name), "{name}");
            }
        }
    }
}
