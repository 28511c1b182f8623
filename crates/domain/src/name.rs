//! The name of a key.

use std::fmt;
use std::str::FromStr;

use torvus_key_core::redact;

/// 1–100 characters after trimming, no control characters, any language
/// (public contract, section 1). Need not be unique.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyName(String);

/// Why a name can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left after trimming.
    #[error("a name is needed: 1 to 100 characters")]
    Empty,
    /// More than 100 characters.
    #[error("the name is too long: at most 100 characters")]
    TooLong,
    /// A control character, such as a line break.
    #[error("the name has a control character, such as a line break, in it")]
    Control,
    /// A whole API key: names are shown and logged.
    #[error("the name holds an API key: names are shown to others")]
    Secret,
}

impl KeyName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        if text.is_empty() {
            Err(NameError::Empty)
        } else if text.chars().count() > 100 {
            Err(NameError::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(NameError::Control)
        } else if redact(text) != text {
            Err(NameError::Secret)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_and_counts_characters_not_bytes() {
        assert_eq!(
            "  CI \u{2713} ".parse::<KeyName>().unwrap().as_str(),
            "CI \u{2713}"
        );
        assert!("鍵".repeat(100).parse::<KeyName>().is_ok());
        assert_eq!("鍵".repeat(101).parse::<KeyName>(), Err(NameError::TooLong));
        assert_eq!(" \t ".parse::<KeyName>(), Err(NameError::Empty));
        assert_eq!("a\nb".parse::<KeyName>(), Err(NameError::Control));
        let key =
            torvus_key_core::ApiKeyToken::generate(torvus_key_core::Environment::Test).unwrap();
        let name = format!("my {}", key.expose());
        assert_eq!(name.parse::<KeyName>(), Err(NameError::Secret));
    }
}
