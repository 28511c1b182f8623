//! Every way in which a request is refused.

use std::borrow::Cow;

use crate::{Outcome, Permission};

/// A refusal: what the client is told, and what the audit log keeps of it.
/// The texts are those of the public contract, section 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No credential was sent.
    MissingKey,
    /// What was sent is no key.
    MalformedKey,
    /// A well-formed key that nobody was given.
    UnknownKey,
    /// The key's time is over.
    ExpiredKey,
    /// The key was revoked.
    RevokedKey,
    /// The key's account is suspended.
    SuspendedAccount,
    /// The key may not be used from that address.
    IpNotAllowed,
    /// The key lacks this permission.
    MissingPermission(Permission),
    /// The resource belongs to another account.
    NotOwner,
    /// A request was asked about, but not by a trusted proxy.
    UntrustedProxy,
    /// A proxy told of a request in a way that could be read as another one.
    AmbiguousRequest,
    /// The limit is used up.
    RateLimited,
    /// There is no such route or resource.
    NotFound,
    /// The route exists, but not for this method.
    MethodNotAllowed {
        /// The methods it knows, for the `Allow` header.
        allow: String,
    },
    /// The request can't be read (400).
    Unreadable {
        /// What is wrong, without what was sent.
        message: String,
    },
    /// The request was read, but asks for what is not allowed (422).
    Invalid {
        /// The field to blame, where there is one.
        field: Option<String>,
        /// What is allowed.
        message: String,
    },
    /// Something else is under way under the same name.
    Conflict {
        /// What.
        message: String,
    },
    /// The body is too large.
    PayloadTooLarge {
        /// What is allowed, in bytes.
        max_bytes: u64,
    },
    /// The body is no JSON.
    UnsupportedMediaType,
    /// The URI is longer than 2 KiB.
    UriTooLong,
    /// The headers are larger than 16 KiB.
    HeadersTooLarge,
    /// A fault of ours. Nothing of it is told.
    Internal,
    /// A part that the decision needs is down.
    Unavailable,
}

impl Refusal {
    /// The word for it in the audit log.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::MissingKey => Outcome::MissingKey,
            Self::MalformedKey => Outcome::MalformedKey,
            Self::UnknownKey => Outcome::UnknownKey,
            Self::ExpiredKey => Outcome::ExpiredKey,
            Self::RevokedKey => Outcome::RevokedKey,
            Self::SuspendedAccount => Outcome::SuspendedAccount,
            Self::IpNotAllowed => Outcome::IpNotAllowed,
            Self::MissingPermission(_) => Outcome::MissingPermission,
            Self::NotOwner => Outcome::NotOwner,
            Self::UntrustedProxy => Outcome::UntrustedProxy,
            Self::AmbiguousRequest => Outcome::AmbiguousRequest,
            Self::RateLimited => Outcome::RateLimited,
            Self::NotFound => Outcome::NotFound,
            Self::MethodNotAllowed { .. } => Outcome::MethodNotAllowed,
            Self::Unreadable { .. } | Self::Invalid { .. } => Outcome::InvalidRequest,
            Self::Conflict { .. } => Outcome::Conflict,
            Self::PayloadTooLarge { .. } => Outcome::PayloadTooLarge,
            Self::UnsupportedMediaType => Outcome::UnsupportedMediaType,
            Self::UriTooLong => Outcome::UriTooLong,
            Self::HeadersTooLarge => Outcome::HeadersTooLarge,
            Self::Internal => Outcome::InternalError,
            Self::Unavailable => Outcome::Unavailable,
        }
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::MissingKey
            | Self::MalformedKey
            | Self::UnknownKey
            | Self::ExpiredKey
            | Self::RevokedKey
            | Self::SuspendedAccount => 401,
            Self::IpNotAllowed
            | Self::MissingPermission(_)
            | Self::NotOwner
            | Self::UntrustedProxy
            | Self::AmbiguousRequest => 403,
            Self::RateLimited => 429,
            Self::NotFound => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::Unreadable { .. } => 400,
            Self::Invalid { .. } => 422,
            Self::Conflict { .. } => 409,
            Self::PayloadTooLarge { .. } => 413,
            Self::UnsupportedMediaType => 415,
            Self::UriTooLong => 414,
            Self::HeadersTooLarge => 431,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// The word in `error`: one for all causes that a client must not tell
    /// apart.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.status() {
            401 => "authentication_failed",
            403 => "permission_denied",
            429 => "rate_limit_exceeded",
            _ => self.outcome().as_str(),
        }
    }

    /// The sentence in `message`.
    #[must_use]
    pub fn message(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::MissingKey
            | Self::MalformedKey
            | Self::UnknownKey
            | Self::ExpiredKey
            | Self::RevokedKey
            | Self::SuspendedAccount => "Invalid API key",
            Self::IpNotAllowed
            | Self::MissingPermission(_)
            | Self::NotOwner
            | Self::UntrustedProxy
            | Self::AmbiguousRequest => "API key lacks required permissions",
            Self::RateLimited => "Rate limit exceeded; wait as long as Retry-After says",
            Self::NotFound => "No such resource",
            Self::MethodNotAllowed { .. } => "This method is not allowed here; see Allow",
            Self::Unreadable { message }
            | Self::Invalid { message, .. }
            | Self::Conflict { message } => message,
            Self::PayloadTooLarge { max_bytes } => {
                return Cow::Owned(format!("The body is too large: at most {max_bytes} bytes"));
            }
            Self::UnsupportedMediaType => {
                "The body must be sent as Content-Type: application/json, without a Content-Encoding"
            }
            Self::UriTooLong => "The URI is too long: at most 2048 bytes",
            Self::HeadersTooLarge => "The headers are too large: at most 16384 bytes",
            Self::Internal => "Something went wrong on our side",
            Self::Unavailable => "The service is not available now; try again",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refused_credential_reads_the_same() {
        for refusal in [
            Refusal::MissingKey,
            Refusal::MalformedKey,
            Refusal::UnknownKey,
            Refusal::ExpiredKey,
            Refusal::RevokedKey,
            Refusal::SuspendedAccount,
        ] {
            assert_eq!(refusal.status(), 401);
            assert_eq!(refusal.code(), "authentication_failed");
            assert_eq!(refusal.message(), "Invalid API key");
        }
    }

    #[test]
    fn codes_of_the_contract() {
        assert_eq!(Refusal::NotOwner.code(), "permission_denied");
        assert_eq!(Refusal::RateLimited.code(), "rate_limit_exceeded");
        assert_eq!(Refusal::Internal.code(), "internal_error");
        assert_eq!(Refusal::Unavailable.code(), "unavailable");
        let invalid = Refusal::Invalid {
            field: None,
            message: "no".to_owned(),
        };
        assert_eq!((invalid.status(), invalid.code()), (422, "invalid_request"));
        assert_eq!(
            Refusal::PayloadTooLarge { max_bytes: 1 }.code(),
            "payload_too_large"
        );
    }
}
