//! Keys of other systems, taken over by their hashes, are keys like any other.

mod refused;
mod told;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use torvus_e2e::{
    BODY_401, BODY_503, Database, TestApp, large, on_both, random_like, run_to_end, wait_until,
};

/// A file as another system would give it away, and the keys that it never had.
struct Foreign {
    file: PathBuf,
    keys: Vec<String>,
}

/// Made by a program that shares nothing with ours.
fn made(app: &TestApp, system: &str, count: usize) -> Foreign {
    let ending = system.rsplit_once('-').unwrap().1;
    let file = app.scratch().join(format!("{system}.{ending}"));
    let keys = app.scratch().join("their-keys");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("imports/make.py");
    let ended = run_to_end(
        Command::new(script)
            .args([system, &count.to_string()])
            .args([&file, &keys])
            .args(["--secret", "s3cret of theirs"]),
    );
    assert!(ended.status.success(), "{ended:?}");
    let text = std::fs::read_to_string(&keys).unwrap();
    std::fs::remove_file(keys).unwrap();
    Foreign {
        file,
        keys: text.lines().map(str::to_owned).collect(),
    }
}

fn import_args<'a>(account: &'a str, file: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["key", "import", "--account", account];
    args.push(file.to_str().unwrap());
    args.extend(more);
    args
}

#[track_caller]
fn import(app: &TestApp, account: &str, file: &Path, more: &[&str]) -> Value {
    app.admin(&import_args(account, file, more))
}

#[track_caller]
fn assert_counts(report: &Value, imported: usize, known: usize, skipped: usize, refused: usize) {
    let count = |name: &str| report[name].as_u64().unwrap();
    let found = ["imported", "already_there", "skipped", "refused"].map(count);
    let expected = [imported, known, skipped, refused].map(|n| n as u64);
    assert_eq!(found, expected, "{report}");
}

fn every_documented_form_is_taken(database: Database) {
    let mut app = TestApp::start(database);
    let account = app.account("professional");
    let own = app.key(&account, "live", "read");
    let secret = app.scratch().join("secret");
    std::fs::write(&secret, "s3cret of theirs\n").unwrap();
    let keyed = ["--hmac-secret-file", secret.to_str().unwrap()];
    let other = |system| {
        [
            "--from",
            system,
            "--environment",
            "live",
            "--permissions",
            "read",
        ]
    };
    let forms: [(&str, Vec<&str>); 9] = [
        ("torvus-csv", vec![]),
        ("torvus-jsonl", vec!["--format", "jsonl"]),
        ("keyed-jsonl", keyed.to_vec()),
        ("unkey-jsonl", other("unkey").to_vec()),
        ("unkey2-jsonl", other("unkey").to_vec()),
        ("better-auth-jsonl", other("better-auth").to_vec()),
        ("better-auth-csv", other("better-auth").to_vec()),
        ("crates-io-csv", other("crates-io").to_vec()),
        ("seam-jsonl", vec![]),
    ];
    let count = large(60);
    let mut all = Vec::new();
    for (system, more) in &forms {
        let theirs = made(&app, system, count);
        app.client(&theirs.keys[0]).get("/v1/account").expect_401();
        let dry = [more.as_slice(), &["--dry-run"]].concat();
        let before = app.admin(&["key", "list", "--all"]);
        assert_counts(&import(&app, &account, &theirs.file, &dry), count, 0, 0, 0);
        assert_eq!(
            app.admin(&["key", "list", "--all"]),
            before,
            "a dry run changes nothing"
        );
        app.client(&theirs.keys[0]).get("/v1/account").expect_401();

        assert_counts(&import(&app, &account, &theirs.file, more), count, 0, 0, 0);
        for key in &theirs.keys {
            let answer = app.client(key).get("/v1/account").expect(200);
            assert_eq!(answer.text("account_id"), account, "{system}");
        }
        assert_counts(&import(&app, &account, &theirs.file, more), 0, count, 0, 0);
        all.extend(theirs.keys);
    }
    app.client(&own.token).get("/v1/account").expect(200);
    app.restart();
    for key in &all {
        app.client(key).get("/v1/account").expect(200);
        // What is nearly one is none.
        let (front, last) = key.split_at(key.len() - 1);
        let other = if last == "A" { "B" } else { "A" };
        app.client(&format!("{front}{other}"))
            .get("/v1/account")
            .expect_401();
        app.client(front).get("/v1/account").expect_401();
        app.client(&key.to_ascii_uppercase())
            .get("/v1/account")
            .expect_401();
    }
    app.client(&own.token).get("/v1/account").expect(200);

    let listed = app.admin(&["key", "list", "--account", &account]);
    let listed = listed["data"].as_array().unwrap();
    assert_eq!(listed.len(), 1 + forms.len() * count);
    let named = |hint: &str| {
        let found = listed
            .iter()
            .find(|key| key["hint"].as_str().unwrap().starts_with(hint));
        found.unwrap_or_else(|| panic!("{hint} is listed")).clone()
    };
    let first = named("acme_");
    assert_eq!(first["name"], "key 0");
    assert_eq!(first["permissions"], json!(["read", "write"]));
    assert_eq!(first["limit"], 900);
    assert_eq!(first["expires_at"], "2099-01-31T12:00:00Z");
    assert_eq!(named("abc_")["limit"], 60, "one a minute");
    assert_eq!(
        named("hello_")["limit"],
        1_000,
        "24,000 a day are the plan's"
    );
    let log = app.trail(&[]);
    let taken: Vec<&Value> = log
        .iter()
        .filter(|one| one["action"] == "key.import")
        .collect();
    assert_eq!(taken.len(), forms.len() * count, "a record for each key");
    assert!(
        taken
            .iter()
            .any(|one| one["detail"]["external_id"] == "user_0")
    );
}

