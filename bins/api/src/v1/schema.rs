//! The fields of bodies as the API's document describes them. A rule stands
//! here once, for what is sent and for what is told, with the numbers that the
//! handlers check against.

use torvus_domain::IdKind;
use utoipa::openapi::schema::{
    AdditionalProperties, KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType, Type,
};

use super::fields::MAX_NAME_CHARS;

/// What [`str::trim`] takes away, as it stands between a pattern's brackets.
pub(super) const BLANK: &str =
    r"\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";
/// What [`char::is_control`] finds, as it stands between a pattern's brackets.
pub(super) const CONTROL: &str = r"\u0000-\u001f\u007f-\u009f";
/// The same without the three that a text of several lines needs.
const CONTROL_IN_TEXT: &str = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f";
/// The part of an identifier after its prefix, in examples.
const EXAMPLE_ID: &str = "01h455vb4pex5vsknk084sn02q";
const EXAMPLE_TIME: &str = "2026-11-24T09:30:00.123456Z";

/// An identifier of that kind.
pub(super) fn id<K: IdKind>() -> Object {
    id_with_prefix(K::TYPE)
}

/// An identifier with that prefix.
pub(crate) fn id_with_prefix(prefix: &str) -> Object {
    string()
        // The first character holds three bits.
        .pattern(Some(format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$")))
        .examples([format!("{prefix}_{EXAMPLE_ID}")])
        .build()
}

/// An instant, always in UTC.
pub(super) fn instant() -> Object {
    string()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .pattern(Some("Z$"))
        .examples([EXAMPLE_TIME])
        .build()
}

/// The name of a resource.
pub(super) fn name() -> Object {
    let inner = format!("[^{CONTROL}]");
    let edge = format!("[^{CONTROL}{BLANK}]");
    string()
        .description(Some(
            "Blanks around it are trimmed; it has no control characters.",
        ))
        .min_length(Some(1))
        .max_length(Some(MAX_NAME_CHARS))
        .pattern(Some(format!(
            "^[{BLANK}]*{edge}(?:{inner}*{edge})?[{BLANK}]*$"
        )))
        .examples(["Family papers"])
        .build()
}

/// A text of several lines, or `null`.
pub(super) fn text(max_chars: usize, example: &str) -> Object {
    or_null()
        .description(Some("Of control characters only tabs and line ends."))
        .max_length(Some(max_chars))
        .pattern(Some(format!("^[^{CONTROL_IN_TEXT}]*$")))
        .examples([example])
        .build()
}

/// A string.
pub(super) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A string or `null`.
pub(super) fn or_null() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// A body that is sent: an object in which nothing else may stand.
pub(super) fn body<const N: usize>(fields: [(&str, Object); N]) -> ObjectBuilder {
    fields.into_iter().fold(
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::FreeForm(false))),
        |object, (name, field)| object.property(name, field),
    )
}
