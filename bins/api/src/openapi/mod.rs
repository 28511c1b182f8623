//! The API's description: the document at `/openapi.json`, made from the route
//! table and the handlers' types, and the pages for people that are made from
//! it. None of it needs a key, and all of it is made once, at the start.

mod document;
mod errors;
mod headers;
mod json;
mod markdown;
mod operation;
mod path;
mod reference;
mod schema_words;

use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use torvus_authz::RouteTable;
use torvus_domain::Refusal;
use torvus_web::respond;

use crate::failure::Failure;

const STYLE: &str = include_str!("../../templates/style.css");
/// The pages load nothing but their own style.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// All that is served about the API.
pub(crate) struct Documents {
    files: [File; 4],
}

struct File {
    path: &'static str,
    content_type: &'static str,
    body: Bytes,
}

impl Documents {
    /// Makes them. A route that can't be described is an error.
    pub(crate) fn new(routes: &RouteTable) -> Result<Self, Failure> {
        const HTML: &str = "text/html; charset=utf-8";
        let document = document::build(routes).map_err(Failure::new)?;
        let reference = reference::render(&document).map_err(Failure::new)?;
        let guide = markdown::guide().map_err(Failure::new)?;
        let file = |path, content_type, body| File {
            path,
            content_type,
            body,
        };
        Ok(Self {
            files: [
                file(
                    "/openapi.json",
                    "application/json",
                    document.to_string().into(),
                ),
                file("/docs", HTML, reference.into()),
                file("/docs/guide", HTML, guide.into()),
                file("/docs/style.css", "text/css; charset=utf-8", STYLE.into()),
            ],
        })
    }

    /// The answer, where the path is one of theirs.
    pub(crate) fn answer(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let path = request.uri().path();
        let file = self.files.iter().find(|file| file.path == path)?;
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Some(respond(&Refusal::MethodNotAllowed {
                allow: "GET, HEAD".to_owned(),
            }));
        }
        Some(
            HttpResponse::Ok()
                .insert_header((CONTENT_TYPE, file.content_type))
                .insert_header((CACHE_CONTROL, "no-cache"))
                .insert_header((CONTENT_SECURITY_POLICY, POLICY))
                .insert_header((REFERRER_POLICY, "no-referrer"))
                .body(file.body.clone()),
        )
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::http::header::ALLOW;
    use actix_web::test::TestRequest;

    use super::*;

    fn status(documents: &Documents, method: Method, path: &str) -> Option<StatusCode> {
        let request = TestRequest::with_uri(path).method(method).to_http_request();
        documents.answer(&request).map(|answer| answer.status())
    }

    #[test]
    fn only_their_own_paths_are_answered_and_only_to_be_read() {
        let documents = Documents::new(&RouteTable::torvus()).ok().unwrap();
        for path in [
            "/openapi.json",
            "/docs",
            "/docs/guide",
            "/docs/style.css?x=1",
        ] {
            assert_eq!(status(&documents, Method::GET, path), Some(StatusCode::OK));
            assert_eq!(status(&documents, Method::HEAD, path), Some(StatusCode::OK));
            let posted = status(&documents, Method::POST, path);
            assert_eq!(posted, Some(StatusCode::METHOD_NOT_ALLOWED));
        }
        for path in [
            "/docs/",
            "/Docs",
            "//docs",
            "/docs/../docs",
            "/openapi.yaml",
            "/",
        ] {
            assert_eq!(status(&documents, Method::GET, path), None, "{path}");
        }
        let request = TestRequest::delete().uri("/docs").to_http_request();
        let refused = documents.answer(&request).unwrap();
        assert_eq!(refused.headers().get(ALLOW).unwrap(), "GET, HEAD");
    }

    #[test]
    fn the_pages_load_nothing_from_elsewhere() {
        let documents = Documents::new(&RouteTable::torvus()).ok().unwrap();
        for file in &documents.files {
            let text = std::str::from_utf8(&file.body).unwrap();
            for mark in ["<script", "src=", "@import", "url(", " style=", " onclick="] {
                assert!(!text.contains(mark), "{mark} in {}", file.path);
            }
        }
    }
}
