//! The hash by which another system knows a key.

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// How many base64 characters write 32 bytes, without and with padding.
const BASE64_LENGTHS: [usize; 2] = [43, 44];
const HEX_LENGTH: usize = 64;

const EITHER_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, EITHER_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, EITHER_PADDING);

/// SHA-256 or HMAC-SHA-256 of a key, as another system stores it: 32 bytes.
///
/// Whoever has it may check guesses of the key, so it is kept out of databases and logs: only what
/// [`stored`](ForeignDigest::stored) makes of it is kept. `Debug` shows none of it.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct ForeignDigest([u8; 32]);

/// A text that is no such hash. Holds none of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ForeignDigestError {
    /// It has a length that 32 bytes never have.
    #[error(
        "{0} characters are no digest of 32 bytes: use 64 hexadecimal digits, or 43 or 44 \
         characters of base64"
    )]
    Length(usize),
    /// It has the right length, and a wrong character.
    #[error("the digest is neither hexadecimal nor base64")]
    Characters,
}

impl ForeignDigest {
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads hexadecimal digits in either case, also with PostgreSQL's `\x` before them, and base64
    /// in either alphabet (RFC 4648, sections 4 and 5), with or without its padding.
    ///
    /// # Errors
    ///
    /// [`ForeignDigestError`], which holds none of the text.
    ///
    /// ```
    /// use torvus_key_core::ForeignDigest;
    ///
    /// let hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    /// let base64 = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";
    /// let url = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg";
    /// assert_eq!(ForeignDigest::parse(hex)?, ForeignDigest::parse(base64)?);
    /// assert_eq!(ForeignDigest::parse(hex)?, ForeignDigest::parse(url)?);
    /// # Ok::<(), torvus_key_core::ForeignDigestError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ForeignDigestError> {
        let text = text.trim();
        let hex = text.strip_prefix("\\x").unwrap_or(text);
        let bytes = if hex.len() == HEX_LENGTH {
            from_hex(hex)
        } else if BASE64_LENGTHS.contains(&text.len()) {
            from_base64(text)
        } else {
            return Err(ForeignDigestError::Length(text.chars().count()));
        };
        bytes.map(Self).ok_or(ForeignDigestError::Characters)
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        // `from_str_radix` takes a sign as well.
        if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

fn from_base64(text: &str) -> Option<[u8; 32]> {
    let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
    decoded.ok()?.try_into().ok()
}

impl fmt::Debug for ForeignDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignDigest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_texts_are_refused_and_not_repeated() {
        use ForeignDigestError::{Characters, Length};
        let hex = "ab".repeat(32);
        assert_eq!(
            ForeignDigest::parse(&format!(" \\x{hex}\n")).unwrap().0,
            [0xab; 32]
        );
        for (text, problem) in [
            (String::new(), Length(0)),
            ("ab".repeat(20), Length(40)),
            ("ab".repeat(64), Length(128)),
            (format!("+{}", "a".repeat(63)), Characters),
            ("g".repeat(64), Characters),
            ("*".repeat(43), Characters),
            ("é".repeat(32), Characters),
        ] {
            assert_eq!(ForeignDigest::parse(&text), Err(problem), "{text}");
        }
        let digest = ForeignDigest::parse(&hex).unwrap();
        assert_eq!(format!("{digest:?}"), "ForeignDigest(..)");
    }
}
