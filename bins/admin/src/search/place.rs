//! Where a key stands.

use std::fmt;

use serde_json::{Value, json};
use torvus_key_core::redact;

/// A file, or a member of an archive.
#[derive(Clone)]
pub(super) struct Source {
    path: String,
    member: Option<String>,
}

/// Where a key stands.
#[derive(Clone)]
pub(crate) struct Place {
    source: Source,
    line: u64,
    column: u64,
    /// In a history: the commit, and the file in it.
    commit: Option<String>,
    file: Option<String>,
}

impl Source {
    pub(super) fn new(path: &str) -> Self {
        Self {
            path: shown(path),
            member: None,
        }
    }

    /// What lies in it under that name.
    pub(super) fn member(&self, name: &str) -> Self {
        let name = shown(name);
        Self {
            path: self.path.clone(),
            member: Some(match &self.member {
                Some(outer) => format!("{outer}!{name}"),
                None => name,
            }),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        match &self.member {
            Some(member) => write!(f, "!{member}"),
            None => Ok(()),
        }
    }
}

impl Place {
    pub(super) fn new(source: &Source, line: u64, column: u64) -> Self {
        Self {
            source: source.clone(),
            line,
            column,
            commit: None,
            file: None,
        }
    }

    pub(super) fn in_history(mut self, commit: Option<&str>, file: Option<&str>) -> Self {
        self.commit = commit.map(shown);
        self.file = file.map(shown);
        self
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "path": self.source.path,
            "member": self.source.member,
            "line": self.line,
            "column": self.column,
            "commit": self.commit,
            "file": self.file,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source, self.line, self.column)?;
        match (&self.commit, &self.file) {
            (Some(commit), Some(file)) => write!(f, " ({:.12} {file})", commit),
            (Some(commit), None) => write!(f, " ({:.12})", commit),
            _ => Ok(()),
        }
    }
}

/// A name as it may be shown: it may hold a key, or what a terminal obeys.
pub(super) fn shown(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for character in redact(name).chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_shows_neither_a_key_nor_control_characters() {
        let key = "torvus_sk_live_00000000000000000000000000000000000000000004GmCyj";
        let source = Source::new(&format!("a\u{1b}[2J/{key}")).member("b\nc");
        let shown = Place::new(&source, 3, 4).to_string();
        assert_eq!(shown, "a\\u{1b}[2J/torvus_sk_live_0000…mCyj!b\\nc:3:4");
    }

    #[test]
    fn a_place_in_a_history_names_commit_and_file() {
        let place = Place::new(&Source::new("-"), 7, 1);
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let shown = place.in_history(Some(commit), Some("src/x.rs")).to_string();
        assert_eq!(shown, "-:7:1 (0123456789ab src/x.rs)");
    }
}
