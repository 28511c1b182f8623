//! Passwords for the dashboard: made here, kept as Argon2id.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use rand::distr::{Alphanumeric, SampleString};
use rand::rngs::SysRng;
use secrecy::SecretString;

use crate::KeyringError;

/// 24 characters of base62: 142 bits.
const LENGTH: usize = 24;

/// A password that was made, and what is stored of it.
pub(crate) struct Password {
    pub(crate) text: SecretString,
    pub(crate) hash: String,
}

impl Password {
    /// Makes one from the operating system's generator. Takes some tens of
    /// milliseconds and 19 MiB, which is the point of Argon2id.
    pub(crate) fn generate() -> Result<Self, KeyringError> {
        let mut source = rand::rand_core::UnwrapErr(SysRng);
        let text = Alphanumeric.sample_string(&mut source, LENGTH);
        let hash = Argon2::default()
            .hash_password(text.as_bytes())
            .map_err(|error| {
                KeyringError::Failed(format!("the password can't be hashed: {error}"))
            })?
            .to_string();
        Ok(Self {
            text: SecretString::from(text),
            hash,
        })
    }
}
