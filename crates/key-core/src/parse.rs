//! From a text that claims to be a key to one that is well-formed.

use secrecy::SecretString;

use crate::{
    ApiKeyToken, Environment, KeyHint, PREFIX, alphabet,
    checksum::{CHECKSUM_LENGTH, checksum},
    token::BODY_LENGTH,
};

/// Why a text is not a well-formed key: the first rule that it breaks, in the order below.
///
/// None of them holds any of the text, which may be a real key with one letter wrong. Callers that
/// answer a stranger should not tell the variants apart; they are for audit records and for people
/// at a terminal.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// It does not begin with [`PREFIX`]: something else altogether, or blanks around a key.
    #[error("an API key begins with `torvus_sk_`")]
    Prefix,
    /// Neither `live_` nor `test_` follows the prefix.
    #[error("after its prefix, an API key goes on with `live_` or `test_`")]
    Environment,
    /// It is not 64 bytes long: most likely cut off when it was copied.
    ///
    /// Counted in bytes, so one `é` in an otherwise right key is found here.
    #[error("an API key is 64 characters long")]
    Length,
    /// A character of the body is not one of `0-9A-Za-z`.
    #[error("after its environment, an API key has only the characters 0-9, A-Z and a-z")]
    Alphabet,
    /// The last six characters do not belong to those before: mistyped, or invented.
    #[error("the checksum of the API key does not match")]
    Checksum,
}

impl ApiKeyToken {
    /// Reads the text of a key: `^torvus_sk_(live|test)_[0-9A-Za-z]{49}$` and a right checksum (the
    /// public contract, section 1).
    ///
    /// Exact: nothing is trimmed, no other case is taken. Any text is safe to give; the work is
    /// bounded by [`KEY_LENGTH`](crate::KEY_LENGTH), however long the text.
    ///
    /// The text is copied into memory that is wiped on drop. What the caller holds is the caller's
    /// to wipe.
    ///
    /// # Errors
    ///
    /// The first rule that the text breaks, as [`ParseError`].
    ///
    /// ```
    /// use torvus_key_core::{ApiKeyToken, Environment, ParseError};
    ///
    /// let key = "torvus_sk_test_TheQuickBrownFoxJumpsOverTheLazyDog123456783luUkE";
    /// let token = ApiKeyToken::parse(key)?;
    /// assert_eq!(token.environment(), Environment::Test);
    ///
    /// let mistyped = key.replace("Quick", "Quikc");
    /// assert_eq!(ApiKeyToken::parse(&mistyped).err(), Some(ParseError::Checksum));
    /// # Ok::<(), ParseError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let hint = check(text)?;
        Ok(Self::new(SecretString::from(text), hint))
    }
}

/// Applies every rule of a well-formed key, and takes nothing of the text but its hint.
pub(crate) fn check(text: &str) -> Result<KeyHint, ParseError> {
    let after_prefix = text.strip_prefix(PREFIX).ok_or(ParseError::Prefix)?;
    let (environment, body) = split_environment(after_prefix).ok_or(ParseError::Environment)?;
    let body: &[u8; BODY_LENGTH] = body.as_bytes().try_into().map_err(|_| ParseError::Length)?;
    if !body.iter().all(|byte| alphabet::contains(*byte)) {
        return Err(ParseError::Alphabet);
    }
    let (before, given) = text
        .as_bytes()
        .split_last_chunk::<CHECKSUM_LENGTH>()
        .ok_or(ParseError::Length)?;
    // Compared as text and not as a number: six digits can also write numbers above 2³²,
    // and a checksum must have one spelling only.
    if checksum(before) != *given {
        return Err(ParseError::Checksum);
    }
    let [a, b, c, d, .., w, x, y, z] = *body;
    Ok(KeyHint::new(environment, [a, b, c, d], [w, x, y, z]))
}

/// Splits `live_…` or `test_…` into the environment and what comes after the underscore.
fn split_environment(text: &str) -> Option<(Environment, &str)> {
    Environment::ALL.into_iter().find_map(|environment| {
        let body = text.strip_prefix(environment.as_str())?.strip_prefix('_')?;
        Some((environment, body))
    })
}
