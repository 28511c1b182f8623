//! All that stands behind one another in these tests.

use std::fs;

use serde_json::Value;
use torvus_e2e::{Answer, Client, Database, Key, Nginx, TestApp, Upstream, Wire};

const ROUTES: &str = r#"
    [[route]]
    method = "GET"
    path = "/orders/:id"
    permission = "read"

    [[route]]
    method = "POST"
    path = "/orders"
    permission = "write"

    [[route]]
    method = "DELETE"
    path = "/orders/:id"
    permission = "delete"

    [[route]]
    method = "GET"
    path = "/files/*path"
    permission = "any"

    [[route]]
    method = "GET"
    path = "/admin"
    permission = "delete"
"#;

/// What the API is told of who is asking.
pub(crate) const IDENTITY: [&str; 6] = [
    "X-Torvus-Account-Id",
    "X-Torvus-Key-Id",
    "X-Torvus-Key-Name",
    "X-Torvus-Environment",
    "X-Torvus-Plan",
    "X-Torvus-Permissions",
];

/// Client → nginx → API, and nginx → wire → Torvus.
pub(crate) struct Site {
    pub(crate) app: TestApp,
    pub(crate) wire: Wire,
    pub(crate) api: Upstream,
    pub(crate) nginx: Nginx,
    pub(crate) account: String,
}

impl Site {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let routes = folder.path().join("routes.toml");
        fs::write(&routes, ROUTES).unwrap();
        let routes = routes.to_str().unwrap();
        let app = TestApp::builder(Database::Sqlite)
            .args(&["--trusted-proxy", "127.0.0.1", "--routes", routes])
            .start();
        let (wire, api) = (Wire::to(app.address()), Upstream::start());
        let nginx = Nginx::start(wire.address(), api.address());
        let account = app.account("enterprise");
        Self {
            app,
            wire,
            api,
            nginx,
            account,
        }
    }

    pub(crate) fn key(&self, permissions: &str, more: &[&str]) -> Key {
        self.app.key_with(&self.account, "live", permissions, more)
    }

    pub(crate) fn client(&self, key: &Key) -> Client {
        self.nginx.client(Some(&key.token))
    }

    /// Sends a request as it is written, on a connection of its own.
    #[track_caller]
    pub(crate) fn raw(&self, method: &str, target: &str, key: &Key, headers: &[String]) -> Answer {
        let more: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer {}\r\n{more}Connection: close\r\n\r\n",
            key.token
        );
        let answer = self.nginx.raw().send(request.as_bytes());
        answer.unwrap_or_else(|| panic!("no answer to {request}"))
    }

    /// The newest record of a request.
    pub(crate) fn record(&self) -> Value {
        let args = [
            "audit",
            "list",
            "--category",
            "api_activity",
            "--limit",
            "1",
        ];
        self.app.admin(&args)["data"][0].clone()
    }

    /// How many requests Torvus was asked about.
    pub(crate) fn asked(&self) -> usize {
        let passed = self.wire.passed();
        passed
            .iter()
            .filter(|passed| passed.status().is_none())
            .count()
    }
}

/// Headers as they are written.
pub(crate) fn lines(headers: &[(&str, &str)]) -> Vec<String> {
    let line = |(name, value): &(&str, &str)| format!("{name}: {value}");
    headers.iter().map(line).collect()
}
