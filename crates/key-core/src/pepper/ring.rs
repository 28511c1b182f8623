//! All peppers of an installation.

use std::{fmt, iter};

use base64::{Engine as _, engine::general_purpose::STANDARD_PAD_INDIFFERENT};
use zeroize::Zeroizing;

use super::{Pepper, PepperError, PepperLineProblem, PepperVersion};
use crate::{ApiKeyToken, KeyDigest};

/// The most base64 characters that can hold a pepper.
const BASE64_LENGTH_MAX: usize = Pepper::BYTES_MAX.div_ceil(3) * 4;

/// One pepper that new digests are made with, and older ones that stored digests still need.
///
/// Several, so that the pepper can be changed without issuing any key anew (the public contract,
/// section 1): a key that comes in is digested with each until a stored digest matches.
///
/// `Debug` shows the versions only.
///
/// ```
/// use torvus_key_core::PepperRing;
///
/// let file = "
///     1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
///     2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=
/// ";
/// let ring = PepperRing::parse(file)?;
/// assert_eq!(ring.current().version().get(), 2);
/// # Ok::<(), torvus_key_core::PepperError>(())
/// ```
pub struct PepperRing {
    /// In the order of the file.
    older: Vec<Pepper>,
    /// A field of its own, so that there always is one.
    current: Pepper,
}

impl PepperRing {
    /// Takes the peppers in the order of the file: the last one is current.
    ///
    /// # Errors
    ///
    /// [`PepperError::Empty`] without any, [`PepperError::DuplicateVersion`] where two have the
    /// same version.
    pub fn new(mut peppers: Vec<Pepper>) -> Result<Self, PepperError> {
        let mut versions: Vec<_> = peppers.iter().map(Pepper::version).collect();
        versions.sort_unstable();
        for (version, next) in versions.iter().zip(versions.iter().skip(1)) {
            if version == next {
                return Err(PepperError::DuplicateVersion(*version));
            }
        }
        let current = peppers.pop().ok_or(PepperError::Empty)?;
        let older = peppers;
        Ok(Self { older, current })
    }

    /// Reads the text of a pepper file (the public contract, section 6): one line `version:base64`
    /// for each version, the last one is current.
    ///
    /// Blank lines are skipped, and so is white space around a line. The base64 is the standard one
    /// (RFC 4648, section 4); its padding may be left out. The text is the caller's to wipe.
    ///
    /// # Errors
    ///
    /// [`PepperError::Line`] with the number of the first line that can't be used, and
    /// [`PepperError::Empty`] if there are only blank ones.
    pub fn parse(text: &str) -> Result<Self, PepperError> {
        let mut peppers: Vec<Pepper> = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.trim();
            if content.is_empty() {
                continue;
            }
            let refused = |problem| PepperError::Line { line, problem };
            let pepper = parse_line(content).map_err(refused)?;
            if peppers.iter().any(|known| known.version == pepper.version) {
                return Err(refused(PepperLineProblem::DuplicateVersion));
            }
            peppers.push(pepper);
        }
        Self::new(peppers)
    }

    /// The pepper that new digests are made with.
    #[must_use]
    pub const fn current(&self) -> &Pepper {
        &self.current
    }

    /// The pepper with this version, if there is one.
    #[must_use]
    pub fn get(&self, version: PepperVersion) -> Option<&Pepper> {
        self.iter().find(|pepper| pepper.version == version)
    }

    /// All peppers in the order of the file, the current one last: written in this order, their
    /// [lines](Pepper::to_line) give the same ring again.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Pepper> {
        self.older.iter().chain(iter::once(&self.current))
    }

    /// The digest of the key under each pepper: the current one first, then from the newest line of
    /// the file to the oldest.
    ///
    /// Each is computed when it is asked for, so a key that is found under the current pepper costs
    /// one HMAC, however many peppers there are.
    pub fn digests(&self, token: &ApiKeyToken) -> impl Iterator<Item = (PepperVersion, KeyDigest)> {
        self.iter()
            .rev()
            .map(|pepper| (pepper.version, token.digest(pepper)))
    }
}

/// Reads one line that is not blank.
fn parse_line(line: &str) -> Result<Pepper, PepperLineProblem> {
    let (version, secret) = line.split_once(':').ok_or(PepperLineProblem::Form)?;
    let version = parse_version(version).ok_or(PepperLineProblem::Version)?;
    if secret.len() > BASE64_LENGTH_MAX {
        return Err(PepperLineProblem::TooLong);
    }
    // Decoded into memory of the full size that is wiped: a decoder that makes its own `Vec` leaves
    // what it has read so far behind when the text turns out to be wrong.
    let mut bytes = Zeroizing::new(vec![0; BASE64_LENGTH_MAX / 4 * 3]);
    let length = STANDARD_PAD_INDIFFERENT
        .decode_slice(secret, &mut bytes)
        .map_err(|_| PepperLineProblem::Base64)?;
    bytes.truncate(length);
    Pepper::new(version, std::mem::take(&mut *bytes)).map_err(|error| match error {
        PepperError::TooShort => PepperLineProblem::TooShort,
        _ => PepperLineProblem::TooLong,
    })
}

/// Digits only: `u32`'s own parser would take `+1` as well.
fn parse_version(text: &str) -> Option<PepperVersion> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    PepperVersion::new(text.parse().ok()?)
}

impl fmt::Debug for PepperRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<u32> = self.iter().map(|pepper| pepper.version.get()).collect();
        f.debug_struct("PepperRing")
            .field("versions", &versions)
            .finish_non_exhaustive()
    }
}
