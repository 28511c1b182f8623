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
    shown: Shown,
}

#[derive(Clone, Eq, Hash, PartialEq)]
enum Shown {
    /// Four characters from either end of the body.
    Native { first: [u8; 4], last: [u8; 4] },
    /// How the key of another system begins.
    Foreign(String),
}

impl KeyHint {
    /// For callers that have checked that all eight are characters of the alphabet.
    pub(crate) const fn new(environment: Environment, first: [u8; 4], last: [u8; 4]) -> Self {
        let shown = Shown::Native { first, last };
        Self { environment, shown }
    }

    /// Builds a hint from its stored parts, or gives `None` unless both are four characters of
    /// `0-9A-Za-z`.
    #[must_use]
    pub fn from_parts(environment: Environment, first: &str, last: &str) -> Option<Self> {
        Some(Self::new(environment, quartet(first)?, quartet(last)?))
    }

    /// The hint of a key that another system made: how it begins, as far as that system tells, at
    /// most [`KeyHint::FOREIGN_MAX`] visible ASCII characters. How it ends nobody knows.
    ///
    /// ```
    /// use torvus_key_core::{Environment, KeyHint};
    ///
    /// let hint = KeyHint::foreign(Environment::Live, "acme_3kQz");
    /// assert_eq!(hint.map(|hint| hint.to_string()).as_deref(), Some("acme_3kQz…"));
    /// ```
    #[must_use]
    pub fn foreign(environment: Environment, start: &str) -> Option<Self> {
        let visible = start.bytes().all(|byte| byte.is_ascii_graphic());
        let shown = Shown::Foreign(start.to_owned());
        (visible && start.len() <= Self::FOREIGN_MAX).then_some(Self { environment, shown })
    }

    /// The most characters of another system's key that are kept and shown.
    pub const FOREIGN_MAX: usize = 16;

    /// Whether another system made the key.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        matches!(self.shown, Shown::Foreign(_))
    }

    /// The environment of the key.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// The first four characters after `live_` or `test_`; of a key of another system, what is
    /// known of its beginning.
    #[must_use]
    pub fn first(&self) -> &str {
        match &self.shown {
            Shown::Native { first, .. } => as_text(first),
            Shown::Foreign(start) => start,
        }
    }

    /// The last four characters of the key; none of a key of another system.
    #[must_use]
    pub fn last(&self) -> &str {
        match &self.shown {
            Shown::Native { last, .. } => as_text(last),
            Shown::Foreign(_) => "",
        }
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
        match self.shown {
            Shown::Native { .. } => write!(f, "{PREFIX}{environment}_{first}…{last}"),
            Shown::Foreign(_) => write!(f, "{first}…"),
        }
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
    fn one_of_another_system_has_a_beginning_only() {
        let hint = KeyHint::foreign(Environment::Test, "").unwrap();
        assert_eq!(hint.to_string(), "…");
        assert!(hint.is_foreign() && hint.last().is_empty());
        for bad in ["a b", "é", "a\n", &"x".repeat(17)] {
            assert_eq!(KeyHint::foreign(Environment::Live, bad), None, "{bad}");
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
