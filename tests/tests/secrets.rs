//! No key, pepper or password in clear where it does not belong.

use std::path::{Path, PathBuf};

use serde_json::json;
use torvus_e2e::{Database, TestApp, on_both};

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_under(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn holds(text: &[u8], secret: &str) -> bool {
    text.windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

fn no_secret_is_kept_in_clear(database: Database) {
    let app = TestApp::builder(database)
        .env("RUST_LOG", "trace")
        .args(&["--bootstrap", "you@example.com"])
        .start();
    let greeting = app.greeting().join(" ");
    let mut keys: Vec<String> = greeting
        .match_indices("torvus_sk_")
        .map(|(at, _)| greeting[at..at + 64].to_owned())
        .collect();
    let made = app.admin(&["account", "create", "--email", "other@example.com"]);
    let password = made["dashboard_password"].as_str().unwrap().to_owned();
    let account = made["id"].as_str().unwrap();
    keys.push(app.key(account, "live", "read,write").token);

    for key in &keys {
        let client = app.client(key);
        client.get("/v1/account").expect(200);
        // In all the wrong places.
        client.get(&format!("/v1/account?key={key}")).expect(200);
        client.get(&format!("/v1/vaults/{key}")).expect(404);
        client
            .post("/v1/vaults", &json!({ key.as_str(): 1 }))
            .expect(422);
        for name in [
            "User-Agent",
            "X-Api-Key",
            "Cookie",
            "Referer",
            "X-Request-Id",
            "Idempotency-Key",
        ] {
            let request = client.request("GET", "/v1/account").header(name, key);
            client.send(request).expect(200);
        }
        app.anonymous().get(&format!("/v1/{key}")).expect_401();
        client.call(key, "/v1/account", None).expect(405);
        let note = client.request("POST", "/v1/check-ins").json(&json!({}));
        client.send(note.header("Idempotency-Key", key)).expect(201);
        let shown = app.admin_run(&["key", "show", key]);
        assert!(shown.code == 3 && !shown.stderr.contains(&key[15..60]));
        let lost = app.key(account, "test", "read");
        app.admin(&["key", "revoke", &lost.id, "--reason", key]);
        let listed = app.admin(&["audit", "list", "--limit", "1000"]).to_string();
        assert!(!listed.contains(&key[15..60]), "{listed}");
    }

    // The random part alone would do.
    let mut secrets: Vec<(String, &str)> = keys
        .iter()
        .map(|key| (key[15..].to_owned(), "a key"))
        .collect();
    secrets.push((app.pepper(), "the pepper"));
    secrets.push((password, "a password"));
    let mut places = vec![
        ("the log".to_owned(), app.log().into_bytes()),
        (
            "the arguments".to_owned(),
            std::fs::read(format!("/proc/{}/cmdline", app.pid())).unwrap(),
        ),
    ];
    places.extend(
        app.dump()
            .map(|dump| ("the database".to_owned(), dump.into_bytes())),
    );
    let mut files = Vec::new();
    files_under(&app.data_dir(), &mut files);
    for path in files
        .iter()
        .filter(|path| path.file_name().unwrap() != "pepper")
    {
        places.push((path.display().to_string(), std::fs::read(path).unwrap()));
    }
    assert!(!app.log().is_empty(), "trace writes something");
    for (place, text) in &places {
        for (secret, what) in &secrets {
            assert!(!holds(text, secret), "{what} is in {place}");
        }
    }
}

fn the_data_directory_is_its_owners_alone(database: Database) {
    use std::os::unix::fs::PermissionsExt;
    let app = TestApp::builder(database).empty().start();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&app.data_dir()), 0o700);
    let pepper = app.data_dir().join("pepper");
    assert_eq!(pepper.exists(), database == Database::Sqlite);
    if pepper.exists() {
        assert_eq!(mode(&pepper), 0o600);
    }
}

fn a_key_can_go_to_a_file_instead(database: Database) {
    use std::os::unix::fs::PermissionsExt;
    let app = TestApp::start(database);
    let account = app.account("professional");
    let file = app.scratch().join("key");
    let made = app.admin(&[
        "key",
        "create",
        "--account",
        &account,
        "--name",
        "n",
        "--environment",
        "live",
        "--permissions",
        "read",
        "--out",
        file.to_str().unwrap(),
    ]);
    assert!(made["id"].is_string());
    assert_eq!(torvus_e2e::key_like(&made.to_string()), None, "{made}");
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let token = std::fs::read_to_string(&file).unwrap();
    app.client(token.trim()).get("/v1/account").expect(200);
}

on_both!(
    no_secret_is_kept_in_clear,
    the_data_directory_is_its_owners_alone,
    a_key_can_go_to_a_file_instead,
);
