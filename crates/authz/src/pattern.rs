//! The path of a route, and what may stand in for its parameters.

use crate::uri::{has_plain_escapes, is_dots};

/// The form of a pattern that the matcher takes: the parameters numbered, so
/// that patterns which match alike are written alike. `None` where the pattern
/// is not one plain path.
pub(crate) fn shape(pattern: &str) -> Option<String> {
    let segments = pattern.strip_prefix('/')?;
    let mut shape = String::new();
    let mut segments = segments.split('/').enumerate().peekable();
    while let Some((index, segment)) = segments.next() {
        let last = segments.peek().is_none();
        shape.push('/');
        match segment.split_at_checked(1) {
            Some((":", name)) if is_name(name) => shape.push_str(&format!("{{p{index}}}")),
            Some(("*", name)) if last && is_name(name) => shape.push_str(&format!("{{*p{index}}}")),
            _ if is_fixed(segment) => shape.push_str(segment),
            _ => return None,
        }
    }
    Some(shape)
}

/// Whether this raw text may be a parameter's value: segments as
/// [`is_value`] wants them. Only a `*` at the end takes more than one.
pub(crate) fn fits_parameter(value: &str) -> bool {
    value.split('/').all(is_value)
}

/// Whether this is a `segment` of RFC 3986 without `;`, with no escapes but
/// plain ones, and not a dot segment.
fn is_value(segment: &str) -> bool {
    !segment.is_empty()
        && !is_dots(segment)
        && has_plain_escapes(segment)
        && segment.bytes().all(|byte| {
            is_unreserved(byte)
                || matches!(
                    byte,
                    b'%' | b'!'
                        | b'$'
                        | b'&'
                        | b'\''
                        | b'('
                        | b')'
                        | b'*'
                        | b'+'
                        | b','
                        | b'='
                        | b':'
                        | b'@'
                )
        })
}

/// The name of a parameter or an operation: `a-z 0-9 _`, a letter first.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_fixed(segment: &str) -> bool {
    !segment.is_empty() && !is_dots(segment) && segment.bytes().all(is_unreserved)
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parameters_do_not_count() {
        assert_eq!(shape("/a/:id/b/:id"), Some("/a/{p1}/b/{p3}".to_owned()));
        assert_eq!(shape("/a/:x/b/:y"), shape("/a/:id/b/:id"));
    }

    #[test]
    fn the_rest_of_a_path_is_one_parameter_at_its_end() {
        assert_eq!(shape("/a/*rest"), Some("/a/{*p1}".to_owned()));
        assert_eq!(shape("/*all"), Some("/{*p0}".to_owned()));
        for bad in ["/*", "/*a/b", "/a*", "/a/b*", "/**a", "/*A", "/:*a", "/*:a"] {
            assert_eq!(shape(bad), None, "{bad}");
        }
    }

    #[test]
    fn takes_only_plain_paths() {
        for bad in [
            "", "/", "a", "/a/", "//a", "/a//b", "/.", "/a/../b", "/:", "/:Id", "/:1", "/a:b",
            "/{a}", "/*", "/:id*", "/a%20b", "/a b", "/a?b", "/a#b", "/a;b", "/é", "/a\\b",
        ] {
            assert_eq!(shape(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_parameter_has_one_reading() {
        for good in [
            "a", "vault_01", "a.b", "...", "a@b:c", "~", "a%20b", "%C3%A9", "a/b",
        ] {
            assert!(fits_parameter(good), "{good}");
        }
        for bad in [
            "", ".", "..", "%2e", "a%2fb", "a//b", "a/../b", "a/", "%", "%f", "%00", "%ff", "a;b",
            "%61", "a\\b", "a\0", "é", "a b", "a\n",
        ] {
            assert!(!fits_parameter(bad), "{bad}");
        }
    }
}
