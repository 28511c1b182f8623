//! Why a change was not made.

use torvus_storage::StorageError;

/// Why a change was not made. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is no such account or key.
    #[error("there is no {0}")]
    NotFound(String),
    /// A value that is not allowed.
    #[error("{field}: {message}")]
    Invalid {
        /// The field to blame.
        field: &'static str,
        /// What is allowed.
        message: String,
    },
    /// Something of that name is there already.
    #[error("{0}")]
    Conflict(String),
    /// What may be done, but not as things are.
    #[error("{0}")]
    Refused(String),
    /// A part that is needed, such as the random generator, is not to be had.
    #[error("{0}")]
    Failed(String),
    /// The store did not do it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl KeyringError {
    pub(crate) fn invalid(field: &'static str, message: impl ToString) -> Self {
        Self::Invalid {
            field,
            message: message.to_string(),
        }
    }
}
