//! The operator's command line, run against an app's data.

use serde_json::Value;

use crate::TestApp;
use crate::programs::run_to_end;

/// How a run of `torvus-admin` ended.
#[derive(Debug)]
pub struct AdminRun {
    /// The exit code.
    pub code: i32,
    /// The document on standard output; `null` where there is none.
    pub json: Value,
    /// Standard error.
    pub stderr: String,
}

/// A key that was issued.
#[derive(Clone, Debug)]
pub struct Key {
    /// `key_…`
    pub id: String,
    /// The secret text.
    pub token: String,
}

impl TestApp {
    /// Runs `torvus-admin ARGS --json` to its end, whatever its exit code.
    pub fn admin_run(&self, args: &[&str]) -> AdminRun {
        let ended = run_to_end(self.admin_command().args(args).arg("--json"));
        AdminRun {
            code: ended.status.code().unwrap_or(-1),
            json: serde_json::from_str(&ended.stdout).unwrap_or_default(),
            stderr: ended.stderr,
        }
    }

    /// Runs `torvus-admin ARGS --json`, which must do it: what it printed.
    #[track_caller]
    pub fn admin(&self, args: &[&str]) -> Value {
        let run = self.admin_run(args);
        assert_eq!(run.code, 0, "torvus-admin {args:?}: {run:?}");
        run.json
    }

    /// Runs `torvus-admin ARGS`, which must do it: the text that it printed.
    #[track_caller]
    pub fn admin_text(&self, args: &[&str]) -> String {
        let ended = run_to_end(self.admin_command().args(args));
        assert!(ended.status.success(), "torvus-admin {args:?}: {ended:?}");
        ended.stdout
    }

    /// What was done to keys and accounts, the newest first; of all, or as more filters of `audit list` say.
    #[track_caller]
    pub fn trail(&self, filters: &[&str]) -> Vec<Value> {
        let list = [
            "audit",
            "list",
            "--category",
            "key_management",
            "--limit",
            "9999",
        ];
        let listed = self.admin(&[&list[..], filters].concat());
        listed["data"].as_array().expect("a list").clone()
    }

    /// A new account on that plan: its id.
    #[track_caller]
    pub fn account(&self, plan: &str) -> String {
        let email = format!("someone-{}@example.com", self.next_number());
        let made = self.admin(&["account", "create", "--email", &email, "--plan", plan]);
        made["id"].as_str().expect("an id").to_owned()
    }

    /// A new key: environment, and permissions as `read,write,delete`.
    #[track_caller]
    pub fn key(&self, account: &str, environment: &str, permissions: &str) -> Key {
        self.key_with(account, environment, permissions, &[])
    }

    /// A new key, with more flags for `key create`.
    #[track_caller]
    pub fn key_with(
        &self,
        account: &str,
        environment: &str,
        permissions: &str,
        more: &[&str],
    ) -> Key {
        let name = format!("key {}", self.next_number());
        let mut args = vec!["key", "create", "--account", account, "--name", &name];
        args.extend(["--environment", environment, "--permissions", permissions]);
        args.extend(more);
        let made = self.admin(&args);
        let text = |field: &str| made[field].as_str().expect("a string").to_owned();
        Key {
            id: text("id"),
            token: text("api_key"),
        }
    }
}
