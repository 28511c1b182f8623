//! Which side of a system a key opens.

use std::{fmt, str::FromStr};

/// The environment a key was made for; it stands in the key's text and never changes.
///
/// A live key reaches production resources only, a test key test-mode resources only (the public
/// contract, section 1). There is no third one, and code that matches on this type should fail to
/// compile if there ever is: hence not `non_exhaustive`.
///
/// ```
/// use torvus_key_core::Environment;
///
/// assert_eq!("test".parse(), Ok(Environment::Test));
/// assert_eq!(Environment::Live.to_string(), "live");
/// assert!("Live".parse::<Environment>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Environment {
    /// Production resources; calls are billable.
    Live,
    /// Test-mode resources; never billed.
    Test,
}

impl Environment {
    /// Every environment, for code that has to try them in turn.
    pub(crate) const ALL: [Self; 2] = [Self::Live, Self::Test];

    /// The word for it in keys, settings and answers: `live` or `test`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad`, so that a table can align the word.
        f.pad(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = UnknownEnvironment;

    /// Takes exactly the words of [`Environment::as_str`]: no other case, no blanks around them.
    ///
    /// # Errors
    ///
    /// [`UnknownEnvironment`] for any other text.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|environment| environment.as_str() == text)
            .ok_or(UnknownEnvironment)
    }
}

/// A text names no [`Environment`].
///
/// It says what is allowed and leaves out what was given: somebody may have pasted a key there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the environment must be `live` or `test`")]
pub struct UnknownEnvironment;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_there_and_back() {
        for environment in Environment::ALL {
            assert_eq!(environment.as_str().parse(), Ok(environment));
        }
    }

    #[test]
    fn other_words_are_refused_with_the_allowed_ones() {
        for text in ["", "Live", "TEST", " live", "live ", "production", "live_"] {
            assert_eq!(text.parse::<Environment>(), Err(UnknownEnvironment));
        }
        let message = UnknownEnvironment.to_string();
        assert!(message.contains("`live`") && message.contains("`test`"));
    }

    #[test]
    fn display_can_be_aligned() {
        assert_eq!(format!("{:>6}|", Environment::Live), "  live|");
    }
}
