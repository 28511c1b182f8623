//! `torvus-admin leak scan`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use torvus_e2e::{
    Database, Dice, Ended, TestApp, admin_binary, large, on_both, random_like, run_fed,
};

use crate::{each, hint, leak, shows_no_key, tool};

/// Runs `leak scan ARGS` where there is no database.
#[track_caller]
pub(crate) fn scan(folder: &Path, args: &[&str]) -> (Ended, Value) {
    let mut command = Command::new(admin_binary());
    command.current_dir(folder).args(["leak", "scan", "--json"]);
    let ended = run_fed(command.args(args), Stdio::null());
    shows_no_key(&ended);
    let document = serde_json::from_str(&ended.stdout).unwrap_or_default();
    (ended, document)
}

/// The places of all keys, as `path!member:line:column`.
pub(crate) fn places(document: &Value) -> Vec<String> {
    let keys = document["data"].as_array().unwrap();
    let all = keys
        .iter()
        .flat_map(|key| key["places"].as_array().unwrap());
    let mut all: Vec<String> = all
        .map(|place| {
            let member = place["member"].as_str().map(|name| format!("!{name}"));
            format!(
                "{}{}:{}:{}",
                place["path"].as_str().unwrap(),
                member.unwrap_or_default(),
                place["line"],
                place["column"]
            )
        })
        .collect();
    all.sort_unstable();
    all
}

/// Another character in the middle: a wrong checksum.
fn near_miss(key: &str) -> String {
    let other = if key.as_bytes()[30] == b'x' { "y" } else { "x" };
    format!("{}{other}{}", &key[..30], &key[31..])
}

#[test]
fn keys_are_found_in_text_in_binaries_and_in_archives_in_archives() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = random_like("live");
    fs::create_dir_all(folder.join("src/deep")).unwrap();
    fs::write(folder.join("src/a.env"), format!("A=1\nKEY={key}\n")).unwrap();
    let binary = [&[0, 159, 146, 150, b'\n', 255], key.as_bytes(), &[0, 7]].concat();
    fs::write(folder.join("src/deep/core"), binary).unwrap();
    tool(folder, &["tar", "cf", "plain.tar", "src"]);
    tool(folder, &["tar", "czf", "x.tgz", "src"]);
    tool(folder, &["gzip", "--keep", "src/a.env"]);
    let zip = "import zipfile\nz = zipfile.ZipFile('y.zip', 'w', zipfile.ZIP_DEFLATED)\n\
               z.write('x.tgz', 'in/x.tgz')\nz.write('src/a.env', 'stored', zipfile.ZIP_STORED)\n";
    tool(folder, &["python3", "-c", zip]);
    // A name longer than a tar's header has room for.
    let long = format!("{0}/{0}/{0}/k", "n".repeat(90));
    fs::create_dir_all(folder.join("long").join(&long).parent().unwrap()).unwrap();
    fs::write(folder.join("long").join(&long), &key).unwrap();
    for format in ["gnu", "pax"] {
        let (name, how) = (format!("{format}.tar"), format!("--format={format}"));
        tool(folder, &["tar", "-C", "long", &how, "-cf", &name, &long]);
    }

    let (ended, found) = scan(folder, &["--all-places", "."]);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(each(&found, "key"), [hint(&key)]);
    let mut expected = vec![
        format!("./gnu.tar!{long}:1:1"),
        format!("./long/{long}:1:1"),
        "./plain.tar!src/a.env:2:5".to_owned(),
        "./plain.tar!src/deep/core:2:2".to_owned(),
        format!("./pax.tar!{long}:1:1"),
        "./src/a.env.gz:2:5".to_owned(),
        "./src/a.env:2:5".to_owned(),
        "./src/deep/core:2:2".to_owned(),
        "./x.tgz!src/a.env:2:5".to_owned(),
        "./x.tgz!src/deep/core:2:2".to_owned(),
        "./y.zip!in/x.tgz!src/a.env:2:5".to_owned(),
        "./y.zip!in/x.tgz!src/deep/core:2:2".to_owned(),
        "./y.zip!stored:2:5".to_owned(),
    ];
    expected.sort_unstable();
    assert_eq!(places(&found), expected);

    // Without the flag: the same key with its count, and the first place.
    let (_, found) = scan(folder, &["."]);
    assert_eq!(found["data"][0]["count"], expected.len());
    assert_eq!(places(&found).len(), 1);
    assert_eq!(found["data"][0]["environment"], "live");
    assert_eq!(found["data"][0]["state"], "not_looked_up");
}

#[test]
fn what_is_no_key_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let key = random_like("test");
    let cut = &key[..63];
    let other = key.replace("_test_", "_live_");
    let split = key.replace("_sk_", "_sk_\n");
    let text = format!("{}\n{cut}\n{other}\n{split}\n", near_miss(&key));
    fs::write(folder.path().join("near"), text).unwrap();
    let (ended, found) = scan(folder.path(), &["--fail", "near"]);
    assert_eq!(
        (ended.status.code(), each(&found, "key")),
        (Some(0), vec![])
    );

    fs::write(folder.path().join("hit"), &key).unwrap();
    let (ended, found) = scan(folder.path(), &["--fail", "near", "hit"]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(each(&found, "key"), [hint(&key)]);
}

