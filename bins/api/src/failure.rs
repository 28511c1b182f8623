//! Why the server did not start, or did not end well.

use std::fmt;
use std::process::ExitCode;

use torvus_key_core::redact;
use torvus_settings::SettingsError;

/// One line for the operator, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    line: String,
    code: u8,
}

impl Failure {
    /// Something went wrong: exit code 1.
    pub(crate) fn new(what: impl fmt::Display) -> Self {
        Self {
            line: one_line(&what),
            code: 1,
        }
    }

    /// A setting or flag is wrong: exit code 2.
    pub(crate) fn usage(what: impl fmt::Display) -> Self {
        Self {
            line: one_line(&what),
            code: 2,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::usage(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error)
    }
}

fn one_line(what: &impl fmt::Display) -> String {
    let text = what.to_string();
    let words: Vec<&str> = text.split_whitespace().collect();
    // What was typed may have been a key.
    redact(&words.join(" ")).into_owned()
}
