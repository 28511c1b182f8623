//! Passwords for the dashboard: made here, kept as Argon2id.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::SecretString;

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
        let text = URL_SAFE_NO_PAD.encode(bytes);
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
