//! New keys, from the operating system's generator.

use rand::{
    TryCryptoRng, TryRng,
    rngs::{SysError, SysRng},
};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::{
    ApiKeyToken, Environment, KEY_LENGTH, KeyHint, PREFIX, alphabet, checksum::checksum,
    token::RANDOM_LENGTH,
};

/// How many random bytes are drawn at once. On average 62 of 64 can be used and 43 are needed, so
/// one call to the operating system is enough in practice; the loop is for when it is not.
const DRAWN_BYTES: usize = 64;

/// The operating system's random generator failed.
///
/// Practically only where a sandbox forbids the system call, or long before a machine has started
/// up. There is nothing to fall back on: without it no secret may be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the operating system's random generator failed")]
pub struct GeneratorError(#[source] SysError);

impl GeneratorError {
    /// For results that the types allow, but no generator gives.
    pub(crate) const UNEXPECTED: Self = Self(SysError::UNEXPECTED);
}

impl ApiKeyToken {
    /// A new key: 43 random characters, 256 bits, and their checksum.
    ///
    /// The bits come straight from the operating system (`getrandom` on Linux), not from a generator
    /// in this process: nothing to seed, nothing that a `fork` could repeat.
    ///
    /// # Errors
    ///
    /// [`GeneratorError`] if the operating system gives no random bytes. It never panics.
    ///
    /// ```
    /// use torvus_key_core::{ApiKeyToken, Environment};
    ///
    /// let token = ApiKeyToken::generate(Environment::Live)?;
    /// assert!(token.expose().starts_with("torvus_sk_live_"));
    /// # Ok::<(), torvus_key_core::GeneratorError>(())
    /// ```
    pub fn generate(environment: Environment) -> Result<Self, GeneratorError> {
        let random = random_characters(&mut SysRng).map_err(GeneratorError)?;
        Ok(assemble(environment, &random))
    }
}

/// Fills the whole slice with random bytes of the operating system.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), GeneratorError> {
    SysRng.try_fill_bytes(bytes).map_err(GeneratorError)
}

/// Draws the random part of a key, each character equally likely and independent of the others.
///
/// Six bits of each byte are a value below 64; 62 and 63 are thrown away. (The rest of a division
/// of a byte by 62 would make eight characters a quarter more likely than the others.)
fn random_characters<R: TryCryptoRng>(
    generator: &mut R,
) -> Result<Zeroizing<[u8; RANDOM_LENGTH]>, R::Error> {
    let mut characters = Zeroizing::new([0; RANDOM_LENGTH]);
    let mut drawn = Zeroizing::new([0; DRAWN_BYTES]);
    let mut filled = 0;
    while filled < RANDOM_LENGTH {
        generator.try_fill_bytes(drawn.as_mut_slice())?;
        let symbols = drawn.iter().filter_map(|byte| alphabet::symbol(byte >> 2));
        for (place, symbol) in characters.iter_mut().skip(filled).zip(symbols) {
            *place = symbol;
            filled += 1;
        }
    }
    Ok(characters)
}

/// Writes the key around its random part.
fn assemble(environment: Environment, random: &[u8; RANDOM_LENGTH]) -> ApiKeyToken {
    // With its whole length from the start, so that it never grows and leaves a copy behind.
    let mut text = String::with_capacity(KEY_LENGTH);
    text.push_str(PREFIX);
    text.push_str(environment.as_str());
    text.push('_');
    text.extend(random.iter().copied().map(char::from));
    let check = checksum(text.as_bytes());
    text.extend(check.into_iter().map(char::from));

    let [a, b, c, d, ..] = *random;
    let [.., w, x, y, z] = check;
    let hint = KeyHint::new(environment, [a, b, c, d], [w, x, y, z]);
    ApiKeyToken::new(SecretString::from(text), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the bytes of a list over and over, and counts how often it was asked.
    struct Scripted {
        bytes: Vec<u8>,
        calls: usize,
    }

    impl TryRng for Scripted {
        type Error = SysError;

        fn try_next_u32(&mut self) -> Result<u32, SysError> {
            Err(SysError::UNSUPPORTED)
        }

        fn try_next_u64(&mut self) -> Result<u64, SysError> {
            Err(SysError::UNSUPPORTED)
        }

        fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), SysError> {
            self.calls += 1;
            if self.bytes.is_empty() {
                return Err(SysError::UNSUPPORTED);
            }
            for (place, byte) in to.iter_mut().zip(self.bytes.iter().cycle()) {
                *place = *byte;
            }
            Ok(())
        }
    }

    impl TryCryptoRng for Scripted {}

    fn scripted(bytes: impl IntoIterator<Item = u8>) -> Scripted {
        let bytes = bytes.into_iter().collect();
        Scripted { bytes, calls: 0 }
    }

    #[test]
    fn every_value_below_62_is_one_character_and_the_rest_is_thrown_away() {
        // 63, 62, 61 … 0 in the upper six bits, any lower ones.
        let mut generator = scripted((0..64).rev().map(|value| value << 2 | 0b11));
        let characters = random_characters(&mut generator).unwrap();
        let text = std::str::from_utf8(characters.as_slice()).unwrap();
        assert_eq!(text, "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJ");
        assert_eq!(generator.calls, 1);
    }

    #[test]
    fn it_draws_again_until_all_characters_are_there() {
        // One usable byte in four: 16 of 64, so three draws for 43 characters.
        let mut generator = scripted([0xff, 0xf8, 0xfb, 10 << 2]);
        let characters = random_characters(&mut generator).unwrap();
        assert_eq!(characters.as_slice(), [b'A'; RANDOM_LENGTH]);
        assert_eq!(generator.calls, 3);
    }

    #[test]
    fn a_draw_that_lacks_one_character_is_followed_by_another() {
        let one_short = (0..DRAWN_BYTES).map(|place| if place < 42 { 10 << 2 } else { 0xff });
        let mut generator = scripted(one_short);
        let characters = random_characters(&mut generator).unwrap();
        assert_eq!(characters.as_slice(), [b'A'; RANDOM_LENGTH]);
        assert_eq!(generator.calls, 2);
    }

    #[test]
    fn a_failing_generator_is_an_error() {
        let failure = random_characters(&mut scripted([])).map(|_| ());
        assert_eq!(failure, Err(SysError::UNSUPPORTED));
    }

    #[test]
    fn the_text_is_assembled_in_place() {
        let token = assemble(Environment::Live, &[b'0'; RANDOM_LENGTH]);
        let expected = "torvus_sk_live_00000000000000000000000000000000000000000004GmCyj";
        assert_eq!(token.expose(), expected);
        assert_eq!(token.hint().to_string(), "torvus_sk_live_0000…mCyj");
    }
}
