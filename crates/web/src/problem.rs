//! The one place where a refusal becomes HTTP (public contract, section 3).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use torvus_domain::Refusal;

/// The answer to a refused request. Rate headers and the request id are added
/// by whoever knows them.
#[must_use]
pub fn respond(refusal: &Refusal) -> HttpResponse {
    let status =
        StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    answer.insert_header((CONTENT_TYPE, "application/json"));
    match refusal {
        Refusal::MissingKey => {
            answer.insert_header((WWW_AUTHENTICATE, r#"Bearer realm="torvus""#));
        }
        Refusal::MalformedKey
        | Refusal::UnknownKey
        | Refusal::ExpiredKey
        | Refusal::RevokedKey
        | Refusal::SuspendedAccount => {
            answer.insert_header((
                WWW_AUTHENTICATE,
                r#"Bearer realm="torvus", error="invalid_token""#,
            ));
        }
        Refusal::MissingPermission(permission) => {
            let challenge = format!(
                r#"Bearer realm="torvus", error="insufficient_scope", scope="{permission}""#
            );
            answer.insert_header((WWW_AUTHENTICATE, challenge));
        }
        Refusal::MethodNotAllowed { allow } => {
            answer.insert_header((ALLOW, allow.as_str()));
        }
        _ => {}
    }
    answer.body(problem(refusal).to_string())
}

/// The body of that answer.
#[must_use]
pub fn problem(refusal: &Refusal) -> Value {
    let mut body = json!({ "error": refusal.code(), "message": refusal.message() });
    if let (
        Refusal::Invalid {
            field: Some(field), ..
        },
        Some(object),
    ) = (refusal, body.as_object_mut())
    {
        object.insert("field".to_owned(), json!(field));
    }
    body
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use torvus_domain::Permission;

    use super::*;

    async fn body(refusal: &Refusal) -> String {
        let bytes = to_bytes(respond(refusal).into_body()).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn challenge(refusal: &Refusal) -> Option<String> {
        let answer = respond(refusal);
        let value = answer.headers().get(WWW_AUTHENTICATE)?;
        Some(value.to_str().unwrap().to_owned())
    }

    #[actix_web::test]
    async fn the_fixed_bodies_to_the_byte() {
        let unauthorized = r#"{"error":"authentication_failed","message":"Invalid API key"}"#;
        for refusal in [
            Refusal::MissingKey,
            Refusal::MalformedKey,
            Refusal::UnknownKey,
            Refusal::ExpiredKey,
            Refusal::RevokedKey,
            Refusal::SuspendedAccount,
        ] {
            assert_eq!(body(&refusal).await, unauthorized);
        }
        let forbidden =
            r#"{"error":"permission_denied","message":"API key lacks required permissions"}"#;
        for refusal in [
            Refusal::IpNotAllowed,
            Refusal::NotOwner,
            Refusal::MissingPermission(Permission::Write),
        ] {
            assert_eq!(body(&refusal).await, forbidden);
        }
    }

    #[actix_web::test]
    async fn the_other_bodies_to_the_byte() {
        let said = |message: &str| message.to_owned();
        for (refusal, status, text) in [
            (
                Refusal::RateLimited,
                429,
                r#"{"error":"rate_limit_exceeded","message":"Rate limit exceeded; wait as long as Retry-After says"}"#,
            ),
            (
                Refusal::NotFound,
                404,
                r#"{"error":"not_found","message":"No such resource"}"#,
            ),
            (
                Refusal::Unreadable {
                    message: said("no"),
                },
                400,
                r#"{"error":"invalid_request","message":"no"}"#,
            ),
            (
                Refusal::Invalid {
                    field: None,
                    message: said("no"),
                },
                422,
                r#"{"error":"invalid_request","message":"no"}"#,
            ),
            (
                Refusal::Conflict {
                    message: said("no"),
                },
                409,
                r#"{"error":"conflict","message":"no"}"#,
            ),
            (
                Refusal::PayloadTooLarge { max_bytes: 65_536 },
                413,
                r#"{"error":"payload_too_large","message":"The body is too large: at most 65536 bytes"}"#,
            ),
            (
                Refusal::UnsupportedMediaType,
                415,
                r#"{"error":"unsupported_media_type","message":"The body must be sent as Content-Type: application/json, without a Content-Encoding"}"#,
            ),
            (
                Refusal::UriTooLong,
                414,
                r#"{"error":"uri_too_long","message":"The URI is too long: at most 2048 bytes"}"#,
            ),
            (
                Refusal::HeadersTooLarge,
                431,
                r#"{"error":"headers_too_large","message":"The headers are too large: at most 16384 bytes"}"#,
            ),
            (
                Refusal::Internal,
                500,
                r#"{"error":"internal_error","message":"Something went wrong on our side"}"#,
            ),
            (
                Refusal::Unavailable,
                503,
                r#"{"error":"unavailable","message":"The service is not available now; try again"}"#,
            ),
        ] {
            assert_eq!(respond(&refusal).status().as_u16(), status);
            assert_eq!(body(&refusal).await, text);
        }
    }

    #[test]
    fn challenges_tell_what_the_client_may_know() {
        let realm = r#"Bearer realm="torvus""#;
        assert_eq!(challenge(&Refusal::MissingKey).as_deref(), Some(realm));
        assert_eq!(
            challenge(&Refusal::ExpiredKey),
            Some(format!(r#"{realm}, error="invalid_token""#))
        );
        assert_eq!(
            challenge(&Refusal::MissingPermission(Permission::Delete)),
            Some(format!(
                r#"{realm}, error="insufficient_scope", scope="delete""#
            ))
        );
        for refusal in [
            Refusal::NotOwner,
            Refusal::IpNotAllowed,
            Refusal::RateLimited,
            Refusal::NotFound,
        ] {
            assert_eq!(challenge(&refusal), None);
        }
    }

    #[actix_web::test]
    async fn a_field_is_named_and_a_method_allowed() {
        let invalid = Refusal::Invalid {
            field: Some("name".to_owned()),
            message: "too long".to_owned(),
        };
        assert_eq!(
            body(&invalid).await,
            r#"{"error":"invalid_request","field":"name","message":"too long"}"#
        );
        let answer = respond(&Refusal::MethodNotAllowed {
            allow: "GET, HEAD".to_owned(),
        });
        assert_eq!(answer.headers().get(ALLOW).unwrap(), "GET, HEAD");
        assert_eq!(answer.status().as_u16(), 405);
    }
}
