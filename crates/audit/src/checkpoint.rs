//! Checkpoints: what the log was at an instant, signed, to be kept elsewhere.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use torvus_domain::{ChainId, Timestamp, rfc3339};

use crate::{Hash, Head, PublicKey, Signer, hex};

/// The length and the last hash of each chain, and what was removed before.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// 1: the form of this document.
    version: u8,
    /// When it was made.
    #[serde(serialize_with = "instant")]
    pub at: Timestamp,
    /// The chains, by name.
    pub chains: Vec<ChainEnd>,
    /// What was removed from their beginnings.
    pub pruned: Vec<Tombstone>,
    /// Who signed.
    #[serde(serialize_with = "text", deserialize_with = "read_text")]
    pub public_key: PublicKey,
    #[serde(serialize_with = "bytes", deserialize_with = "read_bytes")]
    signature: [u8; 64],
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ChainEnd {
    /// The chain.
    pub chain: ChainId,
    /// How many records it has had.
    pub seq: u64,
    /// The hash of the last one.
    pub hash: Hash,
}

impl ChainEnd {
    /// The same as a head.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash,
        }
    }
}

/// A signed record of what was removed from the beginning of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// The chain.
    pub chain: ChainId,
    /// The last record that was removed.
    pub seq: u64,
    /// Its hash: with it the next one is verified.
    pub hash: Hash,
    /// Everything before this instant was removed.
    #[serde(serialize_with = "instant")]
    pub before: Timestamp,
    /// The signature of whoever removed it.
    #[serde(serialize_with = "bytes", deserialize_with = "read_bytes")]
    pub signature: [u8; 64],
}

impl Tombstone {
    /// Signs that a beginning was removed.
    #[must_use]
    pub fn sign(signer: &Signer, end: &ChainEnd, before: Timestamp) -> Self {
        let mut tombstone = Self {
            chain: end.chain,
            seq: end.seq,
            hash: end.hash,
            before,
            signature: [0; 64],
        };
        tombstone.signature = signer.sign(tombstone.message().as_bytes());
        tombstone
    }

    /// Whether this key signed it.
    #[must_use]
    pub fn signed_by(&self, key: &PublicKey) -> bool {
        key.signed(self.message().as_bytes(), &self.signature)
    }

    /// The bytes that are signed.
    fn message(&self) -> String {
        let Self {
            chain,
            seq,
            hash,
            before,
            ..
        } = self;
        format!(
            "torvus-pruned-1\n{chain} {seq} {hash} {}\n",
            rfc3339(*before)
        )
    }
}

/// Why a checkpoint can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is none.
    #[error("this is no checkpoint: {0}")]
    Unreadable(String),
    /// It is of a later form.
    #[error("the checkpoint has form {0}; this program knows form 1")]
    Version(u8),
    /// It was changed, or never signed.
    #[error("the signature is not that of the checkpoint: it was changed")]
    Signature,
}

impl Checkpoint {
    /// Makes and signs one.
    #[must_use]
    pub fn sign(
        signer: &Signer,
        at: Timestamp,
        mut chains: Vec<ChainEnd>,
        mut pruned: Vec<Tombstone>,
    ) -> Self {
        chains.sort_by_key(|end| end.chain.to_string());
        pruned.sort_by_key(|tombstone| tombstone.chain.to_string());
        let mut checkpoint = Self {
            version: 1,
            at,
            chains,
            pruned,
            public_key: signer.public(),
            signature: [0; 64],
        };
        checkpoint.signature = signer.sign(checkpoint.message().as_bytes());
        checkpoint
    }

    /// Reads one, and checks that it is as it was signed. Whether the key is
    /// the right one is for the caller to say.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn read(text: &str) -> Result<Self, CheckpointError> {
        let checkpoint: Self = serde_json::from_str(text)
            .map_err(|error| CheckpointError::Unreadable(error.to_string()))?;
        if checkpoint.version != 1 {
            return Err(CheckpointError::Version(checkpoint.version));
        }
        let key = checkpoint.public_key;
        if key.signed(checkpoint.message().as_bytes(), &checkpoint.signature) {
            Ok(checkpoint)
        } else {
            Err(CheckpointError::Signature)
        }
    }

    /// The bytes that are signed.
    fn message(&self) -> String {
        let mut message = format!("torvus-checkpoint-1\n{}\n", rfc3339(self.at));
        for ChainEnd { chain, seq, hash } in &self.chains {
            message.push_str(&format!("{chain} {seq} {hash}\n"));
        }
        for tombstone in &self.pruned {
            message.push_str(&tombstone.message());
            message.push_str(&format!("{}\n", hex::encode(&tombstone.signature)));
        }
        message
    }
}

fn instant<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

fn text<S: Serializer>(key: &PublicKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(key)
}

fn read_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PublicKey, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

fn bytes<S: Serializer>(bytes: &[u8; 64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

fn read_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 64], D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    hex::decode(&text).ok_or_else(|| serde::de::Error::custom("is no signature"))
}

#[cfg(test)]
mod tests {
    use torvus_domain::ChainId;

    use super::*;

    fn end(line: &str) -> ChainEnd {
        let head = Head::genesis(ChainId::nil()).next(line.as_bytes());
        ChainEnd {
            chain: ChainId::nil(),
            seq: head.seq,
            hash: head.hash,
        }
    }

    #[test]
    fn each_change_of_a_checkpoint_shows() {
        let signer = Signer::generate().unwrap();
        let at = Timestamp::from_timestamp_micros(1_790_000_000_000_001).unwrap();
        let tombstone = Tombstone::sign(&signer, &end("a"), at);
        let checkpoint = Checkpoint::sign(&signer, at, vec![end("b")], vec![tombstone]);
        let text = serde_json::to_string(&checkpoint).unwrap();
        assert_eq!(Checkpoint::read(&text).as_ref(), Ok(&checkpoint));
        for (index, _) in text
            .char_indices()
            .filter(|(_, c)| c.is_ascii_alphanumeric())
        {
            let mut bytes = text.clone().into_bytes();
            bytes[index] = if bytes[index] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(Checkpoint::read(&changed).is_err(), "{changed}");
        }
        assert!(tombstone.signed_by(&signer.public()));
        assert!(!tombstone.signed_by(&Signer::generate().unwrap().public()));
    }
}
