//! The one search for keys: what hides them in text and what finds leaked ones both go by it.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::{KEY_LENGTH, KeyHint, PREFIX, parse};

static PREFIXES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(PREFIX));

/// The first well-formed key that begins at `from` or later: where it begins, and its hint.
///
/// A key is found wherever it stands, also glued to other letters. No two keys overlap, as a prefix
/// has underscores and a body has none; so a search that goes on behind a key misses none.
pub(crate) fn first_key(text: &[u8], from: usize) -> Option<(usize, KeyHint)> {
    let behind = text.get(from..)?;
    PREFIXES.find_iter(behind).find_map(|place| {
        // Nothing where the text ends too early, or where what follows is no text: no key.
        let candidate = str::from_utf8(behind.get(place..place + KEY_LENGTH)?).ok()?;
        Some((from + place, parse::check(candidate).ok()?))
    })
}
