//! Passwords for the dashboard: made here, kept as Argon2id.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::{ExposeSecret, SecretString};

use crate::KeyringError;

/// 144 bits, which are 24 characters.
const BYTES: usize = 18;

/// A password that was made, and what is stored of it.
pub(crate) struct Password {
    pub(crate) text: SecretString,
    pub(crate) hash: String,
}

impl Password {
    /// Makes one from the operating system's generator. Takes some tens of
    /// milliseconds and 19 MiB, which is the point of Argon2id.
    pub(crate) fn generate() -> Result<Self, KeyringError> {
        let mut bytes = [0_u8; BYTES];
        SysRng.try_fill_bytes(&mut bytes).map_err(|error| {
            KeyringError::Failed(format!("no random numbers to be had: {error}"))
        })?;
        Self::of(SecretString::from(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// One that somebody chose.
    pub(crate) fn of(text: SecretString) -> Result<Self, KeyringError> {
        let hash = Argon2::default()
            .hash_password(text.expose_secret().as_bytes())
            .map_err(|error| {
                KeyringError::Failed(format!("the password can't be hashed: {error}"))
            })?
            .to_string();
        Ok(Self { text, hash })
    }
}

/// Whether a password is the one of this hash. Without a hash it takes as long
/// and is none: nobody is to learn from the time which addresses have accounts.
pub(crate) fn matches(hash: Option<&str>, password: &SecretString) -> bool {
    let password = password.expose_secret().as_bytes();
    match hash {
        Some(hash) => Argon2::default().verify_password(password, hash).is_ok(),
        None => {
            // What it costs is what counts, not what comes of it.
            let _nobody = Argon2::default().verify_password(password, NOBODY);
            false
        }
    }
}

/// The hash of a password that nobody has, with the parameters of those that
/// are made here.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDAwMDAwMDAwMDAwMDAwMA\
    $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[cfg(test)]
mod tests {
    use argon2::password_hash::phc::PasswordHash;

    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_alone() {
        let made = Password::generate().unwrap();
        assert!(matches(Some(&made.hash), &made.text));
        assert!(!matches(Some(&made.hash), &SecretString::from("another")));
        assert!(!matches(None, &made.text));
        assert!(!matches(Some("no hash"), &made.text));
    }

    #[test]
    fn nobody_costs_what_somebody_does() {
        let made = Password::generate().unwrap();
        let (made, nobody) = (
            PasswordHash::new(&made.hash).unwrap(),
            PasswordHash::new(NOBODY).unwrap(),
        );
        assert_eq!(made.algorithm, nobody.algorithm);
        assert_eq!(made.version, nobody.version);
        assert_eq!(made.params.to_string(), nobody.params.to_string());
        assert_eq!(
            made.hash.unwrap().as_bytes().len(),
            nobody.hash.unwrap().as_bytes().len()
        );
    }
}
