//! The secret that digests are made with.

mod candidate;
mod error;
mod ring;
mod seal;
mod version;

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{EagerHash, Hmac, KeyInit, Mac, block_api::HmacCore, digest::block_api::Buffer};
use sha2::Sha256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

pub use candidate::Candidate;
pub use error::{PepperError, PepperLineProblem};
pub use ring::PepperRing;
pub use version::PepperVersion;

use crate::{GeneratorError, generate};

/// HMAC-SHA-256 with the pepper already taken in.
type KeyedHmac = Hmac<Sha256>;

/// How many bytes a generated pepper has: as many as SHA-256 gives; RFC 2104, section 3 advises no
/// fewer, and more would not make it stronger.
const GENERATED_BYTES: usize = 32;

/// What is authenticated for [`Pepper::fingerprint`]. It is no key and never can be, so no
/// fingerprint is the beginning of a digest. **It may never change**: fingerprints are stored.
const FINGERPRINT_MESSAGE: &[u8] = b"torvus pepper fingerprint v1";

/// A secret of the installation, with a version: the key of the HMAC that turns API keys into
/// [digests](crate::KeyDigest).
///
/// It lies apart from the database, so a stolen database alone can't even be used to check a guess.
/// Lost, no stored digest can be matched again: all keys have to be issued anew.
///
/// The bytes and the keyed state, which is as good as the bytes, are wiped from memory on drop.
/// There is no `Clone`; `Debug` shows the version only.
///
/// ```
/// use torvus_key_core::{Pepper, PepperVersion};
///
/// let version = PepperVersion::new(1).ok_or("versions start at 1")?;
/// let pepper = Pepper::generate(version)?;
/// assert_eq!(format!("{pepper:?}"), "Pepper { version: 1, .. }");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pepper {
    version: PepperVersion,
    bytes: Zeroizing<Vec<u8>>,
    /// Computed once; a digest clones it and so saves two of the five runs of SHA-256's compression.
    /// Boxed, so that a moved pepper leaves no copy of it on the stack.
    keyed: Box<KeyedHmac>,
}

impl Pepper {
    /// The fewest bytes a pepper may have, 32: as strong as the digests (RFC 2104, section 3).
    pub const BYTES_MIN: usize = 32;

    /// The most bytes a pepper may have, 1024: whatever is longer is the wrong file.
    pub const BYTES_MAX: usize = 1024;

    /// Takes the bytes of a pepper, which should come from a random generator and not from a
    /// person.
    ///
    /// The bytes are wiped from memory on drop, and also when they are refused.
    ///
    /// # Errors
    ///
    /// [`PepperError::TooShort`] under [`Pepper::BYTES_MIN`], [`PepperError::TooLong`] over
    /// [`Pepper::BYTES_MAX`].
    pub fn new(version: PepperVersion, bytes: Vec<u8>) -> Result<Self, PepperError> {
        let bytes = Zeroizing::new(bytes);
        if bytes.len() < Self::BYTES_MIN {
            return Err(PepperError::TooShort);
        }
        if bytes.len() > Self::BYTES_MAX {
            return Err(PepperError::TooLong);
        }
        // HMAC takes keys of any length; the type of the function only can't say so.
        let keyed = KeyedHmac::new_from_slice(&bytes).map_err(|_| PepperError::TooLong)?;
        let keyed = Box::new(keyed);
        Ok(Self {
            version,
            bytes,
            keyed,
        })
    }

    /// A new pepper of 32 random bytes from the operating system's generator.
    ///
    /// # Errors
    ///
    /// [`GeneratorError`] if the operating system gives no random bytes.
    pub fn generate(version: PepperVersion) -> Result<Self, GeneratorError> {
        let mut bytes = Zeroizing::new(vec![0; GENERATED_BYTES]);
        generate::fill_random(&mut bytes)?;
        // 32 bytes are never refused; if they were, no pepper is better than a panic.
        Self::new(version, std::mem::take(&mut *bytes)).map_err(|_| GeneratorError::UNEXPECTED)
    }

    /// The version that is stored beside each digest, to tell which pepper it was made with.
    #[must_use]
    pub const fn version(&self) -> PepperVersion {
        self.version
    }

    /// 16 bytes by which a database can notice that it was given a wrong pepper: HMAC-SHA-256 of
    /// `torvus pepper fingerprint v1` under the pepper, cut to its first half (RFC 2104, section 5).
    ///
    /// It may be stored in the open: it says nothing about a random pepper and belongs to no key.
    /// Two peppers of the same bytes have the same fingerprint, whatever their versions.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 16] {
        let code = self.authenticate(FINGERPRINT_MESSAGE);
        let mut fingerprint = [0; 16];
        for (place, byte) in fingerprint.iter_mut().zip(code) {
            *place = byte;
        }
        fingerprint
    }

    /// The pepper as a line of the pepper file, `version:base64`, without a line end: what
    /// [`PepperRing::parse`] reads (the public contract, section 6).
    ///
    /// This is the secret itself. It is wiped from memory on drop; write it to a file that only its
    /// owner can read.
    #[must_use]
    pub fn to_line(&self) -> Zeroizing<String> {
        let version = self.version.to_string();
        let secret = Zeroizing::new(STANDARD.encode(self.bytes.as_slice()));
        // With its whole length from the start, so that it never grows and leaves a copy behind.
        let length = version.len() + ":".len() + secret.len();
        let mut line = Zeroizing::new(String::with_capacity(length));
        line.push_str(&version);
        line.push(':');
        line.push_str(&secret);
        line
    }

    /// HMAC-SHA-256 of a message under this pepper.
    pub(crate) fn authenticate(&self, message: &[u8]) -> [u8; 32] {
        // The clone is wiped as well: `finalize` takes it and drops it.
        let mut hmac = KeyedHmac::clone(&self.keyed);
        hmac.update(message);
        hmac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pepper")
            .field("version", &self.version.get())
            .finish_non_exhaustive()
    }
}

/// Both secret fields wipe themselves.
impl ZeroizeOnDrop for Pepper {}

// The keyed state does so only with the `zeroize` features of `hmac` and `sha2`. `Hmac` itself lacks
// the marker, so its parts are asked: the two states of SHA-256 and the buffer. These lines fail to
// compile when somebody turns the features off.
const _: () = {
    const fn wiped<T: ZeroizeOnDrop>() {}
    wiped::<<Sha256 as EagerHash>::Core>();
    wiped::<Buffer<HmacCore<Sha256>>>();
};
