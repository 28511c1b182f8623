//! Why peppers are refused.

use super::{Pepper, PepperVersion};

/// Why a pepper, or a list of them, can't be used.
///
/// Says where and what, never with any of the content: a line that can't be read is most likely a
/// pepper all the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PepperError {
    /// It has fewer than [`Pepper::BYTES_MIN`] bytes.
    #[error("a pepper has at least {} bytes", Pepper::BYTES_MIN)]
    TooShort,
    /// It has more than [`Pepper::BYTES_MAX`] bytes.
    #[error("a pepper has at most {} bytes", Pepper::BYTES_MAX)]
    TooLong,
    /// There is no pepper at all.
    #[error("there is no pepper: at least one line `version:base64` is needed")]
    Empty,
    /// Two peppers have the same version, so a stored digest would not say which one made it.
    #[error("two peppers have the version {0}")]
    DuplicateVersion(PepperVersion),
    /// A line of the pepper file can't be used.
    #[error("line {line} of the pepper: {problem}")]
    Line {
        /// The number of the line, from 1 up; blank ones are counted.
        line: usize,
        /// What is wrong with it.
        problem: PepperLineProblem,
    },
}

/// What is wrong with one line of the pepper file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PepperLineProblem {
    /// It has no colon.
    #[error("expected `version:base64`")]
    Form,
    /// What stands before the colon is not a version.
    #[error(
        "the version before the colon must be a whole number from 1 to {}",
        u32::MAX
    )]
    Version,
    /// What stands after the colon is not standard base64 (RFC 4648, section 4).
    #[error("what follows the colon is not standard base64")]
    Base64,
    /// It decodes to fewer than [`Pepper::BYTES_MIN`] bytes.
    #[error("the pepper has fewer than {} bytes", Pepper::BYTES_MIN)]
    TooShort,
    /// It decodes to more than [`Pepper::BYTES_MAX`] bytes.
    #[error("the pepper has more than {} bytes", Pepper::BYTES_MAX)]
    TooLong,
    /// An earlier line has the same version.
    #[error("an earlier line has the same version")]
    DuplicateVersion,
}
