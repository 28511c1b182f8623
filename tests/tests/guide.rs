//! `docs/API.md` tells callers what they get: it is compared with what they do get.

use std::path::{Path, PathBuf};

use serde_json::json;
use torvus_e2e::{Answer, Database, TestApp};

fn docs() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().join("docs")
}

fn guide() -> String {
    std::fs::read_to_string(docs().join("API.md")).unwrap()
}

/// The row of the error table for that status.
#[track_caller]
fn row(guide: &str, status: u16) -> &str {
    let start = format!("| {status} | `");
    let mut rows = guide.lines().filter(|line| line.starts_with(&start));
    let row = rows.next().unwrap_or_else(|| panic!("no row for {status}"));
    assert!(rows.next().is_none(), "two rows for {status}");
    row
}

#[test]
fn each_error_has_the_body_that_the_guide_prints() {
    let guide = guide();
    let app = TestApp::start(Database::Sqlite);
    let account = app.account("enterprise");
    let reader = app.client(&app.key(&account, "test", "read").token);
    let client = app.client(&app.key(&account, "test", "read,write").token);
    let limited = app.key_with(&account, "test", "read", &["--limit", "1"]);
    let limited = app.client(&limited.token);
    limited.get("/v1/account").expect(200);
    let post = || client.request("POST", "/v1/vaults");
    let big = json!({ "name": "n".repeat(70_000) });
    let wide = "h".repeat(17_000);

    let answers = [
        app.anonymous().get("/v1/account").expect(401),
        reader
            .post("/v1/vaults", &json!({ "name": "n" }))
            .expect(403),
        client.get("/v1/nothing").expect(404),
        client.delete("/v1/account").expect(405),
        client.post("/v1/vaults", &big).expect(413),
        client.get(&format!("/v1/{}", "u".repeat(2100))).expect(414),
        client.send(post().body("{}")).expect(415),
        limited.get("/v1/account").expect(429),
        client
            .send(client.request("GET", "/v1/account").header("X-Wide", wide))
            .expect(431),
    ];
    for Answer { status, body, .. } in &answers {
        assert!(row(&guide, *status).contains(body), "{status}: {body}");
    }

    let blocker = app.block_records();
    let away = client.get("/v1/account").expect(503);
    drop(blocker);
    assert!(row(&guide, 503).contains(&away.body), "{away:?}");
}

#[test]
fn an_error_that_depends_on_what_was_sent_has_the_shape_that_the_guide_prints() {
    let guide = guide();
    let app = TestApp::start(Database::Sqlite);
    let account = app.account("enterprise");
    let client = app.client(&app.key(&account, "test", "write").token);
    let broken = client
        .request("POST", "/v1/vaults")
        .header("Content-Type", "application/json")
        .body("{\"name\":");
    let unreadable = client.send(broken).expect(400);
    let nameless = client.post("/v1/vaults", &json!({})).expect(422);

    for answer in [unreadable, nameless] {
        let message = answer.text("message");
        let shape = answer.body.replace(&message, "…");
        let row = row(&guide, answer.status);
        assert!(row.contains(&shape), "{shape} is not in: {row}");
        if answer.status == 400 {
            assert!(row.contains(&message), "{message} is not in: {row}");
        }
    }
}

#[test]
fn each_header_in_the_guide_is_sent_and_each_that_is_sent_is_in_the_guide() {
    let guide = guide();
    let app = TestApp::start(Database::Sqlite);
    let account = app.account("enterprise");
    let key = app.key_with(
        &account,
        "test",
        "read,write",
        &["--limit", "3", "--expires", "2h"],
    );
    let client = app.client(&key.token);
    let post = || {
        let request = client.request("POST", "/v1/vaults");
        let request = request.header("Idempotency-Key", "once");
        client
            .send(request.json(&json!({ "name": "n" })))
            .expect(201)
    };
    let first = post();
    app.admin(&["key", "rotate", &key.id]);
    let answers = [
        first,
        post(),
        client.delete("/v1/account").expect(405),
        client.get("/v1/account").expect(429),
        app.anonymous().get("/v1/account").expect(401),
    ];
    let mut sent: Vec<&str> = answers
        .iter()
        .flat_map(|answer| answer.headers.iter().map(|header| header.0.as_str()))
        .filter(|name| {
            // What HTTP itself asks for, and what is for browsers only.
            ![
                "content-length",
                "content-type",
                "date",
                "x-content-type-options",
            ]
            .contains(name)
        })
        .collect();
    sent.sort_unstable();
    sent.dedup();

    let (_, table) = guide.split_once("## Headers of an answer").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let mut told: Vec<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_ascii_lowercase)
        .collect();
    told.sort_unstable();
    assert_eq!(told, sent);
}

#[test]
fn each_link_of_the_guides_leads_somewhere() {
    for name in ["API.md", "clients/README.md"] {
        let file = docs().join(name);
        let text = std::fs::read_to_string(&file).unwrap();
        let anchors: Vec<String> = text
            .lines()
            .filter(|line| line.starts_with("##"))
            .map(|line| {
                line.trim_start_matches('#')
                    .trim()
                    .to_lowercase()
                    .replace(' ', "-")
            })
            .collect();
        let links: Vec<&str> = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .collect();
        assert!(links.len() > 5, "{name}: {links:?}");
        for link in links {
            let found = match link.strip_prefix('#') {
                Some(anchor) => anchors.iter().any(|known| known == anchor),
                None => file.parent().unwrap().join(link).exists(),
            };
            assert!(found, "{name}: {link} leads nowhere");
        }
    }
}
