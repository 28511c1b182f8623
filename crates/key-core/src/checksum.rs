//! The six characters at the end of a key.

use crate::alphabet;

/// How many characters the checksum has. Six are enough for every CRC-32: 62⁶ > 2³².
pub(crate) const CHECKSUM_LENGTH: usize = 6;

/// The number of digits, as the type that is divided by it.
const BASE: u32 = 62;

/// The checksum of everything that stands before it in a key, prefix included.
///
/// CRC-32 as in IEEE 802.3 (the one of zlib and PNG: reflected polynomial `0xEDB88320`, start and
/// final value `0xFFFFFFFF`), written in base 62 with the digits `0-9A-Za-z`, most significant
/// first, filled up on the left with `0` (the public contract, section 1).
///
/// It is there so that a typing error is refused without a look-up and a secret scanner can tell a
/// key from noise. It is **not** a proof of anything: everyone can compute it. What it finds for
/// certain is told in the [crate's documentation](crate#what-the-checksum-finds).
///
/// ```
/// use torvus_key_core::checksum;
///
/// // The check value of CRC-32/ISO-HDLC is 0xCBF43926.
/// assert_eq!(&checksum(b"123456789"), b"3jZRME");
/// assert_eq!(&checksum(b""), b"000000");
/// ```
#[must_use]
pub fn checksum(body_before: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    let mut rest = crc32fast::hash(body_before);
    for place in digits.iter_mut().rev() {
        // A remainder by 62 always has a symbol, so no place keeps its `0` by mistake.
        if let Some(symbol) = alphabet::symbol((rest % BASE) as u8) {
            *place = symbol;
        }
        rest /= BASE;
    }
    digits
}
