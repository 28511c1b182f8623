//! `POST`, once or more: with an `Idempotency-Key` a request that is sent again
//! gets the first answer again, and nothing is made twice.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use torvus_domain::{Refusal, Timestamp};
use torvus_gate::Grant;
use torvus_storage::Conn;
use torvus_storage::idempotency::{self, Begin};
use torvus_storage::resources::Scope;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};

use super::answer::{Found, Shown, scope};
use super::{Answer, Context, schema};

const HEADER: &str = "Idempotency-Key";
const REPLAYED: &str = "Idempotency-Replayed";
const MAX_KEY_BYTES: usize = 255;

/// Something that was made, as it is told.
pub(super) struct Created {
    /// The body.
    pub(super) body: Vec<u8>,
    /// Where it can be found, if anywhere.
    pub(super) location: Option<String>,
}

/// What may be sent again.
pub(super) struct Origin {
    shown: Shown,
    scope: Scope,
    once: Option<Once>,
}

/// A key and what it stands for.
struct Once {
    /// The hash of what was sent: somebody will send a secret here.
    key: String,
    fingerprint: [u8; 32],
}

struct Told {
    status: u16,
    created: Created,
    replayed: bool,
}

impl Origin {
    /// Reads the header of a request whose body is `raw`.
    pub(super) fn of(request: &HttpRequest, grant: &Grant, raw: &[u8]) -> Result<Self, Refusal> {
        let once = key(request.headers())?.map(|key| Once {
            key: URL_SAFE_NO_PAD.encode(Sha256::digest(key)),
            fingerprint: fingerprint(request, raw),
        });
        Ok(Self {
            shown: Shown::of(grant),
            scope: scope(grant),
            once,
        })
    }
}

/// Makes something in one transaction, or tells again what was made.
pub(super) async fn create(
    context: &Arc<Context>,
    origin: Origin,
    now: Timestamp,
    make: impl FnOnce(&mut Conn) -> Found<Created> + Send + 'static,
) -> Answer {
    let told = context
        .write(origin.shown, move |c| once_only(c, &origin, now, make))
        .await?;
    let status = StatusCode::from_u16(told.status).map_err(|_| Refusal::Internal)?;
    let mut answer = HttpResponse::build(status);
    answer.insert_header((CONTENT_TYPE, "application/json"));
    if let Some(location) = told.created.location {
        answer.insert_header((LOCATION, location));
    }
    if told.replayed {
        answer.insert_header((REPLAYED, "true"));
    }
    Ok(answer.body(told.created.body))
}

fn once_only(
    c: &mut Conn,
    origin: &Origin,
    now: Timestamp,
    make: impl FnOnce(&mut Conn) -> Found<Created>,
) -> Found<Told> {
    let first = |created| Told {
        status: 201,
        created,
        replayed: false,
    };
    let Some(once) = &origin.once else {
        return Ok(make(c)?.map(first));
    };
    match idempotency::begin(c, origin.scope, &once.key, once.fingerprint, now)? {
        Begin::New => {}
        Begin::Replay {
            status,
            body,
            location,
        } => {
            return Ok(Ok(Told {
                status,
                created: Created { body, location },
                replayed: true,
            }));
        }
        Begin::Mismatch => {
            return Ok(Err(used_before()));
        }
        Begin::InFlight => {
            return Ok(Err(in_flight()));
        }
    }
    match make(c)? {
        Ok(created) => {
            let Created { body, location } = &created;
            let location = location.as_deref();
            idempotency::finish(c, origin.scope, &once.key, 201, body, location)?;
            Ok(Ok(first(created)))
        }
        Err(refusal) => {
            // Nothing was made, so the key may be tried again.
            idempotency::abandon(c, origin.scope, &once.key)?;
            Ok(Err(refusal))
        }
    }
}

/// The key stands for another request.
pub(super) fn used_before() -> Refusal {
    Refusal::Invalid {
        field: None,
        message: format!("`{HEADER}` was used before with another request"),
    }
}

/// The first request with the key has no answer yet.
pub(super) fn in_flight() -> Refusal {
    Refusal::Conflict {
        message: format!("A request with this `{HEADER}` is being answered"),
    }
}

/// What the document tells of the header.
pub(crate) fn parameter() -> Parameter {
    let schema = schema::string()
        .min_length(Some(1))
        .max_length(Some(MAX_KEY_BYTES))
        .pattern(Some("^[!-~]+$"))
        .examples(["5c1f1f0e-2f6b-4d0e-9a53-0c1c2f0f7a11"]);
    ParameterBuilder::new()
        .name(HEADER)
        .parameter_in(ParameterIn::Header)
        .description(Some(format!(
            "Your own name for this request. For {} hours the same one with the same body gives the first \
             answer again, with `{REPLAYED}: true`, and makes nothing twice.",
            idempotency::KEPT_HOURS
        )))
        .schema(Some(schema))
        .build()
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(HEADER);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let plain = |bytes: &[u8]| {
        (1..=MAX_KEY_BYTES).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
    };
    match value.to_str() {
        Ok(key) if values.next().is_none() && plain(key.as_bytes()) => Ok(Some(key.to_owned())),
        _ => Err(Refusal::Unreadable {
            message: format!("`{HEADER}` must be 1 to {MAX_KEY_BYTES} visible ASCII characters"),
        }),
    }
}

/// What tells one request from another: method, path and body. Each ends
/// where the next can't be mistaken for a part of it.
fn fingerprint(request: &HttpRequest, raw: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(request.method().as_str());
    hash.update([0]);
    hash.update(request.uri().path());
    hash.update([0]);
    hash.update(raw);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, u16> {
        let mut request = TestRequest::post();
        for value in values {
            request = request.append_header((HEADER, *value));
        }
        key(request.to_http_request().headers()).map_err(|refusal| refusal.status())
    }

    #[test]
    fn keys_are_visible_ascii() {
        let longest = "k".repeat(MAX_KEY_BYTES);
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["a-~1"]), Ok(Some("a-~1".to_owned())));
        assert_eq!(read(&[&longest]), Ok(Some(longest.clone())));
        for values in [
            &[""][..],
            &["a b"],
            &["\u{e9}"],
            &["a", "a"],
            &[format!("{longest}k").as_str()],
        ] {
            assert_eq!(read(values), Err(400), "{values:?}");
        }
    }

    #[test]
    fn another_request_has_another_fingerprint() {
        let of = |path: &str, raw: &[u8]| {
            let request = TestRequest::post().uri(path).to_http_request();
            fingerprint(&request, raw)
        };
        let first = of("/v1/vaults", b"{}");
        assert_eq!(first, of("/v1/vaults", b"{}"));
        assert_ne!(first, of("/v1/vaults", b"{ }"));
        assert_ne!(first, of("/v1/check-ins", b"{}"));
    }
}
