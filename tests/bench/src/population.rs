//! Accounts and keys, as an operator makes them.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::servers::{bare_command, beside, settings_file};

/// Keys of one account share its answer.
const KEYS_PER_ACCOUNT: usize = 100;
const PERMISSIONS: &str = "read,write,delete";

pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) account_id: String,
    pub(crate) token: String,
}

/// Makes so many keys in a new data folder.
pub(crate) fn create(data: &Path, count: usize) -> Vec<Key> {
    admin(data, &["migrate", "run"]);
    let accounts: Vec<String> = (0..count.div_ceil(KEYS_PER_ACCOUNT))
        .map(|number| {
            let email = format!("bench-{number}@example.com");
            let made = admin(
                data,
                &["account", "create", "--email", &email, "--plan", "bench"],
            );
            text(&made, "id")
        })
        .collect();
    let (next, keys) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            let account = &accounts[number / KEYS_PER_ACCOUNT];
            let name = format!("bench {number}");
            let mut args = vec!["key", "create", "--account", account, "--name", &name];
            args.extend(["--environment", "live", "--permissions", PERMISSIONS]);
            let made = admin(data, &args);
            keys.lock().unwrap().push(Key {
                id: text(&made, "id"),
                account_id: account.clone(),
                token: text(&made, "api_key"),
            });
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..crate::process::cores() {
            scope.spawn(work);
        }
    });
    keys.into_inner().unwrap()
}

fn admin(data: &Path, args: &[&str]) -> Value {
    let mut command = bare_command(&beside("torvus-admin"));
    command
        .args(args)
        .arg("--json")
        .arg("--config")
        .arg(settings_file());
    let out = command.env("TORVUS_DATA_DIR", data).output().unwrap();
    assert!(
        out.status.success(),
        "torvus-admin {args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).unwrap_or_default()
}

fn text(document: &Value, field: &str) -> String {
    document[field].as_str().expect("a string").to_owned()
}

/// One request for each key.
pub(crate) fn requests(keys: &[Key]) -> Vec<Vec<u8>> {
    let request = |key: &Key| {
        format!(
            "GET /v1/account HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n\
             User-Agent: torvus-bench/1\r\nAccept: */*\r\n\r\n",
            key.token
        )
    };
    keys.iter().map(|key| request(key).into_bytes()).collect()
}

/// The maps that the configurations of the peers read.
pub(crate) fn write_maps(folder: &Path, keys: &[Key]) {
    let write = |name: &str, line: &dyn Fn(&Key) -> String| {
        let text: String = keys.iter().map(line).collect();
        std::fs::write(folder.join(name), text).unwrap();
    };
    write("nginx-keys.map", &|key| {
        format!("\"Bearer {}\" {};\n", key.token, key.id)
    });
    write("nginx-accounts.map", &|key| {
        format!("{} {};\n", key.id, key.account_id)
    });
    write("nginx-permissions.map", &|key| {
        format!("{} {PERMISSIONS};\n", key.id)
    });
    write("haproxy-keys.map", &|key| {
        format!("{} {}\n", key.token, key.id)
    });
    write("haproxy-accounts.map", &|key| {
        format!("{} {}\n", key.id, key.account_id)
    });
    write("haproxy-permissions.map", &|key| {
        format!("{} {PERMISSIONS}\n", key.id)
    });
}

/// Copies a data folder that nobody uses.
pub(crate) fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(status.unwrap().success(), "the data could not be copied");
}
