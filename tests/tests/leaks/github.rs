//! `POST /leaks/github`: signed by openssl, with keys of the test's own.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use torvus_e2e::{Answer, Client, Database, TestApp, on_both, random_like, wait_until};

use crate::tool;

/// Signs as GitHub does.
struct Signer {
    folder: TempDir,
    name: &'static str,
}

impl Signer {
    fn new(name: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let make = "openssl ecparam -name prime256v1 -genkey -noout -out private.pem && \
                    openssl ec -in private.pem -pubout -out public.pem";
        tool(folder.path(), &["sh", "-c", make]);
        Self { folder, name }
    }

    /// Writes the file that GitHub would publish.
    fn publish(&self, file: &Path) {
        let key = fs::read_to_string(self.folder.path().join("public.pem")).unwrap();
        let keys = json!({ "public_keys": [
            { "key_identifier": self.name, "key": key, "is_current": true },
        ] });
        // As one does it: beside, and then in its place.
        let beside = file.with_extension("new");
        fs::write(&beside, keys.to_string()).unwrap();
        fs::rename(beside, file).unwrap();
    }

    fn sign(&self, body: &str) -> String {
        fs::write(self.folder.path().join("body"), body).unwrap();
        let sign = "openssl dgst -sha256 -sign private.pem body | openssl base64 -A";
        tool(self.folder.path(), &["sh", "-c", sign])
    }

    #[track_caller]
    fn send(&self, app: &TestApp, body: &str) -> Answer {
        self.send_by(&app.anonymous(), body)
    }

    #[track_caller]
    fn send_by(&self, client: &Client, body: &str) -> Answer {
        send_by(client, body, Some(self.name), Some(&self.sign(body)))
    }
}

#[track_caller]
fn send(app: &TestApp, body: &str, name: Option<&str>, signature: Option<&str>) -> Answer {
    send_by(&app.anonymous(), body, name, signature)
}

#[track_caller]
fn send_by(client: &Client, body: &str, name: Option<&str>, signature: Option<&str>) -> Answer {
    let mut request = client.request("POST", "/leaks/github");
    request = request.header("Content-Type", "application/json");
    if let Some(name) = name {
        request = request.header("Github-Public-Key-Identifier", name);
    }
    if let Some(signature) = signature {
        request = request.header("Github-Public-Key-Signature", signature);
    }
    client.send(request.body(body.to_owned()))
}

fn found(token: &str) -> Value {
    let url = "https://github.com/octocat/Hello-World/blob/1234/foo/bar.txt";
    json!({ "token": token, "type": "torvus_api_key", "url": url, "source": "content" })
}

/// A server that takes reports signed by this one.
fn listening(database: Database, signer: &Signer) -> TestApp {
    let file = signer.folder.path().join("keys.json");
    signer.publish(&file);
    let args = ["--github-secret-scanning", file.to_str().unwrap()];
    let builder = TestApp::builder(database).args(&args);
    match database {
        Database::Sqlite => builder.start(),
        Database::Postgres => builder.own_postgres().start(),
    }
}

fn labels(answer: &Answer) -> Vec<String> {
    let feedback = answer.json();
    let each = feedback.as_array().unwrap().iter();
    each.map(|one| one["label"].as_str().unwrap().to_owned())
        .collect()
}

