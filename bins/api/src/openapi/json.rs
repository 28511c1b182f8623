//! Reading JSON of which the shape is known.

use serde_json::Value;

static NOTHING: Value = Value::Null;

/// What is at the end of a JSON pointer; `null` where nothing is.
pub(super) fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&NOTHING)
}

/// The entries of an object; none of anything else.
pub(super) fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(name, value)| (name.as_str(), value))
}

/// The items of an array; none of anything else.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text; none of anything else.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