#[test]
fn a_key_is_found_across_every_border_of_what_is_read_at_once() {
    const STEP: usize = 64 * 1024;
    let folder = tempfile::tempdir().unwrap();
    let key = random_like("live");
    let mut bytes = vec![b'.'; 70 * STEP];
    let begins: Vec<usize> = (1..68).map(|number| number * STEP - number).collect();
    for begin in &begins {
        bytes[*begin..begin + 64].copy_from_slice(key.as_bytes());
    }
    fs::write(folder.path().join("borders"), bytes).unwrap();
    let (_, found) = scan(folder.path(), &["--all-places", "borders"]);
    let columns = found["data"][0]["places"].as_array().unwrap().iter();
    let columns: Vec<u64> = columns
        .map(|place| place["column"].as_u64().unwrap())
        .collect();
    let expected: Vec<u64> = begins.iter().map(|begin| *begin as u64 + 1).collect();
    assert_eq!(columns, expected);
}

#[test]
fn a_history_tells_commit_and_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = random_like("live");
    tool(folder, &["git", "init", "--quiet", "-b", "main"]);
    tool(folder, &["git", "config", "user.email", "t@example.com"]);
    tool(folder, &["git", "config", "user.name", "t"]);
    fs::create_dir(folder.join("app")).unwrap();
    fs::write(folder.join("app/my conf"), format!("a\n{key}\n")).unwrap();
    let commit = |message: &str| {
        tool(folder, &["git", "add", "-A"]);
        tool(folder, &["git", "commit", "--quiet", "-m", message]);
        tool(folder, &["git", "rev-parse", "HEAD"])
            .trim()
            .to_owned()
    };
    let added = commit("Add it");
    fs::remove_file(folder.join("app/my conf")).unwrap();
    let removed = commit("Remove it");
    // On a branch that is not checked out, and in a message.
    tool(folder, &["git", "checkout", "--quiet", "-b", "side"]);
    fs::write(folder.join("other"), "x").unwrap();
    let said = commit(&format!("Say {key}"));
    tool(folder, &["git", "checkout", "--quiet", "main"]);

    let mut git = Command::new("git");
    git.args(["log", "-p", "--all"]).current_dir(folder);
    let mut git = git.stdout(Stdio::piped()).spawn().unwrap();
    let mut command = Command::new(admin_binary());
    command.current_dir(folder);
    command.args(["leak", "scan", "--json", "--all-places", "-"]);
    let ended = run_fed(&mut command, git.stdout.take().unwrap());
    assert!(git.wait().unwrap().success());
    shows_no_key(&ended);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    let places = found["data"][0]["places"].as_array().unwrap().iter();
    let places: Vec<(&str, &str, Option<&str>)> = places
        .map(|place| {
            let commit = place["commit"].as_str().unwrap();
            (
                place["path"].as_str().unwrap(),
                commit,
                place["file"].as_str(),
            )
        })
        .collect();
    assert_eq!(places.len(), 3, "{found}");
    for (commit, file) in [
        (&added, Some("app/my conf")),
        (&removed, Some("app/my conf")),
        (&said, None),
    ] {
        assert!(places.contains(&("-", commit, file)), "{places:?}");
    }
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = random_like("live");
    // Not to be compressed well, so that a half of it is a half.
    let noise: Vec<String> = (0..2_000)
        .map(|_| random_like("test")[15..58].to_owned())
        .collect();
    fs::write(folder.join("noise"), noise.concat()).unwrap();
    tool(folder, &["gzip", "noise"]);
    let whole = fs::read(folder.join("noise.gz")).unwrap();
    fs::write(folder.join("noise.gz"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.join("z"), &key).unwrap();
    let (ended, found) = scan(folder, &["gone", "."]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("gone: "), "{ended:?}");
    assert!(ended.stderr.contains("./noise.gz: "), "{ended:?}");
    assert_eq!(each(&found, "key"), [hint(&key)]);

    // Archives that lie too deep in each other.
    fs::write(folder.join("deep"), &key).unwrap();
    for _ in 0..9 {
        tool(folder, &["gzip", "deep"]);
        fs::rename(folder.join("deep.gz"), folder.join("deep")).unwrap();
    }
    let (ended, _) = scan(folder, &["deep"]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("too deep"), "{ended:?}");
}

