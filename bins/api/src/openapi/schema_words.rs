//! A schema's rules in words, for the page.

use serde_json::Value;

use super::json::at;

/// What a value must be, such as `string or null, at most 2000 characters`.
pub(super) fn rules(schema: &Value) -> String {
    let mut rules = vec![kind(schema)];
    if let Some(values) = at(schema, "/enum").as_array() {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        rules.push(format!("one of {}", values.join(", ")));
    }
    let limits = [
        ("/minLength", "/maxLength", " characters"),
        ("/minimum", "/maximum", ""),
    ];
    for (least, most, unit) in limits {
        match (at(schema, least).as_u64(), at(schema, most).as_u64()) {
            (Some(least), Some(most)) => rules.push(format!("{least} to {most}{unit}")),
            (None, Some(most)) => rules.push(format!("at most {most}{unit}")),
            (Some(least), None) if least > 0 => rules.push(format!("at least {least}{unit}")),
            (_, None) => {}
        }
    }
    if !at(schema, "/default").is_null() {
        rules.push(format!("default {}", at(schema, "/default")));
    }
    rules.join(", ")
}

fn kind(schema: &Value) -> String {
    let kind = match at(schema, "/type") {
        Value::Array(kinds) => {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            kinds.join(" or ")
        }
        kind => kind.as_str().unwrap_or("any value").to_owned(),
    };
    match at(schema, "/format").as_str() {
        Some(format) => format!("{kind} ({format})"),
        None => kind,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_are_told_in_words() {
        for (schema, words) in [
            (
                json!({"type": "string", "format": "date-time"}),
                "string (date-time)",
            ),
            (
                json!({"type": ["string", "null"], "maxLength": 5}),
                "string or null, at most 5 characters",
            ),
            (
                json!({"type": "string", "minLength": 1, "maxLength": 5}),
                "string, 1 to 5 characters",
            ),
            (
                json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
                "integer, 1 to 100, default 20",
            ),
            (json!({"type": "integer", "minimum": 0}), "integer"),
            (
                json!({"type": "string", "enum": ["a", "b"]}),
                r#"string, one of "a", "b""#,
            ),
            (json!({}), "any value"),
        ] {
            assert_eq!(rules(&schema), words);
        }
    }
}
