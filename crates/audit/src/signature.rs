//! The signatures under checkpoints and prunings: ed25519 (RFC 8032).

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::hex;

/// Signs. Its secret half has no `Debug`, `Display` or `Serialize`.
pub struct Signer(SigningKey);

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoRandomness;

/// A text that holds no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("holds no key: `ed25519:` and 64 digits of hexadecimal are expected")]
pub struct SignerError;

impl Signer {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut seed = Zeroizing::new([0; 32]);
        rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut *seed)
            .map_err(|_| NoRandomness)?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Reads what [`Signer::to_text`] wrote.
    ///
    /// # Errors
    /// [`SignerError`], without what was read.
    pub fn from_text(text: &str) -> Result<Self, SignerError> {
        let digits = text.trim().strip_prefix("ed25519:").ok_or(SignerError)?;
        let seed = Zeroizing::new(hex::decode(digits).ok_or(SignerError)?);
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// The secret half, for its file.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.0.to_bytes());
        Zeroizing::new(format!("ed25519:{}\n", hex::encode(&*seed)))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Tells who signed: 64 digits of hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Whether this key signed that.
    #[must_use]
    pub fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.as_bytes()))
    }
}

/// A text that is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no ed25519 public key of 64 digits 0-9a-f")]
pub struct PublicKeyError;

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        let bytes: [u8; 32] = hex::decode(text.trim()).ok_or(PublicKeyError)?;
        VerifyingKey::from_bytes(&bytes)
            .map(Self)
            .map_err(|_| PublicKeyError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_is_told_from_what_was_not() {
        let signer = Signer::generate().unwrap();
        let again = Signer::from_text(&signer.to_text()).unwrap();
        assert_eq!(again.public(), signer.public());
        let signature = signer.sign(b"message");
        assert!(signer.public().signed(b"message", &signature));
        assert!(!signer.public().signed(b"massage", &signature));
        assert!(
            !Signer::generate()
                .unwrap()
                .public()
                .signed(b"message", &signature)
        );
        let text = signer.public().to_string();
        assert_eq!(text.parse(), Ok(signer.public()));
        for bad in [
            "",
            "ed25519:",
            "ed25519:00",
            &signer.to_text().to_uppercase(),
        ] {
            assert!(Signer::from_text(bad).is_err());
        }
    }

    /// RFC 8032, section 7.1, test 1.
    #[test]
    fn the_vector_of_the_standard() {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let signer = Signer::from_text(&format!("ed25519:{seed}")).unwrap();
        assert_eq!(
            signer.public().to_string(),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        assert!(hex::encode(&signer.sign(b"")).starts_with("e5564300c360ac729086e2cc806e828a"));
    }
}
