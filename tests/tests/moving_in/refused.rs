//! Lines that are not taken, and what is told of them.

use serde_json::{Value, json};
use torvus_e2e::{Database, TestApp, on_both, random_like};

use crate::{assert_counts, import_args};

fn each_bad_line_is_told_of_and_the_others_are_taken(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("free");
    let digest = |n: usize| format!("{n:064x}");
    let good = |n: usize| json!({ "digest": digest(n), "name": "n", "environment": "live", "permissions": "read" });
    let with = |n: usize, field: &str, value: Value| {
        let mut line = good(n);
        line[field] = value;
        line.to_string()
    };
    let lines = [
        good(1).to_string(),
        with(2, "digest", json!("abc")),
        with(3, "digest", json!("zz".repeat(32))),
        with(4, "permissions", json!("read,admin")),
        with(5, "environment", json!("prod")),
        with(6, "allowed_ips", json!("203.0.113.5")),
        with(7, "limit", json!(101)),
        with(8, "limit", json!("many")),
        with(9, "expires_at", json!("soon")),
        with(10, "expires_at", json!("2020-01-01T00:00:00Z")),
        with(11, "name", json!("a\nb")),
        with(12, "nonsense", json!(1)),
        with(13, "algorithm", json!("md5")),
        with(14, "algorithm", json!("hmac-sha256")),
        "no json".to_owned(),
        good(1).to_string(),
        with(17, "name", json!(random_like("live"))),
        String::new(),
        with(19, "start", json!("x".repeat(30))),
        good(20).to_string(),
    ];
    let file = app.scratch().join("keys.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    for (dry, imported, known) in [(true, 2, 1), (false, 2, 1), (false, 0, 3), (true, 0, 3)] {
        let flag: &[&str] = if dry { &["--dry-run"] } else { &[] };
        let run = app.admin_run(&import_args(&account, &file, flag));
        assert_eq!(run.code, 4, "{run:?}");
        assert!(
            run.stderr.contains("15 of 19 lines were refused"),
            "{run:?}"
        );
        assert_counts(&run.json, imported, known, 1, 15);
        let named = run.json["lines"].as_array().unwrap();
        let numbers: Vec<u64> = named
            .iter()
            .map(|one| one["line"].as_u64().unwrap())
            .collect();
        let expected: Vec<u64> = (2..=19).filter(|line| ![16, 18].contains(line)).collect();
        assert_eq!(numbers, expected);
        assert_eq!(named[8]["result"], "skipped");
        for (line, word) in [
            (0, "64 hexadecimal"),
            (2, "admin"),
            (4, "address"),
            (5, "100"),
        ] {
            assert!(
                named[line]["reason"].as_str().unwrap().contains(word),
                "{named:?}"
            );
        }
        assert!(
            !run.json.to_string().contains(&digest(1)),
            "no digest is shown"
        );
        assert!(torvus_e2e::key_like(&run.json.to_string()).is_none());
    }

    let nobody = app.admin_run(&import_args("acc_00000000000000000000000000", &file, &[]));
    assert_eq!(nobody.code, 3, "{nobody:?}");
    let csv = app.scratch().join("keys.csv");
    for (text, words) in [
        ("digest,nmae\n".to_owned(), "column 2"),
        // No header: its first line is none of the report's business.
        (format!("{},n\n", digest(1)), "column 1"),
        (String::new(), "no header"),
    ] {
        std::fs::write(&csv, text).unwrap();
        let run = app.admin_run(&import_args(&account, &csv, &[]));
        assert!(run.code == 4 && run.stderr.contains(words), "{run:?}");
        assert!(!run.stderr.contains(&digest(1)), "{run:?}");
    }
    let missing = app.admin_run(&import_args(&account, &app.scratch().join("none.csv"), &[]));
    assert_eq!(missing.code, 4, "{missing:?}");
    let stdin = app.admin_run(&["key", "import", "--account", &account, "-"]);
    assert_eq!(stdin.code, 2, "{stdin:?}");
    std::fs::write(&file, "").unwrap();
    let run = app.admin_run(&import_args(&account, &file, &[]));
    assert!(run.code == 4 && run.stderr.contains("no lines"), "{run:?}");
}

/// What another system would not let in is not let in here, nor more often.
fn what_is_used_up_or_limited_there_is_no_more_here(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let day = 86_400_000;
    let file = app.scratch().join("keys.jsonl");
    let run = |system: &str, lines: Vec<Value>| {
        let numbered = lines.into_iter().enumerate().map(|(n, mut line)| {
            let field = if system == "unkey" { "hash" } else { "key" };
            line[field] = json!(format!("{:064x}", n + 1));
            line.to_string()
        });
        std::fs::write(&file, numbered.collect::<Vec<_>>().join("\n")).unwrap();
        let from = ["--from", system, "--environment", "live", "--permissions"];
        let args = [&from[..], &["read", "--dry-run"]].concat();
        let run = app.admin_run(&import_args(&account, &file, &args));
        let told = run.json["lines"].as_array().unwrap().clone();
        let word = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
        let told = told.iter().map(|line| {
            let result = word(line, "result");
            (line["line"].as_u64().unwrap(), result, word(line, "reason"))
        });
        told.collect::<Vec<_>>()
    };
    let expect = |told: &[(u64, String, String)], expected: &[(u64, &str, &str)]| {
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for ((line, result, reason), (number, outcome, words)) in told.iter().zip(expected) {
            assert_eq!((line, result.as_str()), (number, *outcome), "{told:?}");
            assert!(reason.contains(words), "{told:?}");
        }
    };
    let unkey = run(
        "unkey",
        vec![
            json!({ "remaining": 0 }),
            json!({ "credits": { "remaining": 0 } }),
            json!({ "credits": { "remaining": null } }),
            json!({ "remaining": 5 }),
            json!({ "ratelimits": [{ "name": "r", "limit": 5, "duration": day }] }),
            json!({ "ratelimits": [{ "name": "r", "limit": 5, "duration": 0 }] }),
            json!({ "ratelimits": [{ "name": "r", "limit": "5" }] }),
            json!({ "ratelimit": { "limit": 48, "duration": day } }),
        ],
    );
    expect(
        &unkey,
        &[
            (1, "skipped", "used up"),
            (2, "skipped", "used up"),
            (5, "refused", "less than one request per hour"),
            (6, "refused", "a window of 0"),
            (7, "refused", "ratelimits"),
        ],
    );
    let limited = |max: u64, window: u64| json!({ "rateLimitEnabled": true, "rateLimitMax": max, "rateLimitTimeWindow": window });
    let better_auth = run(
        "better-auth",
        vec![
            json!({ "remaining": 0 }),
            json!({ "remaining": null }),
            limited(5, day),
            limited(5, 0),
            limited(48, day),
        ],
    );
    expect(
        &better_auth,
        &[
            (1, "skipped", "used up"),
            (3, "refused", "less than one request per hour"),
            (4, "refused", "a window of 0"),
        ],
    );
    // What no line says is asked for once.
    let both = ["--environment", "live"];
    for (more, words) in [(&[][..], "--environment"), (&both[..], "--permissions")] {
        let args = [&["--from", "better-auth"], more].concat();
        let run = app.admin_run(&import_args(&account, &file, &args));
        assert!(run.code == 2 && run.stderr.contains(words), "{run:?}");
    }
}

on_both!(
    each_bad_line_is_told_of_and_the_others_are_taken,
    what_is_used_up_or_limited_there_is_no_more_here,
);
