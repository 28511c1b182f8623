//! The key itself: the one type that holds its text.

use secrecy::{ExposeSecret, SecretString};
use zeroize::ZeroizeOnDrop;

use crate::{Environment, KeyDigest, KeyHint, Pepper, checksum::CHECKSUM_LENGTH};

// =================================================================================================
// NEVER CHANGE THE PREFIX, THE LENGTHS, THE ALPHABET OR THE CHECKSUM!
//
// Every key that was ever handed out has this form, and nobody can reissue the keys of other
// people. A changed prefix locks all of them out, and hides leaked ones from every secret scanner
// that knows the old form. A new form needs a new prefix, read beside this one for ever.
// `tests/golden.rs` pins all of it.
// =================================================================================================

/// What every key begins with, before its environment. **It may never change.**
pub const PREFIX: &str = "torvus_sk_";

/// The length of a whole key, in characters and, as they are ASCII, in bytes. **It may never
/// change.**
///
/// Ten of the prefix, five of the environment and its underscore, 43 random ones, six of the
/// checksum.
pub const KEY_LENGTH: usize = 64;

/// How many random characters a key has: log₂ 62 × 43 = 256.03 bits.
pub(crate) const RANDOM_LENGTH: usize = 43;

/// What comes after `live_` or `test_`: the random characters, then the checksum.
pub(crate) const BODY_LENGTH: usize = RANDOM_LENGTH + CHECKSUM_LENGTH;

// Both environments have four letters; a third one of another length would make `KEY_LENGTH` a lie.
const _: () = assert!(PREFIX.len() + "live_".len() + BODY_LENGTH == KEY_LENGTH);
const _: () = assert!(Environment::Live.as_str().len() == Environment::Test.as_str().len());

/// The text of a well-formed API key: right prefix, environment, length, alphabet and checksum.
///
/// Well-formed is all it says. Whether the key was ever issued, or still counts, only a look-up of
/// its [digest](ApiKeyToken::digest) can tell.
///
/// The text is a secret (the public contract, section 1: shown once, never stored, logged, traced
/// or printed). So it is wiped from memory on drop, [`ApiKeyToken::expose`] is the only way to it,
/// and the type can neither be printed nor copied:
///
/// ```compile_fail,E0277
/// # use torvus_key_core::{ApiKeyToken, Environment};
/// let token = ApiKeyToken::generate(Environment::Test).unwrap();
/// println!("{token:?}"); // no `Debug`
/// ```
///
/// ```compile_fail,E0277
/// # use torvus_key_core::{ApiKeyToken, Environment};
/// let token = ApiKeyToken::generate(Environment::Test).unwrap();
/// println!("{token}"); // no `Display`
/// ```
///
/// ```compile_fail,E0599
/// # use torvus_key_core::{ApiKeyToken, Environment};
/// let token = ApiKeyToken::generate(Environment::Test).unwrap();
/// let copy: ApiKeyToken = token.clone(); // no `Clone`
/// ```
///
/// What may be printed is the hint:
///
/// ```
/// # use torvus_key_core::{ApiKeyToken, Environment};
/// let token = ApiKeyToken::generate(Environment::Test).unwrap();
/// println!("{}", token.hint());
/// ```
///
/// There is no `PartialEq` either: it would compare in a time that depends on the text. Compare
/// digests instead.
pub struct ApiKeyToken {
    text: SecretString,
    hint: KeyHint,
}

impl ApiKeyToken {
    /// For the two that know the text to be well-formed: the parser and the generator.
    pub(crate) fn new(text: SecretString, hint: KeyHint) -> Self {
        Self { text, hint }
    }

    /// The environment that stands in the key.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.hint.environment()
    }

    /// The whole key, as its owner has to send it.
    ///
    /// The only way to the text, named so that every use of it is found by a search. Use it to show
    /// a new key, once; for anything else there is [`digest`](Self::digest) or
    /// [`hint`](Self::hint).
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// What may be stored and shown of the key.
    #[must_use]
    pub fn hint(&self) -> KeyHint {
        self.hint.clone()
    }

    /// HMAC-SHA-256 of the whole key text, prefix and checksum included, under this pepper
    /// (RFC 2104, FIPS 180-4): what is stored and looked up instead of the key.
    ///
    /// A keyed hash, so that a stolen database alone lets nobody even check a guess. It is a fast
    /// one on purpose: 256 random bits can't be guessed at any speed, and it runs on every request.
    #[must_use]
    pub fn digest(&self, pepper: &Pepper) -> KeyDigest {
        KeyDigest::from_bytes(pepper.authenticate(self.expose().as_bytes()))
    }
}

/// The text is wiped by its own type; the hint is no secret.
impl ZeroizeOnDrop for ApiKeyToken {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails to compile when the text is held by a type that does not wipe it.
    #[test]
    fn the_text_is_wiped_on_drop() {
        fn wiped<T: ZeroizeOnDrop>(_: &T) {}
        let key = "torvus_sk_live_00000000000000000000000000000000000000000004GmCyj";
        let token = ApiKeyToken::parse(key).unwrap();
        wiped(&token.text);
        wiped(&token);
    }
}
