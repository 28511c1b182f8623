//! Why a page is not shown, and the page that is shown instead.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use askama::Template;
use torvus_domain::LookupUnavailable;
use torvus_keyring::KeyringError;
use torvus_storage::StorageError;

use crate::frame::Frame;
use crate::page::page_with;

/// When somebody is to try again who came while a part was down, in seconds.
const RETRY_SECONDS: &str = "5";

/// Why a page is not shown.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The request makes no sense, or what it asks for is not allowed.
    Bad(String),
    /// It is refused whoever asks: another site's form, a token that is wrong.
    Forbidden(&'static str),
    /// There is no such page, key or record; or it is another account's.
    NotFound,
    /// The page is not asked for like this.
    MethodNotAllowed(&'static str),
    /// The form was sent before.
    SentAlready,
    /// Things are not as the form takes them to be.
    Conflict(String),
    /// The form is too large.
    TooLarge,
    /// Too many at once, or a part is down.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl Problem {
    pub(crate) fn bad(message: impl ToString) -> Self {
        Self::Bad(message.to_string())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::SentAlready | Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The page that says so.
    pub(crate) fn page(self, frame: Frame) -> HttpResponse {
        let status = self.status();
        let allow = match self {
            Self::MethodNotAllowed(allow) => Some(allow),
            _ => None,
        };
        let page = ProblemPage {
            frame,
            problem: self,
        };
        let mut answer =
            page_with(status, &page).unwrap_or_else(|_| HttpResponse::build(status).finish());
        let headers = answer.headers_mut();
        if let Some(allow) = allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
        }
        answer
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    problem: Problem,
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable(_) => {
                tracing::warn!(%error, "a page could not be shown");
                Self::Unavailable
            }
            other => {
                tracing::error!(error = %other, "a page could not be shown");
                Self::Internal
            }
        }
    }
}

impl From<KeyringError> for Problem {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::NotFound(_) => Self::NotFound,
            KeyringError::Invalid { .. } => Self::Bad(error.to_string()),
            KeyringError::Conflict(message) | KeyringError::Refused(message) => {
                Self::Conflict(message)
            }
            KeyringError::Failed(reason) => {
                tracing::error!(reason, "a change could not be made");
                Self::Internal
            }
            KeyringError::Storage(error) => error.into(),
        }
    }
}

impl From<LookupUnavailable> for Problem {
    fn from(_: LookupUnavailable) -> Self {
        Self::Unavailable
    }
}
