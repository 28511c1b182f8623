//! Why somebody makes a change, in their own words.

use torvus_key_core::redact;

use crate::KeyringError;

/// The reason as it is kept: a key that somebody pasted in is replaced by its
/// hint.
pub(crate) fn kept(reason: Option<&str>) -> Result<Option<String>, KeyringError> {
    let Some(reason) = reason else {
        return Ok(None);
    };
    if reason.chars().count() > 500 || reason.chars().any(char::is_control) {
        return Err(KeyringError::invalid(
            "reason",
            "at most 500 characters, no control characters",
        ));
    }
    Ok(Some(redact(reason).into_owned()))
}
