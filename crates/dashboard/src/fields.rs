//! What stands in a form or in a query.

use std::fmt;

/// Names and values, in the order in which they were sent; a name may stand
/// there more than once. `Debug` shows the names alone: a value may be a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads what is `application/x-www-form-urlencoded`. Anything can be read.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of a name; empty where there is none.
    pub(crate) fn text<'a>(&'a self, name: &str) -> &'a str {
        let first = self.all(name).next();
        first.unwrap_or_default()
    }

    /// Each value of a name.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let of_name = move |(key, _): &&(String, String)| key == name;
        self.0
            .iter()
            .filter(of_name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether a name stands there at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_stand_there_more_than_once() {
        let fields = Fields::parse(b"permissions=read&permissions=write&name=a+b%26&x");
        assert_eq!(fields.text("permissions"), "read");
        assert!(fields.all("permissions").eq(["read", "write"]));
        assert_eq!(fields.text("name"), "a b&");
        assert!(fields.has("x") && !fields.has("y"));
        assert_eq!(fields.text("y"), "");
        assert_eq!(fields.iter().count(), 4);
        let shown = format!("{fields:?}");
        assert!(
            shown.contains("permissions") && !shown.contains("read"),
            "{shown}"
        );
    }
}
