//! The fields of a body: each is asked for by name, and none may be left over.

use serde_json::{Map, Value};
use torvus_domain::Refusal;

/// How many characters a resource's name may have.
pub(super) const MAX_NAME_CHARS: usize = 200;

/// A field of which absent, `null` and a value each say something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change<T> {
    /// Not named: stays as it is.
    Keep,
    /// `null`: is taken away.
    Clear,
    /// Becomes this.
    Set(T),
}

/// The fields that were sent and not yet asked for.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// The fields of a body's value.
    pub(super) fn of(value: Value) -> Result<Self, Refusal> {
        match value {
            Value::Object(object) => Ok(Self(object)),
            _ => Err(Refusal::Invalid {
                field: None,
                message: "The body must be a JSON object".to_owned(),
            }),
        }
    }

    /// No fields.
    pub(super) fn none() -> Self {
        Self(Map::new())
    }

    /// A name that must be there.
    pub(super) fn name(&mut self) -> Result<String, Refusal> {
        self.optional_name()?
            .ok_or_else(|| invalid("name", "is required"))
    }

    /// A name that may be left out, but not be `null`.
    pub(super) fn optional_name(&mut self) -> Result<Option<String>, Refusal> {
        let text = match self.0.remove("name") {
            None => return Ok(None),
            Some(Value::String(text)) => text,
            Some(_) => return Err(invalid("name", "must be a string")),
        };
        let name = text.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
            let rule = format!("must have 1 to {MAX_NAME_CHARS} characters");
            return Err(invalid("name", &rule));
        }
        if name.chars().any(char::is_control) {
            return Err(invalid("name", "must not hold control characters"));
        }
        Ok(Some(name.to_owned()))
    }

    /// A text of up to `max_chars` characters, or `null`, or nothing.
    pub(super) fn text(
        &mut self,
        field: &str,
        max_chars: usize,
    ) -> Result<Change<String>, Refusal> {
        let text = match self.0.remove(field) {
            None => return Ok(Change::Keep),
            Some(Value::Null) => return Ok(Change::Clear),
            Some(Value::String(text)) => text,
            Some(_) => return Err(invalid(field, "must be a string")),
        };
        if text.chars().count() > max_chars {
            let rule = format!("must have at most {max_chars} characters");
            return Err(invalid(field, &rule));
        }
        let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.chars().any(odd) {
            return Err(invalid(field, "must not hold control characters"));
        }
        Ok(Change::Set(text))
    }

    /// A text that is not kept as it came, so any characters may be in it.
    pub(super) fn raw_text(&mut self, field: &str) -> Result<Option<String>, Refusal> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(field, "must be a string")),
        }
    }

    /// An object, or nothing.
    pub(super) fn object(&mut self, field: &str) -> Result<Option<Map<String, Value>>, Refusal> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(invalid(field, "must be an object")),
        }
    }

    /// Refuses what nobody asked for.
    pub(super) fn done(self) -> Result<(), Refusal> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((field, _)) => {
                let known = field.len() <= 100 && !field.chars().any(char::is_control);
                Err(Refusal::Invalid {
                    field: known.then_some(field),
                    message: "The body has a field that is not known here".to_owned(),
                })
            }
        }
    }
}

impl<T> Change<T> {
    /// The value where nothing was there before.
    pub(super) fn set(self) -> Option<T> {
        match self {
            Self::Keep | Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// A refusal that names the field and the rule.
pub(super) fn invalid(field: &str, rule: &str) -> Refusal {
    Refusal::Invalid {
        field: Some(field.to_owned()),
        message: format!("`{field}` {rule}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        Fields::of(value).ok().unwrap()
    }

    fn blamed<T>(result: Result<T, Refusal>) -> String {
        match result.err() {
            Some(Refusal::Invalid { field, .. }) => field.unwrap_or_default(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_are_counted_in_characters() {
        let name = |text: &str| fields(json!({ "name": text })).name();
        assert_eq!(name(" Tresor ").ok(), Some("Tresor".to_owned()));
        assert!(name(&"\u{e9}".repeat(200)).is_ok());
        assert_eq!(blamed(name(&"\u{e9}".repeat(201))), "name");
        for text in ["", "  ", "a\u{0}b", "a\nb"] {
            assert_eq!(blamed(name(text)), "name");
        }
        assert_eq!(blamed(fields(json!({})).name()), "name");
        assert_eq!(blamed(fields(json!({"name": 1})).name()), "name");
        assert_eq!(
            blamed(fields(json!({"name": null})).optional_name()),
            "name"
        );
    }

    #[test]
    fn absent_null_and_text_differ() {
        let text = |value: Value| fields(value).text("note", 3);
        assert_eq!(text(json!({})).ok(), Some(Change::Keep));
        assert_eq!(text(json!({"note": null})).ok(), Some(Change::Clear));
        let set = Change::Set("a\nb".to_owned());
        assert_eq!(text(json!({"note": "a\nb"})).ok(), Some(set));
        assert_eq!(blamed(text(json!({"note": "abcd"}))), "note");
        assert_eq!(blamed(text(json!({"note": "\u{0}"}))), "note");
        assert_eq!(blamed(text(json!({"note": []}))), "note");
    }

    #[test]
    fn nothing_may_be_left_over() {
        assert!(fields(json!({})).done().is_ok());
        assert_eq!(blamed(fields(json!({"id": 1})).done()), "id");
        assert_eq!(blamed(Fields::of(json!([]))), "");
        assert_eq!(
            blamed(fields(json!({"settings": 1})).object("settings")),
            "settings"
        );
    }
}
