//! Archives that are not quite as they should be: what stands in them is found, or it is said that something
//! could not be read.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::Value;
use torvus_e2e::{Dice, Ended, random_like};

use crate::scan::{places, scan};
use crate::{each, hint, tool};

/// Makes a zip of files with these texts, packed.
fn zip(folder: &Path, name: &str, members: &[(&str, &str)]) {
    let mut script =
        format!("import zipfile\nz = zipfile.ZipFile('{name}', 'w', zipfile.ZIP_DEFLATED)\n");
    for (member, text) in members {
        script += &format!("z.writestr('{member}', '{text}')\n");
    }
    tool(folder, &["python3", "-c", &(script + "z.close()\n")]);
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

#[track_caller]
fn expect(folder: &Path, name: &str, code: i32, expected: &[&str]) -> (Ended, Value) {
    let (ended, found) = scan(folder, &["--all-places", name]);
    assert_eq!(ended.status.code(), Some(code), "{name}: {ended:?}");
    assert_eq!(places(&found), expected, "{name}: {ended:?}");
    (ended, found)
}

#[test]
fn what_stands_beside_the_members_of_a_zip_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (inside, beside) = (random_like("live"), random_like("test"));
    let packed = format!("{} KEY={inside}", "a".repeat(500));
    zip(folder, "plain.zip", &[("in", &packed)]);
    let whole = fs::read(folder.join("plain.zip")).unwrap();
    expect(folder, "plain.zip", 0, &["plain.zip!in:1:506"]);

    let comment = format!(
        "import zipfile\nz = zipfile.ZipFile('plain.zip', 'a')\nz.comment = b'is {beside}'\nz.close()\n"
    );
    fs::write(
        folder.join("before.zip"),
        [b"#!/bin/sh\n# ", beside.as_bytes(), b"\n", &whole[..]].concat(),
    )
    .unwrap();
    fs::write(
        folder.join("behind.zip"),
        [&whole[..], b"\n", beside.as_bytes()].concat(),
    )
    .unwrap();
    tool(folder, &["python3", "-c", &comment]);
    tool(folder, &["tar", "cf", "outer.tar", "plain.zip"]);
    for name in ["plain.zip", "before.zip", "behind.zip"] {
        let (_, found) = scan(folder, &["--all-places", name]);
        assert_eq!(
            each(&found, "key"),
            [hint(&inside), hint(&beside)],
            "{name}: {found}"
        );
    }
    let (_, found) = scan(folder, &["outer.tar"]);
    assert_eq!(each(&found, "key"), [hint(&inside), hint(&beside)]);
    expect(
        folder,
        "before.zip",
        0,
        &["before.zip!in:1:506", "before.zip:2:3"],
    );

    // In a stream the end comes too late: it is said that it was not opened.
    tool(folder, &["tar", "cf", "before.tar", "before.zip"]);
    let (ended, _) = expect(folder, "before.tar", 1, &["before.tar!before.zip:2:3"]);
    assert!(
        ended
            .stderr
            .contains("before.tar!before.zip: a zip with something before it"),
        "{ended:?}"
    );

    // A key that is stored as it is has one place, and a second one in another file.
    fs::write(folder.join("s"), format!("{inside}\n{inside}\n")).unwrap();
    let stored = "import zipfile\nz = zipfile.ZipFile('stored.zip', 'w', zipfile.ZIP_STORED)\nz.write('s')\nz.close()\n";
    tool(folder, &["python3", "-c", stored]);
    expect(
        folder,
        "stored.zip",
        0,
        &["stored.zip!s:1:1", "stored.zip!s:2:1"],
    );
}

