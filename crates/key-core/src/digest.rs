//! What is stored and looked up instead of a key.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use subtle::ConstantTimeEq;

/// HMAC-SHA-256 of a key under a [pepper](crate::Pepper): 32 bytes that stand for the key and from
/// which it can't be rebuilt (the public contract, section 1).
///
/// It is no secret on the level of the key, but nobody needs to read it, so `Debug` shows none of
/// it. Two digests are compared in constant time. As the key of a map it is safe too: without the
/// pepper nobody can choose what bytes a key turns into.
///
/// ```
/// use torvus_key_core::KeyDigest;
///
/// let digest = KeyDigest::from_bytes([7; 32]);
/// assert_eq!(format!("{digest:?}"), "KeyDigest(..)");
/// ```
#[derive(Clone)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// Takes the bytes as they were stored. Any 32 bytes are a digest.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be stored or searched for.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyDigest {}

/// Hashes the bytes that `==` compares, so equal digests have equal hashes.
impl Hash for KeyDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(..)")
    }
}