fn imported_keys_obey_every_rule(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    let hash = |text: &str| {
        let code = "import hashlib,sys;print(hashlib.sha256(sys.argv[1].encode()).hexdigest())";
        let ended = run_to_end(Command::new("python3").args(["-c", code, text]));
        ended.stdout.trim().to_owned()
    };
    let soon = "2030-01-01T00:00:00Z";
    let line = |key: &str, more: Value| {
        let mut line = json!({
            "digest": hash(key), "name": key, "environment": "live", "permissions": ["read"],
        });
        let fields = line.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        line.to_string()
    };
    let file = app.scratch().join("keys.jsonl");
    let lines = [
        line("reads", json!({ "expires_at": soon })),
        line(
            "tests",
            json!({ "environment": "test", "permissions": "read,write,delete" }),
        ),
        line("elsewhere", json!({ "allowed_ips": ["203.0.113.0/24"] })),
        line("here", json!({ "allowed_ips": "127.0.0.0/8,::1" })),
        line("thrice", json!({ "limit": 3 })),
        line("revoked", json!({})),
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    assert_counts(&import(&app, &account, &file, &[]), 6, 0, 0, 0);
    let listed = app.admin(&["key", "list"]);
    let id = |name: &str| {
        let keys = listed["data"].as_array().unwrap();
        let key = keys.iter().find(|key| key["name"] == name).unwrap();
        key["id"].as_str().unwrap().to_owned()
    };

    app.client("reads").get("/v1/vaults").expect(200);
    app.client("reads")
        .post("/v1/vaults", &json!({ "name": "v" }))
        .expect(403);
    let vault = app.client("tests").vault("v");
    app.client("reads")
        .get(&format!("/v1/vaults/{vault}"))
        .expect(404);
    app.client("elsewhere").get("/v1/account").expect(403);
    app.client("here").get("/v1/account").expect(200);
    for _ in 0..3 {
        app.client("thrice").get("/v1/account").expect(200);
    }
    app.client("thrice").get("/v1/account").expect(429);
    app.client("revoked").get("/v1/account").expect(200);
    app.admin(&["key", "revoke", &id("revoked")]);
    app.client("revoked").get("/v1/account").expect_401();
    assert_counts(&import(&app, &account, &file, &[]), 0, 6, 0, 0);
    app.client("revoked").get("/v1/account").expect_401();
    app.admin(&["account", "suspend", &account]);
    app.client("reads").get("/v1/account").expect_401();
    app.admin(&["account", "resume", &account]);
    app.client("reads").get("/v1/account").expect(200);

    let used = app.admin(&["key", "usage", &id("reads")]);
    assert_eq!(used["total_requests"], 5, "{used}");
    let outcomes = app
        .admin(&["audit", "list", "--key", &id("revoked")])
        .to_string();
    assert!(outcomes.contains("revoked_key"), "{outcomes}");
}

/// Of one system's keys only the last part was hashed, of another's the whole: what is remembered of one text
/// says nothing of another that has the same part.
fn texts_that_share_a_part_are_told_apart(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let given = |name: &str, hashed: &str, more: &[&str]| {
        let file = app.scratch().join(name);
        let code = "import hashlib,sys;print(hashlib.sha256(sys.argv[1].encode()).hexdigest())";
        let ended = run_to_end(Command::new("python3").args(["-c", code, hashed]));
        let line = json!({
            "digest": ended.stdout.trim(), "name": name, "environment": "live", "permissions": "read",
        });
        std::fs::write(&file, line.to_string()).unwrap();
        import(&app, &account, &file, more);
    };
    given("part.jsonl", "PART", &["--hashed", "after-last-underscore"]);
    given("whole.jsonl", "corp_live_SECRET", &[]);
    for _ in 0..3 {
        app.client("evil_SECRET").get("/v1/account").expect_401();
        app.client("corp_live_SECRET")
            .get("/v1/account")
            .expect(200);
        app.client("corp_test_SECRET")
            .get("/v1/account")
            .expect_401();
        app.client("any_PART").get("/v1/account").expect(200);
        app.client("PART_any").get("/v1/account").expect_401();
    }
}

/// A key of another system gets a secret of ours, and the one that its holders have goes on for its grace.
fn an_imported_key_is_native_from_its_next_rotation_on(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let theirs = made(&app, "torvus-csv", 1);
    import(&app, &account, &theirs.file, &[]);
    let old = app.client(&theirs.keys[0]);
    old.get("/v1/account").expect(200);
    let keys = app.admin(&["key", "list"]);
    let id = keys["data"][0]["id"].as_str().unwrap().to_owned();
    let rotated = app.admin(&["key", "rotate", &id, "--grace", "1h"]);
    assert_eq!(rotated["id"], id.as_str());
    let new = app.client(rotated["api_key"].as_str().unwrap());
    let answer = new.get("/v1/account").expect(200);
    assert_eq!(answer.header("deprecation"), None);
    let answer = old.get("/v1/account").expect(200);
    assert!(answer.header("deprecation").is_some() && answer.header("sunset").is_some());
    app.admin(&["key", "grace", &id, "now"]);
    old.get("/v1/account").expect_401();
    new.get("/v1/account").expect(200);
    let shown = app.admin(&["key", "show", &id]);
    assert!(
        shown["hint"].as_str().unwrap().starts_with("torvus_sk_"),
        "{shown}"
    );
    assert_eq!(app.admin(&["key", "usage", &id])["total_requests"], 5);
    app.admin(&["key", "revoke", &id]);
    new.get("/v1/account").expect_401();
}

/// A database, a log or a journal is no place to check guesses of other people's keys.
fn nothing_of_a_foreign_key_is_kept(database: Database) {
    let app = TestApp::builder(database).env("RUST_LOG", "trace").start();
    let account = app.account("professional");
    let secret = app.scratch().join("secret");
    std::fs::write(&secret, "s3cret of theirs").unwrap();
    let flag = ["--hmac-secret-file", secret.to_str().unwrap()];
    let mut hidden: Vec<Vec<u8>> = vec![b"s3cret of theirs".to_vec()];
    for system in ["torvus-csv", "keyed-jsonl"] {
        let theirs = made(&app, system, 5);
        import(&app, &account, &theirs.file, &flag);
        for key in &theirs.keys {
            app.client(key).get("/v1/account").expect(200);
            hidden.push(key.clone().into_bytes());
        }
        let text = std::fs::read_to_string(&theirs.file).unwrap();
        let digests = text
            .split(|c: char| !c.is_ascii_hexdigit())
            .filter(|word| word.len() == 64);
        for hex in digests {
            hidden.push(hex.as_bytes().to_vec());
            let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            hidden.push((0..32).map(|at| byte(2 * at)).collect());
        }
    }
    assert_eq!(hidden.len(), 1 + 2 * 5 * 3);
    let mut places = vec![app.log().into_bytes()];
    places.extend(app.dump().map(String::into_bytes));
    let mut folders = vec![app.data_dir()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => places.push(std::fs::read(path).unwrap()),
            }
        }
    }
    for place in &places {
        for secret in &hidden {
            let found = place.windows(secret.len()).any(|some| some == secret);
            assert!(!found, "{:?}", String::from_utf8_lossy(secret));
        }
    }
}

