//! Peppers: sizes, the file format, which one is current, and what is shown of them.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers outside of #[test] functions too; a panic is how a test fails"
)]

use torvus_key_core::{
    ApiKeyToken, Environment, KeyDigest, Pepper, PepperError, PepperLineProblem, PepperRing,
    PepperVersion,
};

/// The bytes 0 to 31, 32 to 63 and 64 to 95.
const SECRETS: [&str; 3] = [
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=",
    "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=",
];

fn version(number: u32) -> PepperVersion {
    PepperVersion::new(number).unwrap()
}

fn pepper(number: u32) -> Pepper {
    Pepper::generate(version(number)).unwrap()
}

fn versions(ring: &PepperRing) -> Vec<u32> {
    ring.iter().map(|pepper| pepper.version().get()).collect()
}

/// What is wrong with a file, as (line, problem).
fn problem(text: &str) -> (usize, PepperLineProblem) {
    match PepperRing::parse(text) {
        Err(PepperError::Line { line, problem }) => (line, problem),
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn versions_start_at_one() {
    assert_eq!(PepperVersion::new(0), None);
    assert_eq!(version(1).get(), 1);
    assert_eq!(version(u32::MAX).to_string(), "4294967295");
    assert!(version(1) < version(2));
}

#[test]
fn sizes_are_checked_on_both_sides() {
    let with = |length| Pepper::new(version(1), vec![7; length]).map(|_| ());
    assert_eq!(with(0), Err(PepperError::TooShort));
    assert_eq!(with(31), Err(PepperError::TooShort));
    assert_eq!(with(32), Ok(()));
    assert_eq!(with(1024), Ok(()));
    assert_eq!(with(1025), Err(PepperError::TooLong));
}

#[test]
fn generated_peppers_differ_and_have_32_bytes() {
    let (a, b) = (pepper(1), pepper(1));
    assert_ne!(a.fingerprint(), b.fingerprint());
    assert_eq!(a.to_line().len(), "1:".len() + 44);
}

#[test]
fn a_fingerprint_depends_on_the_bytes_and_not_on_the_version() {
    let with = |number, byte| Pepper::new(version(number), vec![byte; 32]).unwrap();
    assert_eq!(with(1, 7).fingerprint(), with(2, 7).fingerprint());
    assert_ne!(with(1, 7).fingerprint(), with(1, 8).fingerprint());
}

#[test]
fn the_last_line_is_current_whatever_its_version() {
    let [a, b, c] = SECRETS;
    let ring = PepperRing::parse(&format!("1:{a}\n9:{b}\n4:{c}\n")).unwrap();
    assert_eq!(ring.current().version(), version(4));
    assert_eq!(*ring.current().to_line(), format!("4:{c}"));
    assert_eq!(versions(&ring), [1, 9, 4]);
    assert_eq!(*ring.get(version(9)).unwrap().to_line(), format!("9:{b}"));
    assert!(ring.get(version(2)).is_none());
}

#[test]
fn blank_lines_white_space_and_padding_are_optional() {
    let [a, b, _] = SECRETS;
    let expected = format!("1:{a}\n2:{b}");
    let (bare_a, bare_b) = (a.trim_end_matches('='), b.trim_end_matches('='));
    for text in [
        format!("1:{a}\n2:{b}"),
        format!("1:{a}\n2:{b}\n"),
        format!("1:{a}\r\n2:{b}\r\n"),
        format!("\n\n  1:{a}\t\n   \n\t2:{b}  \n\n"),
        format!("1:{bare_a}\n2:{bare_b}"),
        format!("01:{a}\n002:{b}"),
    ] {
        let ring = PepperRing::parse(&text).unwrap();
        let lines: Vec<String> = ring.iter().map(|it| it.to_line().to_string()).collect();
        assert_eq!(lines.join("\n"), expected, "{text:?}");
    }
}

#[test]
fn what_a_ring_writes_it_reads_again() {
    let long = Pepper::new(version(7), (0..=255).cycle().take(1024).collect()).unwrap();
    let ring = PepperRing::new(vec![pepper(3), long, pepper(u32::MAX)]).unwrap();
    let file: String = ring
        .iter()
        .map(|it| format!("{}\n", *it.to_line()))
        .collect();
    let again = PepperRing::parse(&file).unwrap();
    assert_eq!(versions(&again), [3, 7, u32::MAX]);
    for (before, after) in ring.iter().zip(again.iter()) {
        assert_eq!(before.fingerprint(), after.fingerprint());
    }
}

#[test]
fn a_ring_needs_at_least_one() {
    assert_eq!(PepperRing::new(vec![]).err(), Some(PepperError::Empty));
    for text in ["", "\n", " \n\t\r\n"] {
        assert_eq!(PepperRing::parse(text).err(), Some(PepperError::Empty));
    }
}

#[test]
fn a_version_stands_once() {
    let ring = PepperRing::new(vec![pepper(2), pepper(1), pepper(3), pepper(1)]);
    assert_eq!(ring.err(), Some(PepperError::DuplicateVersion(version(1))));
    let [a, b, c] = SECRETS;
    let text = format!("1:{a}\n\n2:{b}\n01:{c}\n");
    assert_eq!(problem(&text), (4, PepperLineProblem::DuplicateVersion));
}

#[test]
fn lines_that_can_not_be_used() {
    use PepperLineProblem::{Base64, Form, TooLong, TooShort, Version};
    let [good, ..] = SECRETS;
    for text in [good, "1", "1 AAEC", "1=AAEC", "# a comment"] {
        assert_eq!(problem(text), (1, Form), "{text:?}");
    }
    for number in [
        "",
        "0",
        "-1",
        "+1",
        "1 ",
        "v1",
        "1.0",
        "0x1",
        "4294967296",
        "\u{661}",
    ] {
        let text = format!("{number}:{good}");
        assert_eq!(problem(&text), (1, Version), "{text:?}");
    }
    let (head, _) = good.split_at(40);
    // A blank inside, the alphabet of URLs, padding in the middle, one character too many, bits
    // that belong to no byte, a letter that is not ASCII.
    for secret in [
        format!(" {good}"),
        format!("{head} Hh8="),
        format!("{head}-_8="),
        format!("{head}=h8="),
        format!("{head}Hh8=="),
        format!("{head}H"),
        format!("{head}Hh9="),
        format!("{head}é"),
        format!("{good}:"),
    ] {
        let text = format!("1:{secret}");
        assert_eq!(problem(&text), (1, Base64), "{text:?}");
    }
    // Four characters are three bytes, three are two, two are one; one alone is none.
    for (length, expected) in [
        (0, TooShort),
        (41, Base64),
        (42, TooShort),
        (1365, Base64),
        (1367, TooLong),
        (1368, TooLong),
        (1369, TooLong),
    ] {
        let text = format!("1:{}", "A".repeat(length));
        assert_eq!(problem(&text), (1, expected), "{length} characters");
    }
    let text = format!("1:{}", "A".repeat(5_000_000));
    assert_eq!(problem(&text), (1, TooLong));
    assert!(PepperRing::parse(&format!("1:{}", "A".repeat(43))).is_ok());
    assert!(PepperRing::parse(&format!("1:{}", "A".repeat(1366))).is_ok());
}

#[test]
fn the_line_is_numbered_as_an_editor_does() {
    let [a, b, _] = SECRETS;
    let text = format!("\n1:{a}\n\r\n2:{b}\n3:short");
    assert_eq!(problem(&text), (5, PepperLineProblem::Base64));
}

#[test]
fn errors_say_what_is_wrong_and_nothing_of_the_content() {
    let [a, ..] = SECRETS;
    for (text, expected) in [
        (
            a.to_owned(),
            "line 1 of the pepper: expected `version:base64`",
        ),
        (format!("x{a}:{a}"), "from 1 to 4294967295"),
        (
            format!("\n1:{a}!"),
            "line 2 of the pepper: what follows the colon",
        ),
        ("1:AAECAwQFBgc".to_owned(), "fewer than 32 bytes"),
        (format!("1:{}", "AAEC".repeat(400)), "more than 1024 bytes"),
        (
            format!("1:{a}\n1:{a}"),
            "line 2 of the pepper: an earlier line",
        ),
    ] {
        let error = PepperRing::parse(&text).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        let shown = format!("{error} {error:?} {error:#?}");
        assert!(!shown.contains("AAEC"), "{shown}");
    }
}

#[test]
fn digests_come_for_every_pepper_with_the_current_first() {
    let [a, b, c] = SECRETS;
    let ring = PepperRing::parse(&format!("1:{a}\n9:{b}\n4:{c}")).unwrap();
    let token = ApiKeyToken::generate(Environment::Live).unwrap();
    let digests: Vec<_> = ring.digests(&token).collect();
    let expected: Vec<_> = [4, 9, 1]
        .map(|number| {
            (
                version(number),
                token.digest(ring.get(version(number)).unwrap()),
            )
        })
        .into();
    assert_eq!(digests, expected);
    assert!(digests[0].1 != digests[1].1 && digests[1].1 != digests[2].1);
}

#[test]
fn debug_shows_versions_and_nothing_else() {
    let [a, b, _] = SECRETS;
    let ring = PepperRing::parse(&format!("1:{a}\n2:{b}")).unwrap();
    assert_eq!(format!("{:?}", ring.current()), "Pepper { version: 2, .. }");
    assert_eq!(format!("{ring:?}"), "PepperRing { versions: [1, 2], .. }");
    let token = ApiKeyToken::generate(Environment::Live).unwrap();
    let digest = token.digest(ring.current());
    assert_eq!(format!("{digest:?}"), "KeyDigest(..)");
    // The same with `{:#?}`, which derives and helpers treat apart.
    assert_eq!(
        format!("{:#?}", ring.current()),
        "Pepper {\n    version: 2,\n    ..\n}"
    );
    assert_eq!(
        format!("{:#?}", KeyDigest::from_bytes([65; 32])),
        "KeyDigest(..)"
    );
    let shown = format!("{ring:#?}");
    assert!(
        shown.chars().filter(char::is_ascii_digit).eq("12".chars()),
        "{shown}"
    );
}
