//! The regular expressions that `docs/LEAKS.md` prints for other scanners.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use torvus_e2e::random_like;
use torvus_key_core::KeyScanner;

use crate::tool;

/// Every expression in the document.
fn printed() -> BTreeSet<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(tests.parent().unwrap().join("docs/LEAKS.md")).unwrap();
    let after = |(at, _): (usize, &str)| {
        let text = &document[at..];
        let end = text.find("{49}").map(|end| end + "{49}".len());
        text[..end.unwrap()].to_owned()
    };
    document.match_indices("torvus_sk_(").map(after).collect()
}

#[test]
fn each_printed_expression_finds_every_key_that_the_scanner_finds() {
    let folder = tempfile::tempdir().unwrap();
    let key = || random_like("live");
    let mut sample = format!(
        "KEY={}\n\"a\\n{}\\n\"\nhttps://x/?k={}&b=1 {}{} x{}y <{}>,{}\t'{}'\r\n",
        key(),
        random_like("test"),
        key(),
        key(),
        random_like("test"),
        key(),
        key(),
        key(),
        random_like("test"),
    )
    .into_bytes();
    sample.extend([0, 255, 254]);
    sample.extend(key().into_bytes());
    sample.extend([0, 10]);
    sample.extend(&key().as_bytes()[..60]);
    let mut keys = BTreeSet::new();
    KeyScanner::new().feed(&sample, |found| {
        keys.insert(found.token.expose().to_owned());
    });
    assert_eq!(keys.len(), 10);
    fs::write(folder.path().join("sample"), sample).unwrap();

    let printed = printed();
    assert_eq!(printed.len(), 2, "{printed:?}");
    for expression in &printed {
        for kind in ["-E", "-P"] {
            // POSIX has no groups without a number.
            if kind == "-E" && expression.contains("(?:") {
                continue;
            }
            let words = [
                "env", "LC_ALL=C", "grep", "-a", "-o", kind, expression, "sample",
            ];
            let found = tool(folder.path(), &words);
            let found: BTreeSet<String> = found.lines().map(str::to_owned).collect();
            assert_eq!(found, keys, "{kind} {expression}");
        }
    }
}
