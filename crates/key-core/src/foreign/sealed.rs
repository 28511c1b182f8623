//! The secret of another system's HMAC, as it may lie in a database.

use std::fmt;

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use super::{HashingSecret, RecipeId};
use crate::{GeneratorError, Pepper, generate};

/// What the key of the encryption is made from. **It may never change.**
const KEY_MESSAGE: &[u8] = b"torvus import secret encryption v1";
const NONCE_LENGTH: usize = 12;

/// A [`HashingSecret`], encrypted with ChaCha20-Poly1305 (RFC 8439) under a key that is made from a
/// pepper. It belongs to one recipe: under the number of another it can't be opened.
#[derive(Clone, Eq, PartialEq)]
pub struct SealedSecret(Vec<u8>);

/// It was sealed with another pepper or for another recipe, or was changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the secret can't be opened with this pepper")]
pub struct SealError;

impl SealedSecret {
    /// Takes the bytes as they were stored.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, to be stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Encrypts a secret under this pepper.
    ///
    /// # Errors
    ///
    /// [`GeneratorError`] if the operating system gives no random bytes.
    pub fn seal(
        secret: &HashingSecret,
        recipe: RecipeId,
        pepper: &Pepper,
    ) -> Result<Self, GeneratorError> {
        let mut nonce = [0; NONCE_LENGTH];
        generate::fill_random(&mut nonce)?;
        let aad = recipe.get().to_be_bytes();
        let payload = Payload {
            msg: secret.expose(),
            aad: &aad,
        };
        let encrypted = cipher(pepper)
            .encrypt(&nonce.into(), payload)
            .map_err(|_| GeneratorError::UNEXPECTED)?;
        Ok(Self([nonce.as_slice(), &encrypted].concat()))
    }

    /// Decrypts it.
    ///
    /// # Errors
    ///
    /// [`SealError`] unless it was sealed for this recipe with this pepper.
    pub fn open(&self, recipe: RecipeId, pepper: &Pepper) -> Result<HashingSecret, SealError> {
        let (nonce, encrypted) = self
            .0
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or(SealError)?;
        let aad = recipe.get().to_be_bytes();
        let payload = Payload {
            msg: encrypted,
            aad: &aad,
        };
        let opened = cipher(pepper)
            .decrypt(&(*nonce).into(), payload)
            .map_err(|_| SealError)?;
        HashingSecret::new(Zeroizing::new(opened)).ok_or(SealError)
    }
}

fn cipher(pepper: &Pepper) -> ChaCha20Poly1305 {
    let key = Zeroizing::new(pepper.authenticate(KEY_MESSAGE));
    ChaCha20Poly1305::new((&*key).into())
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PepperVersion;

    #[test]
    fn only_its_own_pepper_and_recipe_open_it() {
        let pepper = |n| Pepper::generate(PepperVersion::new(n).unwrap()).unwrap();
        let recipe = |n| RecipeId::new(n).unwrap();
        let (right, wrong) = (pepper(1), pepper(1));
        let secret = HashingSecret::new(b"theirs".to_vec().into()).unwrap();
        let sealed = SealedSecret::seal(&secret, recipe(7), &right).unwrap();
        assert_eq!(sealed.open(recipe(7), &right).unwrap().expose(), b"theirs");
        assert!(sealed.open(recipe(8), &right).is_err());
        assert!(sealed.open(recipe(7), &wrong).is_err());
        assert!(!sealed.as_bytes().windows(6).any(|some| some == b"theirs"));
        for index in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[index] ^= 1;
            assert!(
                SealedSecret::from_bytes(bytes)
                    .open(recipe(7), &right)
                    .is_err()
            );
        }
        assert!(
            SealedSecret::from_bytes(vec![1; 5])
                .open(recipe(7), &right)
                .is_err()
        );
        let again = SealedSecret::seal(&secret, recipe(7), &right).unwrap();
        assert_ne!(again, sealed, "another nonce each time");
    }
}
