//! Exports that were changed: we and `docs/verify.py` say the same of each.

use std::path::{Path, PathBuf};
use std::process::Command;

use torvus_audit::Checkpoint;
use torvus_audit::jsonl::Line;
use torvus_audit::verify::Verifier;
use torvus_e2e::{Database, Dice, large, library};

use crate::{export, file, used};

const MUTATIONS: usize = 3_000;

/// Whether an export is whole, by our own library.
fn ours(text: &[u8], checkpoint: Option<&Checkpoint>) -> bool {
    let mut verifier = Verifier::new();
    if let Some(checkpoint) = checkpoint {
        verifier.hold_against(checkpoint);
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    for line in text.split_inclusive('\n') {
        match Line::read(line) {
            Some(line) => verifier.look_at(&line.kept()),
            None => return false,
        }
    }
    verifier.end(None).is_empty()
}

/// What `docs/verify.py` says of each of these, in one process.
fn theirs(folder: &Path, count: usize, checkpoint: &Path) -> Vec<bool> {
    let driver = "import json, sys; sys.path.insert(0, sys.argv[1]); import verify\n\
        told = json.load(open(sys.argv[4]))\n\
        for number in range(int(sys.argv[3])):\n\
        \x20   with open(f'{sys.argv[2]}/{number}', 'rb') as log:\n\
        \x20       print(int(verify.verify(log, [told] if number % 2 else []) is None))\n";
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
    let ended = Command::new(library("venv/bin/python"))
        .args(["-B", "-c", driver, docs])
        .arg(folder)
        .arg(count.to_string())
        .arg(checkpoint)
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let said = String::from_utf8(ended.stdout).unwrap();
    said.lines().map(|line| line == "1").collect()
}

/// Does one thing to an export. `None` where it is left as it is.
fn mutate(clean: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = clean
        .split_inclusive(|b| *b == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let place = dice.roll(lines.len());
    let other = dice.roll(lines.len());
    match dice.roll(7) {
        0 => return None,
        1 => drop(lines.remove(place)),
        2 if lines[place] != lines[other] => lines.swap(place, other),
        3 => {
            let copy = lines[place].clone();
            lines.insert(other, copy);
        }
        4 => lines.truncate(place),
        _ => {
            let length = lines[place].len() - 1;
            let (byte, bit) = (dice.roll(length), dice.roll(7));
            lines[place][byte] ^= 1 << bit;
        }
    }
    Some(lines.concat())
}

#[test]
fn two_verifiers_agree_on_each_export() {
    let (app, _) = used(Database::Sqlite);
    let clean = std::fs::read(export(&app, "clean.jsonl")).unwrap();
    let path = file(&app, "checkpoint.json");
    app.admin(&["audit", "checkpoint", "--out", path.to_str().unwrap()]);
    let checkpoint = Checkpoint::read(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let folder: PathBuf = file(&app, "mutations");
    std::fs::create_dir(&folder).unwrap();
    let (count, mut dice) = (large(MUTATIONS), Dice::new(5));
    let mut expected = Vec::new();
    for number in 0..count {
        let changed = mutate(&clean, &mut dice);
        let text = changed.as_ref().unwrap_or(&clean);
        std::fs::write(folder.join(number.to_string()), text).unwrap();
        let held = (number % 2 == 1).then_some(&checkpoint);
        let whole = ours(text, held);
        // Records of different chains may change places, and without a checkpoint an end may be missing.
        if changed.is_none() {
            assert!(whole, "a clean export is accused");
        }
        expected.push(whole);
    }
    let said = theirs(&folder, count, &path);
    assert_eq!(said.len(), count);
    for (number, (theirs, ours)) in said.iter().zip(&expected).enumerate() {
        assert_eq!(theirs, ours, "they disagree on mutation {number}");
    }
    let found = expected.iter().filter(|whole| !**whole).count();
    println!("{count} exports: both verifiers agree on each, {found} are not whole");
}
