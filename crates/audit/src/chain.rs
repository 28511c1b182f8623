//! Chains of records: each hash covers everything before it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use torvus_domain::ChainId;

/// What the hashes begin with. A later form of the records gets another one.
const FORM: &[u8] = b"torvus-audit-1\n";

/// A SHA-256 hash: 64 digits of hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no hash of 64 digits 0-9a-f")]
pub struct HashError;

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let digits = text.as_bytes();
        let plain = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        if digits.len() != 64 || !digits.iter().all(plain) {
            return Err(HashError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| HashError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| HashError)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a chain has come to: its length and the hash of its last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many records it has had.
    pub seq: u64,
    /// The hash of the last one.
    pub hash: Hash,
}

impl Head {
    /// The beginning of a chain. Its name is in it, so that no record of one
    /// chain can stand in another.
    #[must_use]
    pub fn genesis(chain: ChainId) -> Self {
        let digest = Sha256::new()
            .chain_update(FORM)
            .chain_update(chain.to_string())
            .finalize();
        Self {
            seq: 0,
            hash: Hash(digest.into()),
        }
    }

    /// The head once this line is added.
    #[must_use]
    pub fn next(&self, line: &[u8]) -> Self {
        let digest = Sha256::new()
            .chain_update(self.hash.0)
            .chain_update(line)
            .finalize();
        Self {
            seq: self.seq + 1,
            hash: Hash(digest.into()),
        }
    }
}

/// The chain of what is done to keys and accounts: each change adds to it in
/// its own transaction.
#[must_use]
pub fn database_chain() -> ChainId {
    ChainId::nil()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These may never change: they would make every log look altered.
    #[test]
    fn golden_vectors() {
        let genesis = Head::genesis(database_chain());
        assert_eq!(
            database_chain().to_string(),
            "chn_00000000000000000000000000"
        );
        assert_eq!(genesis.seq, 0);
        // printf 'torvus-audit-1\nchn_00000000000000000000000000' | sha256sum
        let first = genesis.next(b"{}");
        assert_eq!(
            genesis.hash.to_string(),
            "c81d358bec69a637a3c212c9701280c8d3eca0b4175cadb4b7eae34943c0c417"
        );
        assert_eq!(first.seq, 1);
        assert_eq!(
            first.hash.to_string(),
            "82ecdb4b9b6a1a4124b51fd7db5148a44a0f1e70e4447667f067f83f8a589ff6"
        );
    }

    #[test]
    fn a_hash_is_read_back() {
        let hash = Head::genesis(database_chain()).hash;
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for bad in [
            "",
            "0",
            &hash.to_string().to_uppercase(),
            &format!("{hash}0"),
        ] {
            assert_eq!(bad.parse::<Hash>(), Err(HashError));
        }
    }
}
