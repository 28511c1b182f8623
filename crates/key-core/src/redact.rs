//! Text without the keys that stand in it.

use std::borrow::Cow;

use crate::{KEY_LENGTH, PREFIX, parse};

/// The text with every well-formed key in it replaced by its [hint](crate::KeyHint).
///
/// For text that others wrote and that is to be kept: paths, user agents, messages (the public
/// contract, section 7). A key is found wherever it stands, also glued to other letters: the 64
/// characters from each [`PREFIX`] on are looked at. What only looks like a key, with a wrong
/// checksum, stays as it is; it opens nothing, and whoever reads the text may need it.
///
/// A key that was encoded first (percent signs, base64) is not seen. A client has no reason to:
/// all characters of a key stand for themselves in a URI (RFC 3986, section 2.3).
///
/// Linear in the length of the text; the text is borrowed where nothing was found. What comes back
/// holds no well-formed key, so a second pass changes nothing.
///
/// ```
/// use torvus_key_core::redact;
///
/// let agent = "curl/8 torvus_sk_test_TheQuickBrownFoxJumpsOverTheLazyDog123456783luUkE";
/// assert_eq!(redact(agent), "curl/8 torvus_sk_test_TheQ…uUkE");
/// assert_eq!(redact("torvus_sk_test_ is a prefix"), "torvus_sk_test_ is a prefix");
/// ```
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut redacted = String::new();
    let mut done = 0;
    // No two keys overlap, as a prefix has underscores and a body has none. So each prefix that is
    // found lies behind the end of the last key.
    for (start, _) in text.match_indices(PREFIX) {
        let end = start + KEY_LENGTH;
        // `get` gives nothing when the text is too short or ends inside a character there: no key.
        let Some(Ok(hint)) = text.get(start..end).map(parse::check) else {
            continue;
        };
        redacted.push_str(text.get(done..start).unwrap_or_default());
        redacted.push_str(&hint.to_string());
        done = end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    redacted.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(redacted)
}
