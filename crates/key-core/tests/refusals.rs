//! Which error each malformed key gets, and that none of them says anything of the key.

use torvus_key_core::{ApiKeyToken, ParseError};

const KEY: &str = "torvus_sk_live_7fQaBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789AbCd2AEqwL";

fn refusal(text: &str) -> Option<ParseError> {
    ApiKeyToken::parse(text).err()
}

#[test]
fn the_example_is_right() {
    assert_eq!(refusal(KEY), None);
}

#[test]
fn prefix() {
    for text in [
        "",
        " ",
        "torvus_sk",
        "TORVUS_SK_live_",
        "torvus-sk-live-",
        "ghp_0123456789",
    ] {
        assert_eq!(refusal(text), Some(ParseError::Prefix), "{text:?}");
    }
    // Nothing is trimmed: what is trimmed here would be trimmed differently elsewhere.
    for blank in [" ", "\n", "\t", "\u{feff}", "\u{a0}", "\0"] {
        let text = format!("{blank}{KEY}");
        assert_eq!(refusal(&text), Some(ParseError::Prefix), "{text:?}");
    }
    let text = format!("Bearer {KEY}");
    assert_eq!(refusal(&text), Some(ParseError::Prefix));
}

#[test]
fn environment() {
    for word in [
        "", "_", "prod_", "Live_", "LIVE_", "live", "liveX", "live-", "test", "tset_",
    ] {
        let text = format!("torvus_sk_{word}");
        assert_eq!(refusal(&text), Some(ParseError::Environment), "{text:?}");
    }
}

#[test]
fn length() {
    assert_eq!(refusal("torvus_sk_live_"), Some(ParseError::Length));
    for blank in [" ", "\n", "\r\n", "\0", "0"] {
        let text = format!("{KEY}{blank}");
        assert_eq!(refusal(&text), Some(ParseError::Length), "{text:?}");
    }
    // 49 characters in the body, but 50 bytes.
    let text = KEY.replace('7', "é");
    assert_eq!(refusal(&text), Some(ParseError::Length));
    let text = format!("torvus_sk_live_{}", "0".repeat(10_000_000));
    assert_eq!(refusal(&text), Some(ParseError::Length));
    let text = format!("{KEY}{KEY}");
    assert_eq!(refusal(&text), Some(ParseError::Length));
}

#[test]
fn alphabet() {
    for other in ["_", "-", "+", "/", "=", " ", "\0", "\n", ".", "\u{7f}"] {
        let text = KEY.replace("fQaB", &format!("fQa{other}"));
        assert_eq!(refusal(&text), Some(ParseError::Alphabet), "{text:?}");
        let text = KEY.replace("EqwL", &format!("Eqw{other}"));
        assert_eq!(refusal(&text), Some(ParseError::Alphabet), "{text:?}");
    }
    // One character fewer and one of two bytes: 49 bytes again.
    let text = KEY.replace("7f", "é");
    assert_eq!(refusal(&text), Some(ParseError::Alphabet));
}

#[test]
fn checksum() {
    let text = KEY.replace("7fQa", "7fQA");
    assert_eq!(refusal(&text), Some(ParseError::Checksum));
    // The right body of the other environment: the checksum covers it, so no key can be moved.
    let text = KEY.replace("_live_", "_test_");
    assert_eq!(refusal(&text), Some(ParseError::Checksum));
    let text = KEY.replace("2AEqwL", "000000");
    assert_eq!(refusal(&text), Some(ParseError::Checksum));
}

#[test]
fn a_checksum_has_one_spelling_only() {
    // 62⁶ is more than 2³², so six digits could also write the CRC plus 2³². A reader that turns
    // the digits into a number and lets it overflow would take both.
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let (before, _) = KEY.split_at(KEY.len() - 6);
    let mut rest = u64::from(crc32fast::hash(before.as_bytes())) + (1 << 32);
    let mut spelling = Vec::new();
    for _ in 0..6 {
        spelling.push(char::from(digits[(rest % 62) as usize]));
        rest /= 62;
    }
    assert_eq!(rest, 0, "CRC + 2³² fits in six digits");
    let text = format!("{before}{}", spelling.iter().rev().collect::<String>());
    assert_eq!(text.len(), KEY.len());
    assert_eq!(refusal(&text), Some(ParseError::Checksum));
}

#[test]
fn errors_say_what_is_wrong_and_nothing_of_the_text() {
    let texts = [
        ("secret7fQa", "begins with"),
        ("torvus_sk_secret7fQa", "`live_` or `test_`"),
        ("torvus_sk_live_secret7fQa", "64 characters"),
        (&KEY.replace('7', "-"), "0-9, A-Z and a-z"),
        (&KEY.replace('7', "8"), "checksum"),
    ];
    for (text, expected) in texts {
        let error = refusal(text).unwrap();
        assert!(error.to_string().contains(expected), "{error}");
        for shown in [
            error.to_string(),
            format!("{error:?}"),
            format!("{error:#?}"),
        ] {
            assert!(
                !shown.contains("secret") && !shown.contains("fQa"),
                "{shown}"
            );
        }
    }
}
