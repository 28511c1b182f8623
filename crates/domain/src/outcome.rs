//! How a request ended, and what kind of thing a record tells of: the words of
//! the audit log (public contract, section 7).

use std::fmt;
use std::str::FromStr;

/// A word that the audit log does not use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is none of: {allowed}")]
pub struct UnknownOutcome {
    /// What was given.
    pub given: String,
    /// What is allowed, separated by commas.
    pub allowed: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownOutcome;

            fn from_str(text: &str) -> Result<Self, UnknownOutcome> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| {
                    let words: Vec<&str> = Self::ALL.iter().map(|word| word.as_str()).collect();
                    UnknownOutcome { given: text.to_owned(), allowed: words.join(", ") }
                })
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// How a request, or something done to a key, ended.
    Outcome {
        /// Done as asked.
        Ok = "ok",
        /// No credential was sent.
        MissingKey = "missing_key",
        /// What was sent is no key.
        MalformedKey = "malformed_key",
        /// A well-formed key that nobody was given.
        UnknownKey = "unknown_key",
        /// The key's time is over.
        ExpiredKey = "expired_key",
        /// The key was revoked.
        RevokedKey = "revoked_key",
        /// The key's account is suspended.
        SuspendedAccount = "suspended_account",
        /// The key may not be used from that address.
        IpNotAllowed = "ip_not_allowed",
        /// The key lacks the permission the route needs.
        MissingPermission = "missing_permission",
        /// The resource belongs to another account.
        NotOwner = "not_owner",
        /// Asked about somebody's request by one that is no trusted proxy.
        UntrustedProxy = "untrusted_proxy",
        /// A proxy told of a request that two readers could take differently.
        AmbiguousRequest = "ambiguous_request",
        /// The address, the password or the code of a sign-in was wrong.
        WrongCredentials = "wrong_credentials",
        /// The limit was used up.
        RateLimited = "rate_limited",
        /// There is no such route or resource.
        NotFound = "not_found",
        /// The route does not know the method.
        MethodNotAllowed = "method_not_allowed",
        /// The request could not be read, or asked for what is not allowed.
        InvalidRequest = "invalid_request",
        /// Something else is under way under the same name.
        Conflict = "conflict",
        /// The body was too large.
        PayloadTooLarge = "payload_too_large",
        /// The body was no JSON.
        UnsupportedMediaType = "unsupported_media_type",
        /// The URI was too long.
        UriTooLong = "uri_too_long",
        /// The headers were too large.
        HeadersTooLarge = "headers_too_large",
        /// A fault of ours.
        InternalError = "internal_error",
        /// A part that is needed was down.
        Unavailable = "unavailable",
        /// A crash cut it off.
        Unknown = "unknown",
    }
}

words! {
    /// What kind of thing a record of the audit log tells of.
    Category {
        /// A request under `/v1` or `/auth/…`.
        ApiActivity = "api_activity",
        /// Something done to a key or an account.
        KeyManagement = "key_management",
        /// A sign-in to the dashboard.
        SignIn = "sign_in",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(*outcome));
        }
        for category in Category::ALL {
            assert_eq!(category.as_str().parse(), Ok(*category));
        }
        assert!(
            "OK".parse::<Outcome>()
                .unwrap_err()
                .to_string()
                .contains("missing_key")
        );
    }
}
