//! Why a command failed, and its exit code (public contract, section 6).

use std::fmt;

use torvus_key_core::redact;
use torvus_keyring::KeyringError;
use torvus_settings::SettingsError;
use torvus_storage::StorageError;

/// A failure: a word for programs, a sentence for people, an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) error: &'static str,
    pub(crate) message: String,
}

impl Failure {
    fn new(code: u8, error: &'static str, message: impl fmt::Display) -> Self {
        Self {
            code,
            error,
            // What was typed may have been a key.
            message: redact(message.to_string().trim_end()).into_owned(),
        }
    }

    /// It did not work: 1.
    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self::new(1, "failed", message)
    }

    /// Wrong usage: 2.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(2, "usage", message)
    }

    /// Not found: 3.
    pub(crate) fn not_found(message: impl fmt::Display) -> Self {
        Self::new(3, "not_found", message)
    }

    /// Invalid input: 4.
    pub(crate) fn invalid(message: impl fmt::Display) -> Self {
        Self::new(4, "invalid_input", message)
    }

    /// A backend is unavailable: 6.
    pub(crate) fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(6, "unavailable", message)
    }

    /// Refused: 5.
    pub(crate) fn refused(message: impl fmt::Display) -> Self {
        Self::new(5, "refused", message)
    }
}

impl From<KeyringError> for Failure {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::NotFound(_) => Self::not_found(error),
            KeyringError::Invalid { .. } => Self::invalid(error),
            KeyringError::Conflict(_) => Self::new(4, "conflict", error),
            KeyringError::Refused(_) => Self::refused(error),
            KeyringError::Failed(_) => Self::failed(error),
            KeyringError::Storage(error) => error.into(),
        }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable(_) => Self::unavailable(error),
            StorageError::Url(_) => Self::usage(error),
            other => Self::failed(other),
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::usage(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error)
    }
}
