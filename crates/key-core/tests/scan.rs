//! Keys are found in any stream of bytes, whatever pieces it comes in.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers outside of #[test] functions too; a panic is how a test fails"
)]

use proptest::prelude::*;
use torvus_key_core::{
    ApiKeyToken, Environment, FoundKey, KEY_LENGTH, KeyScanner, checksum, redact,
};

/// Where a key begins in a stream, its line, its column, its text.
type Place = (u64, u64, u64, String);

/// A well-formed key, put together here and not by the generator under test.
fn key() -> impl Strategy<Value = String> {
    let environment = prop_oneof![Just(Environment::Live), Just(Environment::Test)];
    (environment, "[0-9A-Za-z]{43}").prop_map(|(environment, random)| {
        let before = format!("torvus_sk_{environment}_{random}");
        let digits = checksum(before.as_bytes());
        before + str::from_utf8(&digits).unwrap()
    })
}

/// Bytes that are hard on a search for keys: whole ones, broken ones, cut ones, no text at all.
fn hostile_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => key().prop_map(String::into_bytes),
        1 => key().prop_map(|key| key.replace("_live_", "_test_").into_bytes()),
        2 => (key(), 0..64_usize).prop_map(|(key, length)| key.as_bytes()[..length].to_vec()),
        1 => (key(), 0..64_usize).prop_map(|(key, start)| key.as_bytes()[start..].to_vec()),
        1 => (key(), 0..64_usize, any::<u8>()).prop_map(|(key, place, byte)| {
            let mut bytes = key.into_bytes();
            bytes[place] = byte;
            bytes
        }),
        1 => Just(b"torvus_sk_".to_vec()),
        1 => Just(b"torvus_torvus_sk_torvus_sk_test_".to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..100),
        3 => Just(b"\n".to_vec()),
        1 => Just(b"\r\n\n\0".to_vec()),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// Tries to read a key at every byte, and counts the lines before it.
fn plainly(bytes: &[u8]) -> Vec<Place> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + KEY_LENGTH <= bytes.len() {
        let text = str::from_utf8(&bytes[at..at + KEY_LENGTH]);
        let Some(token) = text.ok().and_then(|text| ApiKeyToken::parse(text).ok()) else {
            at += 1;
            continue;
        };
        let before = &bytes[..at];
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |last| last + 1);
        let place = |number: usize| u64::try_from(number).unwrap();
        let text = token.expose().to_owned();
        found.push((place(at), place(line + 1), place(at - start + 1), text));
        at += KEY_LENGTH;
    }
    found
}

fn scanned<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Place> {
    let mut scanner = KeyScanner::new();
    let mut found = Vec::new();
    for piece in pieces {
        scanner.feed(
            piece,
            |FoundKey {
                 token,
                 offset,
                 line,
                 column,
             }| {
                found.push((offset, line, column, token.expose().to_owned()));
            },
        );
    }
    found
}

proptest! {
    #[test]
    fn each_key_is_found_at_its_place_whatever_the_pieces(
        bytes in hostile_bytes(),
        lengths in prop::collection::vec(1..90_usize, 1..50),
    ) {
        let expected = plainly(&bytes);
        prop_assert_eq!(&scanned([&*bytes]), &expected, "in one piece");
        prop_assert_eq!(&scanned(bytes.chunks(1)), &expected, "byte by byte");
        let mut rest = &*bytes;
        let mut pieces = Vec::new();
        for length in lengths.iter().cycle() {
            let (piece, later) = rest.split_at(rest.len().min(*length));
            pieces.push(piece);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(&scanned(pieces), &expected, "in pieces");
    }

    #[test]
    fn what_is_found_is_what_is_redacted(bytes in hostile_bytes()) {
        let text = String::from_utf8_lossy(&bytes);
        let keys = scanned([text.as_bytes()]);
        let mut expected = text.clone().into_owned();
        for (_, _, _, key) in &keys {
            let hint = ApiKeyToken::parse(key).unwrap().hint();
            expected = expected.replacen(key.as_str(), &hint.to_string(), 1);
        }
        prop_assert_eq!(redact(&text), expected);
    }

    #[test]
    fn a_key_is_told_of_with_its_last_byte(key in key(), before in "[a-z\n]{0,80}") {
        let mut scanner = KeyScanner::new();
        let mut found = 0;
        let whole = before + &key;
        let (last, first) = whole.as_bytes().split_last().unwrap();
        scanner.feed(first, |_| found += 1);
        prop_assert_eq!(found, 0);
        scanner.feed(&[*last], |_| found += 1);
        prop_assert_eq!(found, 1);
    }
}

#[test]
fn a_key_is_found_across_the_border_of_each_inner_step() {
    let key = "torvus_sk_live_00000000000000000000000000000000000000000004GmCyj";
    for before in (64 * 1024 - 64)..=(64 * 1024) {
        let mut bytes = vec![b'\n'; before];
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(&[b'x'; 1_000]);
        let before = u64::try_from(before).unwrap();
        assert_eq!(
            scanned([&*bytes]),
            [(before, before + 1, 1, key.to_owned())]
        );
    }
}

#[test]
fn scanning_takes_time_in_proportion_to_the_stream() {
    // Quadratic work would take hours here.
    let nothing = "torvus_sk_live_".repeat(500_000);
    assert_eq!(scanned([nothing.as_bytes()]), []);
    let key = "torvus_sk_live_00000000000000000000000000000000000000000004GmCyj";
    let many = key.repeat(20_000);
    assert_eq!(scanned(many.as_bytes().chunks(1_000)).len(), 20_000);
}

#[test]
fn what_is_printed_of_a_find_holds_no_key() {
    let key = "torvus_sk_live_00000000000000000000000000000000000000000004GmCyj";
    let mut scanner = KeyScanner::new();
    let mut printed = String::new();
    scanner.feed(format!("ab{key}").as_bytes(), |found| {
        printed = format!("{found:?}")
    });
    printed += &format!("{scanner:?}");
    assert!(printed.contains("torvus_sk_live_0000…mCyj"), "{printed}");
    assert!(printed.contains("column: 3"), "{printed}");
    assert!(!printed.contains(&key[15..40]), "{printed}");
}