#[test]
fn a_zip_that_is_none_is_searched_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = random_like("live");
    let head = b"PK\x03\x04".as_slice();
    for (name, bytes) in [
        (
            "words",
            [head, b" is how a zip begins\n", key.as_bytes()].concat(),
        ),
        ("short", [head, key.as_bytes()].concat()),
        // With the end of an empty one.
        (
            "empty",
            [
                head,
                b"\n",
                key.as_bytes(),
                b"\n",
                b"PK\x05\x06",
                &[0; 18][..],
            ]
            .concat(),
        ),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
        let (ended, found) = scan(folder, &[name]);
        assert_eq!(ended.status.code(), Some(1), "{name}: {ended:?}");
        assert!(ended.stderr.contains(&format!("{name}: ")), "{ended:?}");
        assert_eq!(each(&found, "key"), [hint(&key)], "{name}: {ended:?}");
    }
    let (end, text) = (b"PK\x05\x06".as_slice(), key.as_bytes());
    fs::write(
        folder.join("just the end"),
        [text, end, &[0; 18][..]].concat(),
    )
    .unwrap();
    expect(folder, "just the end", 0, &["just the end:1:1"]);
}

#[test]
fn what_gzip_has_given_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (key, behind) = (random_like("live"), random_like("test"));
    let mut dice = Dice::new(3);
    let mut noise = |len| (0..len).map(|_| dice.roll(256) as u8).collect::<Vec<u8>>();
    for (size, more) in [("short", 0), ("long", 200_000)] {
        let text = [key.as_bytes(), b"\n", &noise(more)].concat();
        fs::write(folder.join(size), &text).unwrap();
        tool(folder, &["gzip", "--keep", size]);
        let packed = fs::read(folder.join(format!("{size}.gz"))).unwrap();
        let place = |name: &str| format!("{name}:1:1");

        let name = format!("{size}.padded");
        fs::write(folder.join(&name), [&packed[..], &[0; 20_000]].concat()).unwrap();
        expect(folder, &name, 0, &[&place(&name)]);
        let name = format!("{size}.twice");
        let twice = [&packed[..], &[0; 512], &packed[..]].concat();
        fs::write(folder.join(&name), twice).unwrap();
        let (ended, found) = scan(folder, &[&name]);
        assert_eq!(
            (ended.status.code(), &found["data"][0]["count"]),
            (Some(0), &2.into())
        );
        let name = format!("{size}.cut");
        fs::write(folder.join(&name), &packed[..packed.len() - 9]).unwrap();
        expect(folder, &name, 1, &[&place(&name)]);

        // What comes behind is searched for itself.
        let name = format!("{size}.more");
        fs::write(
            folder.join(&name),
            [&packed[..], b"\x1f ", behind.as_bytes()].concat(),
        )
        .unwrap();
        expect(folder, &name, 0, &[&place(&name), &format!("{name}:1:3")]);
        fs::write(folder.join("other"), &behind).unwrap();
        zip(folder, "other.zip", &[("o", &behind)]);
        let other = fs::read(folder.join("other.zip")).unwrap();
        fs::write(folder.join(&name), [&packed[..], &other].concat()).unwrap();
        expect(folder, &name, 0, &[&format!("{name}!o:1:1"), &place(&name)]);
    }
}

#[test]
fn what_is_not_unpacked_was_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Long enough that nothing stands in it as it is.
    let text = format!("{}{}", "a".repeat(5_000), random_like("live"));
    fs::write(folder.join("text"), text).unwrap();
    tool(folder, &["bzip2", "--keep", "text"]);
    tool(folder, &["xz", "--keep", "text"]);
    for (name, head) in [
        ("a.zst", b"\x28\xb5\x2f\xfd".as_slice()),
        ("b.7z", b"7z\xbc\xaf\x27\x1c"),
    ] {
        fs::write(folder.join(name), [head, b"..."].concat()).unwrap();
    }
    for name in ["text.bz2", "text.xz", "a.zst", "b.7z"] {
        let (ended, _) = expect(folder, name, 1, &[]);
        assert!(ended.stderr.contains("is not unpacked"), "{ended:?}");
    }
    append(&folder.join("b.7z"), random_like("test").as_bytes());
    let (ended, found) = scan(folder, &["b.7z"]);
    assert_eq!(
        (ended.status.code(), each(&found, "key").len()),
        (Some(1), 1)
    );
}
