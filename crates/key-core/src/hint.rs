//! What people see of a key.

use std::{fmt, str};

use crate::{Environment, PREFIX, alphabet};

/// The part of a key that may be stored, logged and shown: `torvus_sk_live_7fQa…x3Zk`.
///
/// The environment, the first four and the last four characters of the body (the public contract,
/// section 1): enough to find one's key in a list, far from enough to use it. The last four belong
/// to the checksum, a function of the rest; an onlooker who has both still has more than 200
/// random bits to guess.
///
/// ```
/// use torvus_key_core::{Environment, KeyHint};
///
/// let hint = KeyHint::from_parts(Environment::Live, "7fQa", "x3Zk");
/// let shown = hint.map(|hint| hint.to_string());
/// assert_eq!(shown.as_deref(), Some("torvus_sk_live_7fQa…x3Zk"));
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct KeyHint {
    environment: Environment,
    first: [u8; 4],
    last: [u8; 4],
}

impl KeyHint {
    /// For callers that have checked that all eight are characters of the alphabet.
    pub(crate) const fn new(environment: Environment, first: [u8; 4], last: [u8; 4]) -> Self {
        Self {
            environment,
            first,
            last,
        }
    }

    /// Builds a hint from its stored parts, or gives `None` unless both are four characters of
    /// `0-9A-Za-z`.
    #[must_use]
    pub fn from_parts(environment: Environment, first: &str, last: &str) -> Option<Self> {
        Some(Self::new(environment, quartet(first)?, quartet(last)?))
    }

    /// The environment of the key.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// The first four characters after `live_` or `test_`.
    #[must_use]
    pub fn first(&self) -> &str {
        as_text(&self.first)
    }

    /// The last four characters of the key.
    #[must_use]
    pub fn last(&self) -> &str {
        as_text(&self.last)
    }
}

/// Four characters of the alphabet, or nothing.
fn quartet(text: &str) -> Option<[u8; 4]> {
    let bytes: [u8; 4] = text.as_bytes().try_into().ok()?;
    bytes
        .iter()
        .all(|byte| alphabet::contains(*byte))
        .then_some(bytes)
}

/// Every way to a hint allows ASCII only, so the fallback is never taken.
fn as_text(bytes: &[u8; 4]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

impl fmt::Display for KeyHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (environment, first, last) = (self.environment, self.first(), self.last());
        write!(f, "{PREFIX}{environment}_{first}…{last}")
    }
}

/// As it is displayed: a hint is made to be seen.
impl fmt::Debug for KeyHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_go_there_and_back() {
        let hint = KeyHint::from_parts(Environment::Test, "09AZ", "az5X").unwrap();
        assert_eq!(hint.environment(), Environment::Test);
        assert_eq!((hint.first(), hint.last()), ("09AZ", "az5X"));
        assert_eq!(hint.to_string(), "torvus_sk_test_09AZ…az5X");
        assert_eq!(format!("{hint:?}"), "KeyHint(torvus_sk_test_09AZ…az5X)");
    }

    #[test]
    fn other_lengths_and_characters_are_refused() {
        for bad in [
            "", "abc", "abcde", "ab-d", "ab d", "ab_d", "éé", "abé", "…x", "ab\0d",
        ] {
            assert_eq!(KeyHint::from_parts(Environment::Live, bad, "abcd"), None);
            assert_eq!(KeyHint::from_parts(Environment::Live, "abcd", bad), None);
        }
    }

    #[test]
    fn each_part_makes_a_difference() {
        let hint = |environment, first, last| KeyHint::from_parts(environment, first, last);
        let base = hint(Environment::Live, "aaaa", "bbbb");
        assert_eq!(base, hint(Environment::Live, "aaaa", "bbbb"));
        assert_ne!(base, hint(Environment::Test, "aaaa", "bbbb"));
        assert_ne!(base, hint(Environment::Live, "aaab", "bbbb"));
        assert_ne!(base, hint(Environment::Live, "aaaa", "bbba"));
    }
}
