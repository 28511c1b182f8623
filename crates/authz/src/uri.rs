//! Whether two readers could disagree about a path.

/// The path of a URI as a proxy tells it, without its query, if every reader
/// takes it for the same path. Where two could disagree it is none: one of them
/// would be guarded, the other one answered (public contract, section 5).
///
/// Refused, not normalised: what is no printable ASCII, `\\` and `#` anywhere;
/// in the path `;`, an empty or a dot segment, and escapes that
/// are broken, or stand for a control character, one of `/ \\ . ; % # ?`, or a
/// letter, a digit, `-`, `_` or `~`, which need none.
#[must_use]
pub fn plain_path(uri: &str) -> Option<&str> {
    let printable = uri
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'));
    let path = uri.split_once('?').map_or(uri, |(path, _)| path);
    let segments = path.strip_prefix('/')?;
    let mut parts = segments.split('/').peekable();
    let mut plain = printable && !path.contains(';');
    while let Some(part) = parts.next() {
        // A trailing slash is one reading more, but not two.
        let empty = part.is_empty() && parts.peek().is_some();
        plain = plain && !empty && !is_dots(part) && has_plain_escapes(part);
    }
    plain.then_some(path)
}

/// `.` or `..`: to some readers another folder.
pub(crate) fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

/// Whether all escapes are complete, stand for UTF-8, and none of them for a
/// control character, for one that divides a URI, or for one that needs none:
/// decoded by one reader and not by another, those would be two paths.
pub(crate) fn has_plain_escapes(segment: &str) -> bool {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return false;
        };
        let Ok(escaped) = u8::try_from(high * 16 + low) else {
            return false;
        };
        let divides = matches!(escaped, b'/' | b'\\' | b'.' | b';' | b'%' | b'#' | b'?');
        // RFC 3986, section 6.2.2.2: such an escape is the bare character to
        // whoever decodes it, and so perhaps a fixed segment.
        let needless = escaped.is_ascii_alphanumeric() || matches!(escaped, b'-' | b'_' | b'~');
        if divides || needless || escaped.is_ascii_control() {
            return false;
        }
        decoded.push(escaped);
    }
    std::str::from_utf8(&decoded).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_one_reading_is_taken_as_it_is() {
        for (uri, path) in [
            ("/", "/"),
            ("/v1/vaults", "/v1/vaults"),
            ("/v1/vaults/", "/v1/vaults/"),
            ("/a?b=/../;%2f//", "/a"),
            ("/a?b?c", "/a"),
            ("/a%20b/%C3%A9%40x", "/a%20b/%C3%A9%40x"),
            ("/...", "/..."),
            ("/.well-known/x", "/.well-known/x"),
        ] {
            assert_eq!(plain_path(uri), Some(path), "{uri}");
        }
    }

    #[test]
    fn a_path_with_two_readings_is_none() {
        for uri in [
            "",
            "v1",
            "?",
            "*",
            "http://x/v1",
            "//v1",
            "/v1//vaults",
            "/v1/./vaults",
            "/v1/../vaults",
            "/v1/vaults/..",
            "/v1/vaults/.",
            "/..",
            "/v1;x/vaults",
            "/v1/vaults;",
            "/v1\\vaults",
            "/v1/vaults#x",
            "/v1/vaults?x#y",
            "/v1/vaults?x\\y",
            "/v1 /vaults",
            "/v1\t",
            "/v1\n",
            "/v1\0",
            "/v1/\u{7f}",
            "/é",
            "/v1?é",
            "/v1%2fvaults",
            "/v1%2Fvaults",
            "/v1%5cvaults",
            "/v1/%2e%2e/x",
            "/v1/%2E",
            "/v1%3bx",
            "/v1%253bx",
            "/v1%23",
            "/v1%3f",
            "/v1%00",
            "/v1%0d%0a",
            "/v1%7f",
            "/v1%",
            "/v1%4",
            "/v1%4g",
            "/v1%zz",
            "/%c0%af",
            "/%ff",
            "/%ed%a0%80",
            "/v1%2",
            "/v1/%e9",
            "/v1/%61ccount",
            "/v1/accoun%74",
            "/%76%31",
            "/a%2db",
            "/a%5Fb",
            "/a%7eb",
        ] {
            assert_eq!(plain_path(uri), None, "{uri}");
        }
    }
}
