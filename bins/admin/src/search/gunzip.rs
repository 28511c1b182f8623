//! What is packed with gzip, and what comes behind it.

use std::io::{BufRead, Read, Result};

use flate2::bufread::GzDecoder;

/// Unpacks all members of a stream, as one. Zeros behind a member are padding,
/// as tapes and block devices need it.
pub(super) struct Gunzip<R> {
    member: Option<GzDecoder<R>>,
    rest: Option<R>,
}

/// What was not unpacked.
pub(super) enum Behind<R> {
    /// What comes behind the last member.
    Rest(R),
    /// Something is broken before that.
    Broken(R),
}

impl<R: BufRead> Gunzip<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            member: Some(GzDecoder::new(inner)),
            rest: None,
        }
    }

    /// What is left of the stream.
    pub(super) fn behind(self) -> Option<Behind<R>> {
        let broken = self.member.map(GzDecoder::into_inner).map(Behind::Broken);
        self.rest.map(Behind::Rest).or(broken)
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(mut inner) = self.member.take().map(GzDecoder::into_inner) else {
                break;
            };
            match another(&mut inner) {
                Ok(true) => self.member = Some(GzDecoder::new(inner)),
                ended => {
                    self.rest = Some(inner);
                    ended?;
                }
            }
        }
        Ok(0)
    }
}

/// Skips padding, and says whether another member begins behind it.
fn another(inner: &mut impl BufRead) -> Result<bool> {
    loop {
        let waiting = inner.fill_buf()?;
        let zeros = waiting.iter().take_while(|byte| **byte == 0).count();
        let begins = match waiting.get(zeros..) {
            _ if waiting.is_empty() => Some(false),
            None | Some([]) => None,
            Some([first, second, ..]) => Some([*first, *second] == [0x1f, 0x8b]),
            Some([first]) => Some(*first == 0x1f),
        };
        inner.consume(zeros);
        if let Some(begins) = begins {
            return Ok(begins);
        }
    }
}
