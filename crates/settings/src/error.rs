//! Why the settings can't be used.

/// One line that names where the setting came from, what it is, and what is
/// wrong with it. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl SettingsError {
    /// An error of one line, whatever the cause prints.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        let words: Vec<&str> = text.as_ref().split_whitespace().collect();
        Self(words.join(" "))
    }
}
