//! How another system makes the hash of a key.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::ForeignDigest;

/// The number of a recipe; part of every digest that is stored by it. **It may never change.**
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RecipeId(NonZeroU32);

impl RecipeId {
    /// The recipe with this number; there is none with 0.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number, from 1 up.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

/// Which part of a key's text another system has hashed.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Hashed {
    /// All of it, whatever prefix it may have.
    Whole,
    /// What comes after this prefix.
    AfterPrefix(String),
    /// What comes after the last underscore.
    AfterLastUnderscore,
}

/// A text that names no part of a key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "use whole, after-prefix (with a prefix of 1 to 64 visible characters) or after-last-underscore"
)]
pub struct HashedError;

impl Hashed {
    /// The part of this text, unless it has none.
    fn of<'t>(&self, text: &'t str) -> Option<&'t str> {
        let part = match self {
            Self::Whole => Some(text),
            Self::AfterPrefix(prefix) => text.strip_prefix(prefix.as_str()),
            Self::AfterLastUnderscore => text.rsplit_once('_').map(|(_, part)| part),
        };
        part.filter(|part| !part.is_empty())
    }
}

impl fmt::Display for Hashed {
    /// The form that is stored: `whole`, `after-prefix:abc_`, `after-last-underscore`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::AfterPrefix(prefix) => write!(f, "after-prefix:{prefix}"),
            Self::AfterLastUnderscore => f.write_str("after-last-underscore"),
        }
    }
}

impl FromStr for Hashed {
    type Err = HashedError;

    fn from_str(text: &str) -> Result<Self, HashedError> {
        match (text, text.strip_prefix("after-prefix:")) {
            ("whole", _) => Ok(Self::Whole),
            ("after-last-underscore", _) => Ok(Self::AfterLastUnderscore),
            (_, Some(prefix))
                if (1..=64).contains(&prefix.len())
                    && prefix.bytes().all(|byte| byte.is_ascii_graphic()) =>
            {
                Ok(Self::AfterPrefix(prefix.to_owned()))
            }
            _ => Err(HashedError),
        }
    }
}

/// The secret of another system's HMAC. Wiped on drop; it has no `Debug`.
#[derive(Clone)]
pub struct HashingSecret(Zeroizing<Vec<u8>>);

impl HashingSecret {
    /// The most bytes that one may have.
    pub const BYTES_MAX: usize = 1024;

    /// Takes the bytes as the other system uses them; `None` where there are none or more than
    /// [`HashingSecret::BYTES_MAX`].
    #[must_use]
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (1..=Self::BYTES_MAX)
            .contains(&bytes.len())
            .then_some(Self(bytes))
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl ZeroizeOnDrop for HashingSecret {}

/// How another system makes the hash of a key: SHA-256, or HMAC-SHA-256 with a secret, of a part of
/// its text.
pub struct Recipe {
    id: RecipeId,
    hashed: Hashed,
    secret: Option<HashingSecret>,
}

impl Recipe {
    /// The recipe of this number: HMAC-SHA-256 where there is a secret, SHA-256 otherwise.
    #[must_use]
    pub const fn new(id: RecipeId, hashed: Hashed, secret: Option<HashingSecret>) -> Self {
        Self { id, hashed, secret }
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> RecipeId {
        self.id
    }

    /// Whether it makes the same hashes as one of this kind would.
    #[must_use]
    pub fn is(&self, hashed: &Hashed, secret: Option<&HashingSecret>) -> bool {
        let secrets = match (&self.secret, secret) {
            (None, None) => true,
            (Some(own), Some(other)) => own.expose() == other.expose(),
            _ => false,
        };
        secrets && self.hashed == *hashed
    }

    /// The hash that the other system has of this key, unless the recipe does not fit the text.
    #[must_use]
    pub fn digest(&self, text: &str) -> Option<ForeignDigest> {
        let part = self.hashed.of(text)?.as_bytes();
        let bytes = match &self.secret {
            None => Sha256::digest(part).into(),
            Some(secret) => {
                // HMAC takes keys of any length; the type of the function only can't say so.
                let mut hmac = Hmac::<Sha256>::new_from_slice(secret.expose()).ok()?;
                hmac.update(part);
                hmac.finalize().into_bytes().into()
            }
        };
        Some(ForeignDigest::new(bytes))
    }
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipe")
            .field("id", &self.id.get())
            .field("hashed", &self.hashed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(hashed: &str, secret: Option<&[u8]>) -> Recipe {
        let secret = secret.map(|bytes| HashingSecret::new(bytes.to_vec().into()).unwrap());
        Recipe::new(RecipeId::new(1).unwrap(), hashed.parse().unwrap(), secret)
    }

    #[test]
    fn known_answers() {
        // FIPS 180-4's "abc"; RFC 4231, case 2.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let jefe = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let parse = |hex| ForeignDigest::parse(hex).unwrap();
        assert_eq!(recipe("whole", None).digest("abc"), Some(parse(abc)));
        let part = recipe("after-prefix:sk_", None);
        assert_eq!(part.digest("sk_abc"), Some(parse(abc)));
        assert_eq!(part.digest("abc"), None);
        assert_eq!(part.digest("sk_"), None);
        let last = recipe("after-last-underscore", None);
        assert_eq!(last.digest("a_b_abc"), Some(parse(abc)));
        assert_eq!(last.digest("abc"), None);
        let keyed = recipe("whole", Some(b"Jefe"));
        assert_eq!(
            keyed.digest("what do ya want for nothing?"),
            Some(parse(jefe))
        );
    }

    #[test]
    fn a_long_token_of_the_prefixed_form() {
        // From the tests of Unkey, which took these over from Seam's prefixed-api-key.
        let digest = "2facb5642fa68ca8406a1e1df71754972a6f5ac7f1107437f3021216262e89a2";
        assert_eq!(
            recipe("after-last-underscore", None)
                .digest("resend_LXU3Cg7c_FYCCNMkHVZ2yQAi4rEZFwMuu"),
            Some(ForeignDigest::parse(digest).unwrap())
        );
    }

    #[test]
    fn parts_print_and_parse_alike() {
        for text in ["whole", "after-last-underscore", "after-prefix:abc_"] {
            assert_eq!(text.parse::<Hashed>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "after-prefix:",
            "after-prefix:a b",
            "after-prefix:é",
            "all",
        ] {
            assert_eq!(text.parse::<Hashed>(), Err(HashedError), "{text}");
        }
    }
}
