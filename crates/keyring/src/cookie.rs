//! What a browser holds in a cookie.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::KeyringError;

const BYTES: usize = 32;

/// 256 random bits that a browser shows to be known again. Only a digest is
/// stored: at this length a plain one can't be turned back.
///
/// `Debug` shows none of it.
pub struct CookieSecret(Zeroizing<[u8; BYTES]>);

impl CookieSecret {
    /// A new one, from the operating system's generator.
    ///
    /// # Errors
    /// [`KeyringError::Failed`] where that gives nothing.
    pub fn generate() -> Result<Self, KeyringError> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        SysRng
            .try_fill_bytes(bytes.as_mut_slice())
            .map_err(|error| {
                KeyringError::Failed(format!("no random numbers to be had: {error}"))
            })?;
        Ok(Self(bytes))
    }

    /// Reads a cookie's value.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        let length = URL_SAFE_NO_PAD
            .decode_slice(text, bytes.as_mut_slice())
            .ok()?;
        (length == BYTES).then_some(Self(bytes))
    }

    /// The cookie's value.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// What is stored of it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_slice()).into()
    }

    /// HMAC-SHA-256 of a message under it: what only those can tell who hold
    /// the cookie, and the server that is shown it.
    #[must_use]
    pub fn authenticate(&self, message: &[u8]) -> [u8; 32] {
        // HMAC takes keys of any length; only its type can't say so.
        let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else {
            return self.digest();
        };
        hmac.update(message);
        hmac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_back_and_shown_to_nobody() {
        let secret = CookieSecret::generate().unwrap();
        let text = secret.expose();
        assert_eq!(text.len(), 43);
        let again = CookieSecret::parse(&text).unwrap();
        assert_eq!(again.digest(), secret.digest());
        assert_eq!(again.authenticate(b"a"), secret.authenticate(b"a"));
        assert_ne!(secret.authenticate(b"a"), secret.authenticate(b"b"));
        assert_eq!(format!("{secret:?}"), "CookieSecret(..)");
        for bad in [
            "",
            "a",
            text.split_at(1).1,
            &format!("{}A", *text),
            "=".repeat(43).as_str(),
        ] {
            assert!(CookieSecret::parse(bad).is_none(), "{bad}");
        }
    }
}