fn a_signed_report_revokes_what_it_names(database: Database) {
    let signer = Signer::new("first");
    let app = listening(database, &signer);
    let account = app.account("professional");
    let (live, test) = (
        app.key(&account, "live", "read"),
        app.key(&account, "test", "read"),
    );
    let spared = app.key(&account, "live", "read");
    let dead = app.key(&account, "live", "read");
    app.admin(&["key", "revoke", &dead.id]);
    let unknown = random_like("live");
    let tokens = [
        &live.token,
        &unknown,
        &test.token,
        "torvus_sk_nonsense",
        &dead.token,
    ];
    let body = Value::Array(tokens.iter().map(|token| found(token)).collect()).to_string();

    let answer = signer.send(&app, &body).expect(200);
    app.client(&live.token).get("/v1/account").expect_401();
    app.client(&test.token).get("/v1/account").expect_401();
    app.client(&spared.token).get("/v1/account").expect(200);
    let (real, not) = ("true_positive", "false_positive");
    assert_eq!(labels(&answer), [real, not, real, not, real]);
    for (token, told) in tokens.iter().zip(answer.json().as_array().unwrap()) {
        assert!(!answer.body.contains(*token), "no token is sent back");
        assert_eq!(told["token_type"], "torvus_api_key");
        let hash = told["token_hash"].as_str().unwrap();
        let sum = format!("printf %s '{token}' | sha256sum");
        let sum = tool(Path::new("."), &["sh", "-c", &sum]);
        assert_eq!(sum.split(' ').next(), Some(hash));
    }

    let log = app.trail(&["--key", &live.id]);
    let newest = &log[0];
    assert_eq!(newest["action"], "key.revoke");
    assert_eq!(newest["actor"], "github:secret-scanning");
    assert_eq!(newest["detail"]["reason"], "leaked");
    assert!(
        app.log().contains("octocat/Hello-World"),
        "the log says where"
    );

    // GitHub may say it again.
    assert_eq!(
        labels(&signer.send(&app, &body).expect(200)),
        [real, not, real, not, real]
    );
    assert_eq!(signer.send(&app, "[]").expect(200).body, "[]");
}