#[test]
fn no_broken_archive_ends_the_search() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = random_like("live");
    fs::create_dir(folder.join("src")).unwrap();
    for number in 0..20 {
        let text = format!("{number}{}", random_like("test")[..60].repeat(number));
        fs::write(folder.join(format!("src/{number}")), text).unwrap();
    }
    tool(folder, &["tar", "cf", "a.tar", "src"]);
    tool(folder, &["tar", "czf", "b.tgz", "src"]);
    let zip = "import os, zipfile\nz = zipfile.ZipFile('c.zip', 'w', zipfile.ZIP_DEFLATED)\n\
               for n in os.listdir('src'): z.write('src/' + n)\n";
    tool(folder, &["python3", "-c", zip]);
    fs::create_dir(folder.join("broken")).unwrap();
    let mut dice = Dice::new(7);
    for name in ["a.tar", "b.tgz", "c.zip"] {
        let whole = fs::read(folder.join(name)).unwrap();
        for number in 0..large(2_000) {
            let mut bytes = whole.clone();
            for _ in 0..=dice.roll(8) {
                let place = dice.roll(bytes.len());
                bytes[place] = dice.roll(256) as u8;
            }
            if dice.roll(4) == 0 {
                bytes.truncate(dice.roll(bytes.len()));
            }
            fs::write(folder.join(format!("broken/{number}-{name}")), bytes).unwrap();
        }
    }
    fs::write(folder.join("broken/z"), &key).unwrap();
    let (ended, found) = scan(folder, &["broken"]);
    assert_eq!(ended.status.code(), Some(1), "some of them can't be read");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    assert_eq!(each(&found, "key"), [hint(&key)]);
}

#[test]
fn links_are_not_followed_and_pipes_do_not_block() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir_all(&inside).unwrap();
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("k"), random_like("live")).unwrap();
    std::os::unix::fs::symlink(&outside, inside.join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.join("k"), inside.join("file")).unwrap();
    std::os::unix::fs::symlink(&inside, inside.join("loop")).unwrap();
    tool(&inside, &["mkfifo", "pipe"]);
    let (ended, found) = scan(folder.path(), &["in"]);
    assert_eq!(
        (ended.status.code(), each(&found, "key")),
        (Some(0), vec![])
    );
    // A link that is named is meant.
    let (_, found) = scan(folder.path(), &["in/file"]);
    assert_eq!(each(&found, "key").len(), 1);
}

#[test]
fn memory_does_not_grow_with_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = random_like("live");
    fs::write(folder.join("key"), &key).unwrap();
    let mib = large(3_000);
    let make = format!("(head -c {mib}M /dev/zero; cat key) | gzip -1 > much.gz");
    tool(folder, &["sh", "-c", &make]);
    let mut command = Command::new("prlimit");
    command.arg("--data=33554432").arg(admin_binary());
    command.current_dir(folder);
    let ended = run_fed(
        command.args(["leak", "scan", "--json", "much.gz"]),
        Stdio::null(),
    );
    shows_no_key(&ended);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    let column = found["data"][0]["places"][0]["column"].as_u64();
    assert_eq!(column, Some(mib as u64 * 1024 * 1024 + 1), "{ended:?}");
}

#[test]
fn a_name_that_is_a_key_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let key = random_like("live");
    fs::write(folder.path().join(&key), &key).unwrap();
    tool(folder.path(), &["tar", "cf", "x.tar", &key]);
    let (ended, found) = scan(folder.path(), &["--all-places", "."]);
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(places(&found).len(), 2, "{found}");
}

fn a_scan_tells_the_state_of_each_key(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let active = app.key_with(&account, "live", "read", &["--expires", "1y"]);
    let revoked = app.key(&account, "test", "read");
    app.admin(&["key", "revoke", &revoked.id]);
    let unknown = random_like("live");
    let file = app.scratch().join("text");
    let text = format!(
        "{}\n{}\n{unknown}\n{}",
        active.token, revoked.token, active.token
    );
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();

    let (ended, found) = leak(&app, &["scan", file], Stdio::null());
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(each(&found, "state"), ["active", "revoked", "unknown"]);
    assert_eq!(each(&found, "id"), [&active.id, &revoked.id, "-"]);
    assert_eq!(each(&found, "account_id"), [&account, &account, "-"]);
    assert_eq!(each(&found, "environment"), ["live", "test", "live"]);
    assert_eq!(found["data"][0]["count"], 2);

    // For people: a table with the same.
    let table = app.admin_text(&["leak", "scan", file]);
    let line = table
        .lines()
        .find(|line| line.contains(&active.id))
        .unwrap();
    assert!(
        line.contains(&hint(&active.token)) && line.contains("active"),
        "{table}"
    );

    // A scan is no use of a key, and changes nothing.
    app.client(&active.token).get("/v1/account").expect(200);

    // A database that can't be reached is a warning.
    let away = "postgres://nobody@127.0.0.1:1/nothing";
    let args = ["scan", file, "--database-url", away];
    let (ended, found) = leak(&app, &args, Stdio::null());
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(each(&found, "state"), ["not_looked_up"; 3]);
    assert!(ended.stderr.contains("warning"), "{ended:?}");

    // With a wrong pepper each key would seem to be unknown.
    let pepper = app.scratch().join("pepper");
    fs::write(&pepper, "1:QW5vdGhlciBwZXBwZXIgZm9yIHRlc3RzIG9ubHkhISE=\n").unwrap();
    let args = ["scan", file, "--pepper-file", pepper.to_str().unwrap()];
    let (ended, found) = leak(&app, &args, Stdio::null());
    assert_eq!(each(&found, "state"), ["not_looked_up"; 3]);
    assert!(ended.stderr.contains("pepper"), "{ended:?}");
}

on_both!(a_scan_tells_the_state_of_each_key);
