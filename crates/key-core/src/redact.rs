//! Text without the keys that stand in it.

use std::borrow::Cow;

use crate::{KEY_LENGTH, find::first_key};

/// The text with every well-formed key in it replaced by its [hint](crate::KeyHint).
///
/// For text that others wrote and that is to be kept: paths, user agents, messages (the public
/// contract, section 7). A key is found wherever it stands, also glued to other letters: the 64
/// characters from each [`PREFIX`](crate::PREFIX) on are looked at. What only looks like a key, with
/// a wrong checksum, stays as it is; it opens nothing, and whoever reads the text may need it.
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
    while let Some((start, hint)) = first_key(text.as_bytes(), done) {
        // A key is ASCII, so it begins and ends between characters.
        redacted.push_str(text.get(done..start).unwrap_or_default());
        redacted.push_str(&hint.to_string());
        done = start + KEY_LENGTH;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    redacted.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(redacted)
}
