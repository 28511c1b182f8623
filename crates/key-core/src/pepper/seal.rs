//! Other secrets of an installation, as they may lie in its database.

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use super::Pepper;
use crate::{GeneratorError, SealError, generate};

/// What the keys of the encryption are made from, together with the purpose. **It may never
/// change.**
const KEY_MESSAGE: &[u8] = b"torvus sealed secret v1\0";
const NONCE_LENGTH: usize = 12;

impl Pepper {
    /// Encrypts a secret with ChaCha20-Poly1305 (RFC 8439) under a key that is made from this pepper
    /// for one purpose. It belongs to its owner: as somebody else's it can't be opened.
    ///
    /// # Errors
    ///
    /// [`GeneratorError`] if the operating system gives no random bytes.
    ///
    /// ```
    /// use torvus_key_core::{Pepper, PepperVersion};
    ///
    /// let pepper = Pepper::generate(PepperVersion::new(1).ok_or("versions start at 1")?)?;
    /// let sealed = pepper.seal(b"secret", "an example", b"me")?;
    /// assert_eq!(pepper.open(&sealed, "an example", b"me")?.as_slice(), b"secret");
    /// assert!(pepper.open(&sealed, "an example", b"you").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn seal(
        &self,
        secret: &[u8],
        purpose: &str,
        owner: &[u8],
    ) -> Result<Vec<u8>, GeneratorError> {
        let mut nonce = [0; NONCE_LENGTH];
        generate::fill_random(&mut nonce)?;
        let payload = Payload {
            msg: secret,
            aad: owner,
        };
        let encrypted = self
            .cipher(purpose)
            .encrypt(&nonce.into(), payload)
            .map_err(|_| GeneratorError::UNEXPECTED)?;
        Ok([nonce.as_slice(), &encrypted].concat())
    }

    /// Decrypts it.
    ///
    /// # Errors
    ///
    /// [`SealError`] unless it was sealed with this pepper for this purpose and owner.
    pub fn open(
        &self,
        sealed: &[u8],
        purpose: &str,
        owner: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, encrypted) = sealed
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or(SealError)?;
        let payload = Payload {
            msg: encrypted,
            aad: owner,
        };
        let opened = self.cipher(purpose).decrypt(&(*nonce).into(), payload);
        opened.map(Zeroizing::new).map_err(|_| SealError)
    }

    fn cipher(&self, purpose: &str) -> ChaCha20Poly1305 {
        let message = [KEY_MESSAGE, purpose.as_bytes()].concat();
        let key = Zeroizing::new(self.authenticate(&message));
        ChaCha20Poly1305::new((&*key).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PepperVersion;

    #[test]
    fn only_its_own_pepper_purpose_and_owner_open_it() {
        let pepper = || Pepper::generate(PepperVersion::new(1).unwrap()).unwrap();
        let (right, wrong) = (pepper(), pepper());
        let sealed = right.seal(b"theirs", "codes", b"me").unwrap();
        let opened = |pepper: &Pepper, purpose: &str, owner: &[u8]| {
            pepper
                .open(&sealed, purpose, owner)
                .map(|secret| secret.to_vec())
        };
        assert_eq!(opened(&right, "codes", b"me").unwrap(), b"theirs");
        assert!(opened(&wrong, "codes", b"me").is_err());
        assert!(opened(&right, "other", b"me").is_err());
        assert!(opened(&right, "codes", b"you").is_err());
        assert!(!sealed.windows(6).any(|some| some == b"theirs"));
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(right.open(&changed, "codes", b"me").is_err());
        }
        assert!(right.open(&[1; 5], "codes", b"me").is_err());
    }
}
