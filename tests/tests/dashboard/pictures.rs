//! The pictures in `docs/screenshots`, of an account that has been used for a month.

use std::path::{Path, PathBuf};

use chrono::{TimeDelta, Timelike, Utc};
use serde_json::json;
use torvus_audit::AuditRecord;
use torvus_domain::{Category, KeyId, Outcome, RequestId};
use torvus_e2e::{Database, Dice, Holder, TestApp};
use torvus_key_core::Environment;

/// No picture is larger: they come with every copy of the source.
const LARGEST: u64 = 150_000;

const PICTURES: [&str; 11] = [
    "explain",
    "key",
    "keys",
    "keys-dark",
    "keys-narrow",
    "log",
    "log-dark",
    "log-narrow",
    "new-key",
    "revoke",
    "sign-in",
];

/// What was asked: method, path, route, status, outcome; the usual more often.
const ASKED: [(&str, &str, &str, u16, Outcome); 12] = [
    ("GET", "/v1/vaults", "/v1/vaults", 200, Outcome::Ok),
    ("GET", "/v1/vaults", "/v1/vaults", 200, Outcome::Ok),
    ("GET", "/v1/vaults", "/v1/vaults", 200, Outcome::Ok),
    ("GET", "/v1/account", "/v1/account", 200, Outcome::Ok),
    ("POST", "/v1/check-ins", "/v1/check-ins", 201, Outcome::Ok),
    ("POST", "/v1/check-ins", "/v1/check-ins", 201, Outcome::Ok),
    (
        "GET",
        "/v1/vaults/vault_01m87x/documents",
        "/v1/vaults/:id/documents",
        200,
        Outcome::Ok,
    ),
    (
        "GET",
        "/v1/vaults/vault_01m87x",
        "/v1/vaults/:id",
        200,
        Outcome::Ok,
    ),
    (
        "PUT",
        "/v1/vaults/vault_01m87x",
        "/v1/vaults/:id",
        200,
        Outcome::Ok,
    ),
    (
        "GET",
        "/v1/vaults/vault_01m000",
        "/v1/vaults/:id",
        404,
        Outcome::NotFound,
    ),
    (
        "DELETE",
        "/v1/vaults/vault_01m87x",
        "/v1/vaults/:id",
        403,
        Outcome::MissingPermission,
    ),
    ("GET", "/v1/vaults", "/v1/vaults", 429, Outcome::RateLimited),
];

fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("docs/screenshots")
}

/// A month of requests with a key: more by day than by night, fewer at the weekend.
fn month(app: &TestApp, holder: &Holder, key: &str, name: &str, often: i64) {
    let mut dice = Dice::new(often.unsigned_abs());
    let mut throw = |sides: usize| dice.roll(sides);
    let now = Utc::now();
    let mut at = now - TimeDelta::days(29);
    let mut records = Vec::new();
    while at < now {
        let night = if (7..20).contains(&at.hour()) { 1 } else { 4 };
        let step = (86_400 / often * night / 2).max(1);
        at += TimeDelta::seconds(
            1 + i64::try_from(throw(usize::try_from(step * 2).unwrap())).unwrap(),
        );
        let (method, path, route, status, outcome) = ASKED[throw(ASKED.len() * 3) % ASKED.len()];
        let refused = status >= 400 && throw(4) > 0;
        let (status, outcome) = if refused {
            (200, Outcome::Ok)
        } else {
            (status, outcome)
        };
        let mut record = AuditRecord::new(at, Category::ApiActivity, outcome);
        record.request_id = Some(RequestId::new(at));
        record.account_id = Some(holder.id.parse().unwrap());
        record.key_id = Some(key.parse::<KeyId>().unwrap());
        record.key_name = Some(name.to_owned());
        record.environment = Some(Environment::Live);
        record.method = Some(method.to_owned());
        record.path = Some(path.to_owned());
        record.route = Some(route.to_owned());
        record.status = Some(status);
        record.ip = Some([203, 0, 113, [5, 5, 5, 17][throw(4)]].into());
        record.user_agent = Some("backup/2.4 (+https://example.com)".to_owned());
        record.duration_us = Some(380 + i64::try_from(throw(900)).unwrap());
        record.billable = true;
        records.push(record);
    }
    records.retain(|record| record.at < now);
    app.write_records(&records);
}

#[test]
fn pictures() {
    if std::env::var("TORVUS_BLESS").as_deref() == Ok("1") {
        take();
    }
    let mut found: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap())
        .inspect(|entry| assert!(entry.metadata().unwrap().len() <= LARGEST, "{entry:?}"))
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut wanted = PICTURES.map(|name| format!("{name}.png"));
    wanted.sort();
    assert_eq!(found, wanted);
}

fn take() {
    let app = TestApp::start(Database::Sqlite);
    let holder = app.holder_on("professional");
    let make = |name: &str, environment: &str, permissions: &str, more: &[&str]| {
        let made = app.key_with(&holder.id, environment, permissions, more);
        app.admin(&["key", "update", &made.id, "--name", name]);
        made
    };
    make("Old website", "live", "read", &["--expires", "never"]);
    let app_key = make("Mobile app", "live", "read,write", &["--expires", "1y"]);
    make("Integration tests", "test", "read,write,delete", &[]);
    let leaked = make("Laptop of Kim", "live", "read,write", &[]);
    let reason = "It was in a public repository";
    app.admin(&["key", "revoke", &leaked.id, "--reason", reason]);
    make("Billing export", "live", "read", &["--expires", "5d"]);
    let backup = make("Backup on server 3", "live", "read,write", &[]);
    month(&app, &holder, &app_key.id, "Mobile app", 20);
    month(&app, &holder, &backup.id, "Backup on server 3", 70);
    app.admin(&["audit", "checkpoint"]);
    app.admin(&["audit", "verify"]);
    std::fs::create_dir_all(folder()).unwrap();
    let folder = folder().to_str().unwrap().to_owned();
    app.browse(
        "screenshots",
        json!({ "holder": super::told(&holder), "key": backup.id, "folder": folder }),
    );
}
