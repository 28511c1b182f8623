//! Request targets that somebody on the way could read as a given path.

use std::collections::BTreeSet;

/// What may be written after a path: ends that readers drop, cut at, or decode to nothing.
#[rustfmt::skip]
const ENDS: &[&[u8]] = &[
    b"/", b"//", b"/.", b"/./", b"/..", b"/../", b"/x/..", b"/%2e", b"/%2E%2e", b"/..;/", b"/;", b".", b"..",
    b".json", b";", b";x", b";x=y", b";jsessionid=1", b"&x=y", b"=", b",", b":", b"@", b"+", b"*", b"~", b"'", b"\"",
    b"|", b"`", b"\\", b"%", b"%%", b"%zz", b"%0", b"%00", b"%09", b"%0a", b"%0d%0a", b"%0d%0aX:%20y", b"%20", b"%23",
    b"%2e", b"%2f", b"%2F", b"%3b", b"%3f", b"%5c", b"%7f", b"%ff", b"%u002f", b"%2500", b"%252f", b"%c0%af",
    b"%e2%80%8b", b"\xe2\x80\x8b", b"\xc2\xa0", b"\xff", b"\0", b"\t", b"\n", b"\r", b"\r\n", b"\x0b", b"\x7f", b" ",
    b" /", b" HTTP/1.1",
];

/// What may be written before a path.
#[rustfmt::skip]
const STARTS: &[&[u8]] = &[
    b"/", b"//", b"/.", b"/./", b"/..", b"/x/..", b"/v1/..", b"/v1/../..", b"/%2e", b"/%2e%2e", b"/..;", b"/;",
    b"/;x", b"/%20", b"/%00", b"%2f", b"/%2f", b"/%5c", b"\\", b"/\\", b";", b"x", b"//x", b"\0", b"\t", b" ", b".",
    b"..", b"*", b"?", b"#", b"http:", b"http:/", b"http://", b"http://x/", b"http://x/.", b"http://x/y/..",
    b"http://x?", b"http://x#", b"file://", b"/http://x",
];

/// What a slash may be written as.
#[rustfmt::skip]
const SLASHES: &[&str] = &[
    "//", "///", "/./", "/../", "/x/../", "/%2e/", "/x/%2e%2e/", "/;/", "/;x/", ";/", ";x/", "/..;/", "/ /", "/%20/",
    "/%00", "%00/", "%2f", "%2F", "/%2f", "%252f", "%5c", "%5C", "\\", "/\\", "\\/", "%c0%af", "%e0%80%af",
    "%ef%bc%8f", "\u{ff0f}", "\u{2215}", "%u2215", "\t/", "\n/", ":", "%3a%2f",
];

/// What is the same path, by RFC 9112 (absolute form) or because it is no part of a path (query, fragment).
pub fn same(path: &str) -> Vec<Vec<u8>> {
    let ends =
        ["", "?", "?x", "?/../..", "?;", "#", "#x", "?x#y"].map(|end| format!("{path}{end}"));
    let starts =
        ["http://x", "HTTP://x", "https://u:p@x:1", "y://x"].map(|start| format!("{start}{path}"));
    ends.into_iter()
        .chain(starts)
        .map(String::into_bytes)
        .collect()
}

/// What is another path, although it looks like this one.
pub fn others(path: &str) -> Vec<Vec<u8>> {
    let plain = path.as_bytes();
    let mut found: BTreeSet<Vec<u8>> = BTreeSet::new();
    found.extend(ENDS.iter().map(|end| [plain, end].concat()));
    found.extend(STARTS.iter().map(|start| [start, plain].concat()));
    // All slashes, the one after `/v1`, and the last one.
    let inner = ["/v1".len(), path.rfind('/').unwrap()];
    for slash in SLASHES {
        found.insert(path.replace('/', slash).into_bytes());
        for at in inner {
            let (before, after) = (&path[..at], &path[at + 1..]);
            found.insert(format!("{before}{slash}{after}").into_bytes());
        }
    }
    let segments: Vec<&str> = path.split('/').collect();
    for (at, segment) in segments.iter().enumerate().skip(1) {
        for other in other_segments(segment) {
            let mut segments = segments.clone();
            segments[at] = &other;
            found.insert(segments.join("/").into_bytes());
        }
    }
    found.insert(path.to_uppercase().into_bytes());
    found.remove(plain);
    found.into_iter().collect()
}

/// Other ways to write a segment: in escapes, in other letters, and ids that decode to the same number.
fn other_segments(segment: &str) -> Vec<String> {
    let (first, rest) = segment.split_at(1);
    let letter = segment.as_bytes()[0];
    let wide = char::from_u32(u32::from(letter) + 0xfee0).unwrap();
    let all: String = segment.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let mut found = vec![
        format!("%{letter:02x}{rest}"),
        format!("%{letter:02X}{rest}"),
        format!("%25{letter:02x}{rest}"),
        format!("%u00{letter:02x}{rest}"),
        format!("%c1%{:02x}{rest}", letter | 0x80),
        format!("{wide}{rest}"),
        format!("%{:02x}%{:02x}{rest}", 0xef, 0xbd),
        format!("{first}\u{ad}{rest}"),
        format!("{first}%00{rest}"),
        format!("{first}\0{rest}"),
        format!("{first}%0d%0a{rest}"),
        format!("{first} {rest}"),
        format!("{first}\t{rest}"),
        format!("+{segment}"),
        format!("%20{segment}"),
        format!("{{{segment}}}"),
        format!(":{segment}"),
        format!("{segment},{segment}"),
        format!("{first}{}", rest.to_uppercase()),
        format!("{}{rest}", first.to_uppercase()),
        segment.replace('a', "\u{430}"),
        segment.replace('s', "\u{17f}"),
        segment.replace('-', "_"),
        segment.replace('-', ""),
        segment.replace('-', "%2d"),
        all.to_uppercase(),
        all,
    ];
    if let Some((prefix, number)) = segment.split_once('_') {
        found.extend([
            number.to_owned(),
            format!("{prefix}-{number}"),
            format!("{prefix}%5f{number}"),
            format!("{prefix}__{number}"),
            format!("{prefix}_{}", number.to_uppercase()),
            format!("{prefix}_{}", number.replace('0', "o")),
            format!("{prefix}_{}", number.replace('1', "l")),
            format!("{prefix}_{}", number.replace('1', "i")),
            // 26 characters hold 130 bits, a number 128: these overflow to the same.
            format!("{prefix}_8{}", &number[1..]),
            format!("{prefix}_g{}", &number[1..]),
            format!("{prefix}_0{number}"),
            format!("{prefix}_{}-{}", &number[..10], &number[10..]),
            format!("acc_{number}"),
            format!("{prefix}_{number}%"),
        ]);
    }
    found
}
