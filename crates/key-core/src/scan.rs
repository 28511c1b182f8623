//! Keys in a stream of bytes, whatever the pieces it comes in.

use std::fmt;

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::{ApiKeyToken, KEY_LENGTH, find::first_key};

/// What may stay behind of a piece: the beginning of a key that goes on in the next one.
const CARRIED: usize = KEY_LENGTH - 1;

/// How much of a piece is looked at at once: the bound on what a scanner holds.
const STEP: usize = 64 * 1024;

/// Finds the well-formed keys in a stream of bytes: files, archives, histories, dumps.
///
/// By prefix and checksum, without any look-up, and by the same search that [`redact`](crate::redact())
/// hides keys with. The bytes need not be text. They come in pieces of any size: a key that begins in
/// one and ends in another is found, when its last byte comes. Each key is told once for each place
/// it stands in, in the order of the places.
///
/// Holds at most some 64 KiB, however long the stream and its pieces; linear in their length.
///
/// A key that was encoded (base64, UTF-16, percent signs) or compressed is not seen.
///
/// ```
/// use torvus_key_core::KeyScanner;
///
/// let mut scanner = KeyScanner::new();
/// let mut seen = Vec::new();
/// for piece in ["a: 1\nkey: torvus_sk_test_TheQuickBrownFoxJumps", "OverTheLazyDog123456783luUkE\n"] {
///     scanner.feed(piece.as_bytes(), |found| {
///         seen.push((found.token.hint().to_string(), found.line, found.column));
///     });
/// }
/// assert_eq!(seen, [("torvus_sk_test_TheQ…uUkE".to_owned(), 2, 6)]);
/// ```
pub struct KeyScanner {
    /// The end of what was looked at, and behind it what is being looked at.
    window: Zeroizing<Vec<u8>>,
    /// Where in the stream the window begins.
    offset: u64,
    /// How many line feeds stand before the window.
    lines: u64,
    /// Where in the stream the line begins that the window begins in.
    line_start: u64,
}

/// A key that a [`KeyScanner`] found, and where.
pub struct FoundKey {
    /// The key.
    pub token: ApiKeyToken,
    /// How many bytes of the stream stand before it.
    pub offset: u64,
    /// Its line; the first is 1. A line ends with a line feed.
    pub line: u64,
    /// The byte of the line that it begins at; the first is 1.
    pub column: u64,
}

impl KeyScanner {
    /// A scanner at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self {
            // Never grown: what is moved would leave a copy behind that nobody wipes.
            window: Zeroizing::new(Vec::with_capacity(CARRIED + STEP)),
            offset: 0,
            lines: 0,
            line_start: 0,
        }
    }

    /// Takes the next piece of the stream, and tells of each key that ends in it.
    pub fn feed(&mut self, piece: &[u8], mut found: impl FnMut(FoundKey)) {
        for step in piece.chunks(STEP) {
            self.window.extend_from_slice(step);
            self.look(&mut found);
            self.forget();
        }
    }

    /// Tells of the keys in the window. None of them was there before: what is kept of what was
    /// looked at is shorter than a key.
    fn look(&self, found: &mut impl FnMut(FoundKey)) {
        let (mut lines, mut line_start, mut counted, mut from) =
            (self.lines, self.line_start, 0, 0);
        while let Some((start, hint)) = first_key(&self.window, from) {
            let before = self.window.get(counted..start).unwrap_or_default();
            self.count(before, counted, &mut lines, &mut line_start);
            let end = start + KEY_LENGTH;
            let text = self.window.get(start..end).map(str::from_utf8);
            let offset = self.offset + start as u64;
            if let Some(Ok(text)) = text {
                found(FoundKey {
                    token: ApiKeyToken::new(SecretString::from(text), hint),
                    offset,
                    line: lines + 1,
                    column: offset - line_start + 1,
                });
            }
            (counted, from) = (start, end);
        }
    }

    /// Counts the lines of a part of the window, which begins at `at` in it.
    fn count(&self, part: &[u8], at: usize, lines: &mut u64, line_start: &mut u64) {
        *lines += memchr::memchr_iter(b'\n', part).count() as u64;
        if let Some(last) = memchr::memrchr(b'\n', part) {
            *line_start = self.offset + (at + last) as u64 + 1;
        }
    }

    /// Keeps what may be the beginning of a key.
    fn forget(&mut self) {
        let done = self.window.len().saturating_sub(CARRIED);
        let (mut lines, mut line_start) = (self.lines, self.line_start);
        let before = self.window.get(..done).unwrap_or_default();
        self.count(before, 0, &mut lines, &mut line_start);
        (self.lines, self.line_start) = (lines, line_start);
        self.offset += done as u64;
        self.window.drain(..done);
    }
}

impl Default for KeyScanner {
    fn default() -> Self {
        Self::new()
    }
}

/// Where it is; not what it has seen.
impl fmt::Debug for KeyScanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyScanner")
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// The hint of the key, and its place.
impl fmt::Debug for FoundKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundKey")
            .field("key", &self.token.hint())
            .field("offset", &self.offset)
            .field("line", &self.line)
            .field("column", &self.column)
            .finish()
    }
}
