//! The examples in `docs/clients/keys`: a key is found where it is kept, and opens the API.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use torvus_e2e::{Database, Ended, Key, TestApp, example, examples_folder, library, run_to_end};

/// The files of this folder, each run by a test of that name.
const SOURCES: [&str; 5] = [
    "aws_secrets_manager.py",
    "config_file.py",
    "docker_secret.py",
    "environment.py",
    "vault.py",
];

struct Setting {
    app: TestApp,
    account: String,
    key: Key,
}

impl Setting {
    fn new() -> Self {
        let app = TestApp::start(Database::Sqlite);
        let account = app.account("professional");
        let key = app.key(&account, "test", "read");
        Self { app, account, key }
    }

    fn command(&self, name: &str) -> Command {
        let mut command = example(&format!("keys/{name}"), &self.app.scratch());
        command.env("TORVUS_URL", self.app.url());
        command
    }

    /// Writes a file that only its owner may read, as a key is kept.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.app.scratch().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    /// Fails unless the program found the key and used it, without showing it.
    #[track_caller]
    fn assert_used(&self, ended: &Ended) {
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(ended.stdout.trim_end(), self.account);
        assert_eq!(ended.stderr, "");
    }

    /// Fails unless the program ended without a key.
    #[track_caller]
    fn assert_not_found(&self, ended: &Ended, said: &str) {
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(ended.stderr.contains(said), "{ended:?}");
        assert!(!ended.stderr.contains(&self.key.token));
    }
}

/// A server of somebody else that runs while this lives.
struct Other {
    child: Child,
    url: String,
}

impl Other {
    /// Starts it, gives it `input`, and reads the address that it prints.
    fn start(command: &mut Command, input: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);

        let mut output = BufReader::new(child.stdout.take().unwrap());
        let url = output
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                let at = line.find("http://127.0.0.1:")?;
                Some(line[at..].trim_end().to_owned())
            });
        // What else it says is read and forgotten, so that it never waits for a reader.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let url = url.unwrap_or_else(|| panic!("{command:?} told no address"));
        Self { child, url }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn each_source_is_run_here() {
    let mut found: Vec<String> = std::fs::read_dir(examples_folder().join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    // What they all do with the key.
    assert_eq!(found.remove(0), "account.py");
    assert_eq!(found, SOURCES);
}

#[test]
fn environment() {
    let setting = Setting::new();
    let mut command = setting.command("environment.py");
    setting.assert_not_found(&run_to_end(&mut command), "set TORVUS_API_KEY");
    command.env("TORVUS_API_KEY", &setting.key.token);
    setting.assert_used(&run_to_end(&mut command));
}

#[test]
fn config_file() {
    let setting = Setting::new();
    let config = json!({ "url": setting.app.url(), "api_key": setting.key.token });
    let path = setting.write("torvus.json", &config.to_string());
    let mut command = setting.command("config_file.py");
    command.env("TORVUS_CONFIG", &path);
    setting.assert_used(&run_to_end(&mut command));

    for mode in [0o640, 0o604] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        setting.assert_not_found(&run_to_end(&mut command), "chmod 600");
    }
}

#[test]
fn docker_secret() {
    let setting = Setting::new();
    let path = setting.write("torvus_api_key", &format!("{}\n", setting.key.token));
    let mut command = setting.command("docker_secret.py");
    command.env("TORVUS_API_KEY_FILE", path);
    setting.assert_used(&run_to_end(&mut command));
}

#[test]
fn aws_secrets_manager() {
    let setting = Setting::new();
    let moto = Other::start(
        Command::new("sh")
            .args(["-c", r#"exec "$0" -H 127.0.0.1 -p 0 2>&1"#])
            .arg(library("venv/bin/moto_server")),
        "",
    );
    let mut command = setting.command("aws_secrets_manager.py");
    command
        .env("AWS_ENDPOINT_URL", &moto.url)
        .env("AWS_DEFAULT_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    let ended = run_to_end(&mut command);
    setting.assert_not_found(&ended, "ResourceNotFoundException");

    create_secret(&moto.url, "torvus/api-key", &setting.key.token);
    setting.assert_used(&run_to_end(&mut command));
}

/// Does what `aws secretsmanager create-secret` does.
fn create_secret(url: &str, name: &str, text: &str) {
    let answer = reqwest::blocking::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(url)
        .header("X-Amz-Target", "secretsmanager.CreateSecret")
        .header("Content-Type", "application/x-amz-json-1.1")
        .header(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/secretsmanager/aws4_request, \
             SignedHeaders=host, Signature=0",
        )
        .body(
            json!({ "Name": name, "SecretString": text, "ClientRequestToken": "0".repeat(32) })
                .to_string(),
        )
        .send()
        .unwrap();
    assert_eq!(answer.status(), 200, "{:?}", answer.text());
}

#[test]
fn vault() {
    let setting = Setting::new();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/vault_stand_in.py");
    let secret = json!({ "api_key": setting.key.token }).to_string();
    let vault = Other::start(
        Command::new("python3")
            .arg(program)
            .args(["the-token", "torvus"]),
        &secret,
    );
    let mut command = setting.command("vault.py");
    command.env("VAULT_ADDR", &vault.url);
    command.env("VAULT_TOKEN", "another-token");
    setting.assert_not_found(&run_to_end(&mut command), "403");
    command.env("VAULT_TOKEN", "the-token");
    setting.assert_used(&run_to_end(&mut command));
}
