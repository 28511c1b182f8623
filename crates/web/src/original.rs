//! The request that a proxy asks about (public contract, section 5).

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderName};
use torvus_authz::plain_path;
use torvus_domain::{Refusal, URI_BYTES_MAX};

const METHOD: [HeaderName; 2] = [
    HeaderName::from_static("x-forwarded-method"),
    HeaderName::from_static("x-original-method"),
];
const URI: [HeaderName; 2] = [
    HeaderName::from_static("x-forwarded-uri"),
    HeaderName::from_static("x-original-uri"),
];

/// How a proxy tells which request it asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// In headers: nginx, Traefik, Caddy, HAProxy.
    InHeaders,
    /// In the request line, behind this prefix: Envoy's `path_prefix`.
    InRequestLine {
        /// What was put in front of the original path.
        prefix: &'a str,
    },
}

/// The original method and path.
pub(crate) fn original<'r>(
    request: &'r HttpRequest,
    told: Told<'_>,
) -> Result<(&'r str, &'r str), Refusal> {
    let (method, uri) = match told {
        Told::InHeaders => (
            the_one(request.headers(), &METHOD)?,
            the_one(request.headers(), &URI)?,
        ),
        Told::InRequestLine { prefix } => {
            let sent = request.uri().path_and_query();
            let uri = sent.and_then(|sent| sent.as_str().strip_prefix(prefix));
            (
                request.method().as_str(),
                uri.ok_or(Refusal::AmbiguousRequest)?,
            )
        }
    };
    let path = plain_path(uri).filter(|_| uri.len() <= URI_BYTES_MAX);
    Ok((method, path.ok_or(Refusal::AmbiguousRequest)?))
}

/// The value of the one header among these that is there, once.
fn the_one<'h>(headers: &'h HeaderMap, names: &[HeaderName]) -> Result<&'h str, Refusal> {
    let mut values = names.iter().flat_map(|name| headers.get_all(name));
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| Refusal::AmbiguousRequest),
        _ => Err(Refusal::AmbiguousRequest),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn told(headers: &[(&str, &str)]) -> Result<(String, String), Refusal> {
        let request = headers.iter().fold(
            TestRequest::get().uri("/auth/forward"),
            |request, header| request.append_header(*header),
        );
        original(&request.to_http_request(), Told::InHeaders)
            .map(|(method, path)| (method.to_owned(), path.to_owned()))
    }

    #[test]
    fn either_pair_or_one_of_each() {
        for (method, uri) in [
            ("X-Forwarded-Method", "X-Forwarded-Uri"),
            ("X-Original-Method", "X-Original-URI"),
            ("X-Forwarded-Method", "X-Original-URI"),
        ] {
            assert_eq!(
                told(&[(method, "PUT"), (uri, "/v1/vaults/x?a=b")]),
                Ok(("PUT".to_owned(), "/v1/vaults/x".to_owned()))
            );
        }
    }

    #[test]
    fn anything_but_one_of_each_is_refused() {
        let method = ("X-Forwarded-Method", "GET");
        let uri = ("X-Forwarded-Uri", "/v1/account");
        for headers in [
            &[][..],
            &[method],
            &[uri],
            &[method, method, uri],
            &[method, uri, uri],
            &[method, ("X-Original-Method", "GET"), uri],
            &[method, uri, ("X-Original-URI", "/v1/account")],
            &[
                ("X_Forwarded_Method", "GET"),
                ("X_Forwarded_Uri", "/v1/account"),
            ],
            &[method, ("X-Forwarded-Uri", "")],
            &[method, ("X-Forwarded-Uri", "/v1//account")],
            &[method, ("X-Forwarded-Uri", "/v1/account, /v1/vaults")],
        ] {
            assert_eq!(told(headers), Err(Refusal::AmbiguousRequest), "{headers:?}");
        }
        let long = format!("/{}", "a".repeat(URI_BYTES_MAX));
        let told = told(&[method, ("X-Forwarded-Uri", &long)]);
        assert_eq!(told, Err(Refusal::AmbiguousRequest));
    }

    #[test]
    fn the_request_line_behind_its_prefix() {
        let told = |uri: &str| {
            let request = TestRequest::delete().uri(uri).to_http_request();
            let prefix = "/auth/envoy";
            original(&request, Told::InRequestLine { prefix })
                .map(|(method, path)| format!("{method} {path}"))
        };
        assert_eq!(told("/auth/envoy/v1/a?b"), Ok("DELETE /v1/a".to_owned()));
        for uri in [
            "/auth/envoy",
            "/auth/envoy//v1",
            "/auth/envoyv1",
            "/auth/envoy?/v1",
        ] {
            assert_eq!(told(uri), Err(Refusal::AmbiguousRequest), "{uri}");
        }
    }
}