/// Without imports, a text that is no key is what it was; with them, one that is not found is unknown.
fn a_foreign_text_is_looked_for_only_where_there_are_imports(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let outcome = || {
        let list = app.admin(&["audit", "list", "--status", "401", "--limit", "1"]);
        list["data"][0]["outcome"].as_str().unwrap().to_owned()
    };
    app.client("no-key").get("/v1/account").expect_401();
    assert_eq!(outcome(), "malformed_key");
    let theirs = made(&app, "torvus-csv", 1);
    import(&app, &account, &theirs.file, &[]);
    app.client("no-key").get("/v1/account").expect_401();
    assert_eq!(outcome(), "unknown_key");
    // Our own form is ours alone.
    let cut = &random_like("live")[..60];
    app.client(cut).get("/v1/account").expect_401();
    assert_eq!(outcome(), "malformed_key");
    let long = "x".repeat(505);
    assert_eq!(app.client(&long).get("/v1/account").body, BODY_401);
    app.client(&theirs.keys[0]).get("/v1/account").expect(200);
}

fn imported_keys_move_to_a_new_pepper(database: Database) {
    let mut app = TestApp::builder(database).pepper_in_file().start();
    let account = app.account("professional");
    let secret = app.scratch().join("secret");
    std::fs::write(&secret, "s3cret of theirs").unwrap();
    let flag = ["--hmac-secret-file", secret.to_str().unwrap()];
    let plain = made(&app, "torvus-csv", 4);
    let keyed = made(&app, "keyed-jsonl", 4);
    import(&app, &account, &plain.file, &[]);
    import(&app, &account, &keyed.file, &flag);
    app.admin(&["pepper", "add"]);
    // Under the new pepper they are the same keys.
    assert_counts(&import(&app, &account, &keyed.file, &flag), 0, 4, 0, 0);
    let all = || plain.keys.iter().chain(&keyed.keys);
    wait_until(Duration::from_secs(20), "all have moved", || {
        for key in all() {
            app.client(key).get("/v1/account").expect(200);
        }
        app.admin(&["pepper", "status"])["data"][0]["live_keys"] == 0
    });
    assert_counts(&import(&app, &account, &plain.file, &[]), 0, 4, 0, 0);
    app.admin(&["pepper", "retire", "1"]);
    app.restart();
    for key in all() {
        app.client(key).get("/v1/account").expect(200);
    }
    assert_counts(&import(&app, &account, &keyed.file, &flag), 0, 4, 0, 0);
}

