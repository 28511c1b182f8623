//! The 62 characters that the body of a key is written in.

/// Digits, capitals, small letters: the order gives each its value, `0` to 61.
///
/// The checksum is written with these values, so the order is as fixed as the key format itself.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The character with this value, or `None` from 62 up.
///
/// `None` is an answer that callers use: the generator throws such values away, which is what
/// keeps its characters equally likely.
pub(crate) fn symbol(value: u8) -> Option<u8> {
    BASE62.get(usize::from(value)).copied()
}

/// Whether the byte is one of the 62 characters.
pub(crate) const fn contains(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_62_symbols_belong_to_the_alphabet() {
        let symbols: Vec<u8> = (0..=u8::MAX).filter_map(symbol).collect();
        assert_eq!(symbols.len(), 62);
        let members: Vec<u8> = (0..=u8::MAX).filter(|byte| contains(*byte)).collect();
        // ASCII has the three groups in the same order, so both lists are sorted alike.
        assert_eq!(symbols, members);
    }

    #[test]
    fn values_end_at_61() {
        assert_eq!(symbol(61), Some(b'z'));
        assert_eq!(symbol(62), None);
        assert_eq!(symbol(u8::MAX), None);
    }
}
