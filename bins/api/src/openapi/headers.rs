//! The headers of answers.

use serde_json::json;
use utoipa::openapi::Ref;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// On every answer.
const ALWAYS: [&str; 1] = ["X-Request-Id"];
/// On every answer to a key that is known and used from where it may be.
const COUNTED: [&str; 6] = [
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "RateLimit-Policy",
    "RateLimit",
    "X-Key-Expires-At",
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

/// Every header, for the document's components.
pub(super) fn all() -> [(&'static str, Header); 11] {
    let number = || {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .build()
    };
    let text = || Object::with_type(Type::String);
    [
        header(
            "X-Request-Id",
            text(),
            "Names the request, here and in the audit log.",
            "req_01h455vb4pex5vsknk084sn02q",
        ),
        header(
            "X-RateLimit-Limit",
            number(),
            "The requests that may be made in an hour.",
            1000,
        ),
        header(
            "X-RateLimit-Remaining",
            number(),
            "The requests that may be made now.",
            847,
        ),
        header(
            "X-RateLimit-Reset",
            number(),
            "The Unix second at which the whole limit is available again.",
            1_790_000_000,
        ),
        header(
            "RateLimit-Policy",
            text(),
            "The limit (`q`) and its window in seconds (`w`).",
            r#""key";q=1000;w=3600"#,
        ),
        header(
            "RateLimit",
            text(),
            "What remains (`r`), and the seconds until there is more (`t`).",
            r#""key";r=847;t=4"#,
        ),
        header(
            "Retry-After",
            number(),
            "The seconds to wait; who waits them gets in.",
            4,
        ),
        header(
            "X-Key-Expires-At",
            text(),
            "When the key ends; in its last 14 days only.",
            "2026-12-01T00:00:00.000000Z",
        ),
        header(
            "WWW-Authenticate",
            text(),
            "What was wrong with the credential, as far as the caller may know; for a missing permission `error=\"insufficient_scope\"` and the one that is needed in `scope`.",
            r#"Bearer realm="torvus", error="invalid_token""#,
        ),
        header(
            "Location",
            text(),
            "The path of what was made.",
            "/v1/vaults/vault_01h455vb4pex5vsknk084sn02q",
        ),
        header(
            "Idempotency-Replayed",
            text(),
            "`true` where this is the answer to an earlier request with the same `Idempotency-Key`.",
            "true",
        ),
    ]
}

fn header(
    name: &'static str,
    schema: Object,
    what: &str,
    example: impl serde::Serialize,
) -> (&'static str, Header) {
    let header = HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(what))
        .example(Some(json!(example)))
        .build();
    (name, header)
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
