//! Flag over environment over file.

use std::fmt;
use std::path::Path;

use crate::SettingsError;

/// Reads a variable of the process. One that is empty counts as not set.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// How a variable of the environment is read.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A setting's text, and where it was found.
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// Where a setting was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(&'static str),
    Variable(String),
    File(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Variable(name) => f.write_str(name),
            Self::File(text) => f.write_str(text),
        }
    }
}

impl Found {
    /// Reads the text with `parse`, and names setting and value where it can't.
    pub(crate) fn parse<T, E: fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, SettingsError> {
        parse(&self.text).map_err(|error| {
            SettingsError::new(format!("{} = {:?}: {error}", self.origin, self.text))
        })
    }
}

/// The three places a setting may stand in.
pub(crate) struct Layers<'a> {
    pub(crate) environment: Environment<'a>,
    pub(crate) file: Option<&'a Path>,
}

impl Layers<'_> {
    /// Looks for a setting. `flag` is its name as a flag; the variable and
    /// the key in the file are made from it.
    pub(crate) fn find(
        &self,
        flag: &'static str,
        given: Option<&String>,
        variable: &str,
        filed: Option<String>,
    ) -> Result<Option<Found>, SettingsError> {
        if let Some(text) = given {
            return Ok(Some(Found {
                text: text.clone(),
                origin: Origin::Flag(flag),
            }));
        }
        if let Some((text, name)) = self.variable(variable)? {
            return Ok(Some(Found {
                text,
                origin: Origin::Variable(name),
            }));
        }
        let key = variable.trim_start_matches("TORVUS_").to_lowercase();
        Ok(filed.map(|text| {
            let file = self
                .file
                .map(|path| path.display().to_string())
                .unwrap_or_default();
            Found {
                text,
                origin: Origin::File(format!("{file}: {key}")),
            }
        }))
    }

    /// A variable, or the contents of the file that `NAME_FILE` names; a
    /// newline at its end is dropped. Both at once are an error.
    pub(crate) fn variable(&self, name: &str) -> Result<Option<(String, String)>, SettingsError> {
        let set = |name: &str| (self.environment)(name).filter(|text| !text.is_empty());
        let file_name = format!("{name}_FILE");
        match (set(name), set(&file_name)) {
            (Some(_), Some(_)) => Err(SettingsError::new(format!(
                "{name} and {file_name} are both set: use one of them"
            ))),
            (Some(text), None) => Ok(Some((text, name.to_owned()))),
            (None, Some(path)) => std::fs::read_to_string(&path)
                .map(|text| {
                    Some((
                        text.trim_end_matches(['\n', '\r']).to_owned(),
                        file_name.clone(),
                    ))
                })
                .map_err(|error| {
                    SettingsError::new(format!("{file_name} = {path:?}: can't be read: {error}"))
                }),
            (None, None) => Ok(None),
        }
    }
}
