//! What can go wrong between the program and its database.

use diesel::result::{DatabaseErrorKind, Error};

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database can't be reached or did not answer in time. Whether a
    /// change that ended like this was made is unknown.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Something with the same unique value is there already.
    #[error("it is there already")]
    Duplicate,
    /// What the new row belongs to is not there.
    #[error("what it belongs to is not there")]
    Missing,
    /// The caller gave the transaction up; nothing of it was kept.
    #[error("the work was given up")]
    GivenUp,
    /// A row holds what this program can't have written.
    #[error("a row of `{table}` can't be read: {problem}")]
    Corrupt {
        /// The table the row is in.
        table: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The tables are not those that this program knows.
    #[error("{0}")]
    Schema(String),
    /// The database's address can't be used.
    #[error("{0}")]
    Url(String),
}

impl StorageError {
    /// A row that can't be read.
    pub(crate) fn corrupt(table: &'static str, problem: impl ToString) -> Self {
        Self::Corrupt {
            table,
            problem: problem.to_string(),
        }
    }
}

impl From<Error> for StorageError {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Self::Duplicate,
            Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => Self::Missing,
            Error::DeserializationError(problem) => Self::corrupt("?", problem),
            other => Self::Unavailable(other.to_string()),
        }
    }
}
