//! The end of a stream, kept while it is read.

use std::io::{Read, Result};

use zeroize::Zeroizing;

use super::STEP;

/// How much is kept: the longest comment of a zip, and before it the list of
/// about a thousand members.
const KEPT: usize = 128 * 1024;

/// Hands on what it reads, and keeps the end of it.
pub(super) struct Tail<'a> {
    inner: &'a mut dyn Read,
    kept: Zeroizing<Vec<u8>>,
}

impl<'a> Tail<'a> {
    pub(super) fn of(inner: &'a mut dyn Read) -> Self {
        Self {
            inner,
            // It never grows, so nothing of it is left behind elsewhere.
            kept: Zeroizing::new(Vec::with_capacity(2 * KEPT + STEP)),
        }
    }

    /// The end by now.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }
}

impl Read for Tail<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.inner.read(buffer)?;
        let piece = buffer.get(..read).unwrap_or_default();
        for piece in piece.chunks(STEP) {
            if self.kept.len() > 2 * KEPT {
                let old = self.kept.len() - KEPT;
                self.kept.drain(..old);
            }
            self.kept.extend_from_slice(piece);
        }
        Ok(read)
    }
}