/// When the command has ended, the keys are good on every node.
#[test]
fn an_import_is_true_everywhere_at_once() {
    let app = TestApp::builder(Database::Postgres).start();
    let account = app.account("enterprise");
    let mut other = app.another_server(&["serve"]);
    // Each kind of hashing is new to both servers when its keys are there.
    for system in ["torvus-csv", "seam-jsonl"] {
        // Both have just learned that there is no such key.
        for client in [app.client("no-key"), other.client("no-key")] {
            client.get("/v1/account").expect_401();
        }
        let theirs = made(&app, system, large(100));
        import(&app, &account, &theirs.file, &[]);
        for key in &theirs.keys {
            other.client(key).get("/v1/account").expect(200);
            app.client(key).get("/v1/account").expect(200);
        }
    }
    other.stop();
}

/// Who can't tell whether a key is a good one does not say no.
#[test]
fn a_foreign_key_without_the_database_is_503() {
    let app = TestApp::builder(Database::Postgres).own_postgres().start();
    let account = app.account("professional");
    let theirs = made(&app, "torvus-csv", 1);
    import(&app, &account, &theirs.file, &[]);
    app.client(&theirs.keys[0]).get("/v1/account").expect(200);
    app.postgres().stop_at_once();
    // Until the lease has run out it is known.
    wait_until(Duration::from_secs(10), "the lease has run out", || {
        app.client(&theirs.keys[0]).get("/v1/account").status == 503
    });
    for _ in 0..3 {
        let answer = app.client(&theirs.keys[0]).get("/v1/account");
        assert_eq!((answer.status, answer.body.as_str()), (503, BODY_503));
    }
    app.postgres().start_again();
    wait_until(Duration::from_secs(30), "it is good again", || {
        app.client(&theirs.keys[0]).get("/v1/account").status == 200
    });
}

on_both!(
    every_documented_form_is_taken,
    imported_keys_obey_every_rule,
    texts_that_share_a_part_are_told_apart,
    an_imported_key_is_native_from_its_next_rotation_on,
    nothing_of_a_foreign_key_is_kept,
    a_foreign_text_is_looked_for_only_where_there_are_imports,
    imported_keys_move_to_a_new_pepper,
);