fn what_is_not_signed_by_a_published_key_has_no_effect(database: Database) {
    let signer = Signer::new("first");
    let app = listening(database, &signer);
    let key = app.key(&app.account("professional"), "live", "read");
    let body = json!([found(&key.token)]).to_string();
    let good = signer.sign(&body);
    let stranger = Signer::new("first");
    let foreign = stranger.sign(&body);
    let name = Some("first");
    for (name, signature) in [
        (None, None),
        (name, None),
        (None, Some(&*good)),
        (Some("second"), Some(&*good)),
        (name, Some(&*foreign)),
        (name, Some("")),
        (name, Some("AAAA")),
        (name, Some("no base64!")),
    ] {
        let answer = send(&app, &body, name, signature).expect_error(403, "permission_denied");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    // The right signature of another text: one blank more.
    send(&app, &format!("{body} "), name, Some(&good)).expect_error(403, "permission_denied");
    app.client(&key.token).get("/v1/account").expect(200);

    // GitHub has new keys: no restart, and the old one counts no more.
    stranger.publish(&signer.folder.path().join("keys.json"));
    send(&app, &body, name, Some(&good)).expect_error(403, "permission_denied");
    app.client(&key.token).get("/v1/account").expect(200);
    send(&app, &body, name, Some(&foreign)).expect(200);
    app.client(&key.token).get("/v1/account").expect_401();
}

fn reports_have_bounds(database: Database) {
    let signer = Signer::new("first");
    let app = listening(database, &signer);
    let key = app.key(&app.account("professional"), "live", "read");
    let mut tokens = vec![found("x"); 999];
    tokens.push(found(&key.token));
    let answer = signer.send(&app, &json!(tokens).to_string()).expect(200);
    assert_eq!(labels(&answer).len(), 1_000);
    app.client(&key.token).get("/v1/account").expect_401();
    tokens.push(found("x"));
    let many = json!(tokens).to_string();
    signer
        .send(&app, &many)
        .expect_error(422, "invalid_request");
    let big = format!("[{}]", " ".repeat(1024 * 1024));
    signer
        .send(&app, &big)
        .expect_error(413, "payload_too_large");
    for body in ["", "{}", "[{}]", "[1]", "[{\"token\":\"x\"}]"] {
        signer.send(&app, body).expect_error(400, "invalid_request");
    }
    let refused = app.anonymous().get("/leaks/github");
    let refused = refused.expect_error(405, "method_not_allowed");
    assert_eq!(refused.header("allow"), Some("POST"));
}

/// Nobody fills the server's memory with bodies that nobody signed.
fn few_reports_are_taken_at_once(database: Database) {
    let signer = Signer::new("first");
    let app = listening(database, &signer);
    let signature = signer.sign("[]");
    let head = |name: &str, signature: &str| {
        format!(
            "POST /leaks/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Github-Public-Key-Identifier: {name}\r\nGithub-Public-Key-Signature: {signature}\r\n\
             Content-Length: 1000\r\n\r\n["
        )
    };
    // Refused before the body is there, so it costs nothing.
    for (name, signature) in [("second", &*signature), ("first", "AAAA")] {
        let answer = app.raw().send(head(name, signature).as_bytes()).unwrap();
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    let mut slow: Vec<TcpStream> = (0..16)
        .map(|_| {
            let mut stream = TcpStream::connect(app.address()).unwrap();
            stream
                .write_all(head("first", &signature).as_bytes())
                .unwrap();
            stream
        })
        .collect();
    wait_until(Duration::from_secs(5), "all places are taken", || {
        signer.send(&app, "[]").status == 503
    });
    let answer = signer.send(&app, "[]").expect_error(503, "unavailable");
    assert_eq!(answer.header("retry-after"), Some("5"));
    app.anonymous().get("/openapi.json").expect(200);
    slow.pop();
    wait_until(Duration::from_secs(5), "a place is free again", || {
        signer.send(&app, "[]").status == 200
    });
}

fn what_cannot_be_done_is_503_and_done_when_it_is_sent_again(database: Database) {
    let signer = Signer::new("first");
    let app = listening(database, &signer);
    let key = app.key(&app.account("professional"), "live", "read");
    let body = json!([found(&key.token)]).to_string();
    match database {
        Database::Sqlite => {
            let blocker = app.block_records();
            signer.send(&app, &body).expect_error(503, "unavailable");
            drop(blocker);
        }
        Database::Postgres => {
            app.postgres().stop_at_once();
            signer.send(&app, &body).expect_error(503, "unavailable");
            app.postgres().start_again();
        }
    }
    // Without the file of keys nothing can be checked: no yes, and no no.
    let file = signer.folder.path().join("keys.json");
    fs::remove_file(&file).unwrap();
    signer.send(&app, &body).expect_error(503, "unavailable");
    signer.publish(&file);
    wait_until(Duration::from_secs(10), "it is done", || {
        signer.send(&app, &body).status == 200
    });
    app.client(&key.token).get("/v1/account").expect_401();
}

fn it_is_off_unless_it_is_asked_for(database: Database) {
    let app = TestApp::start(database);
    let signer = Signer::new("first");
    signer.send(&app, "[]").expect_error(404, "not_found");
    app.anonymous()
        .get("/leaks/github")
        .expect_error(404, "not_found");
}

/// One node has a new pepper, and the other is not told.
#[test]
fn a_key_of_a_pepper_that_is_not_at_hand_is_503_and_never_a_false_positive() {
    let app = TestApp::builder(Database::Postgres)
        .pepper_in_file()
        .start();
    let account = app.account("professional");
    let signer = Signer::new("first");
    let keys = signer.folder.path().join("keys.json");
    signer.publish(&keys);
    let theirs = app.scratch().join("their-pepper");
    fs::copy(app.pepper_file(), &theirs).unwrap();
    let mut other = app.another_server(&[
        "serve",
        "--pepper-file",
        theirs.to_str().unwrap(),
        "--github-secret-scanning",
        keys.to_str().unwrap(),
    ]);
    let old = app.key(&account, "live", "read");
    let new = app.scratch().join("new-pepper");
    app.admin(&["pepper", "add", "--out", new.to_str().unwrap()]);
    fs::copy(&new, app.pepper_file()).unwrap();
    app.hang_up();
    let key = app.key(&account, "live", "read");
    app.client(&key.token).get("/v1/account").expect(200);

    let body = json!([found(&old.token), found(&key.token)]).to_string();
    for _ in 0..3 {
        let answer = signer.send_by(&other.client(""), &body);
        answer.expect_error(503, "unavailable");
    }
    // What could be done is, and the other key is not taken for none.
    app.client(&old.token).get("/v1/account").expect_401();
    app.client(&key.token).get("/v1/account").expect(200);

    fs::copy(&new, &theirs).unwrap();
    let mut told = Vec::new();
    wait_until(Duration::from_secs(10), "it is looked for again", || {
        let answer = signer.send_by(&other.client(""), &body);
        if answer.status == 200 {
            told = labels(&answer);
        }
        answer.status != 503
    });
    assert_eq!(told, ["true_positive", "true_positive"]);
    app.client(&key.token).get("/v1/account").expect_401();
    other.stop();
}

on_both!(
    a_signed_report_revokes_what_it_names,
    what_is_not_signed_by_a_published_key_has_no_effect,
    reports_have_bounds,
    few_reports_are_taken_at_once,
    what_cannot_be_done_is_503_and_done_when_it_is_sent_again,
    it_is_off_unless_it_is_asked_for,
);
