//! The address by which an account is known.

use std::fmt;
use std::str::FromStr;

/// An e-mail address in lower case: one account each.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Email(String);

/// A text that is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no e-mail address: use the form name@example.com, at most 254 characters")]
pub struct EmailError;

impl Email {
    /// How many characters one may have.
    pub const MAX_CHARS: usize = 254;

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = EmailError;

    /// Accepts what could be delivered: something on both sides of one `@`,
    /// no blanks or control characters. Only sending a mail would tell more.
    fn from_str(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        let (local, host) = text.split_once('@').ok_or(EmailError)?;
        let odd = |c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '@' | '<' | '>' | ',' | ';')
        };
        if text.chars().count() > Self::MAX_CHARS
            || local.is_empty()
            || host.is_empty()
            || text.chars().filter(|c| *c == '@').count() != 1
            || host.starts_with('.')
            || host.ends_with('.')
            || local.chars().chain(host.chars()).any(odd)
        {
            return Err(EmailError);
        }
        Ok(Self(text.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_addresses_and_nothing_else() {
        assert_eq!(
            " You@Example.com ".parse::<Email>().unwrap().as_str(),
            "you@example.com"
        );
        for bad in [
            "",
            "you",
            "@example.com",
            "you@",
            "a@b@c",
            "a b@c.de",
            "a@.de",
            "a@b.",
            "a\n@b.de",
            "<a@b.de>",
        ] {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        let of_length =
            |chars: usize| format!("{}@b.de", "\u{e9}".repeat(chars - 5)).parse::<Email>();
        assert!(of_length(Email::MAX_CHARS).is_ok());
        assert!(of_length(Email::MAX_CHARS + 1).is_err());
    }
}
