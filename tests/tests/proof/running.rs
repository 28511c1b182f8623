//! A log is read while a server writes it, several chains at once.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;
use torvus_e2e::{Database, Load, TestApp, on_both, wait_until};

use crate::{export, file};

const CONNECTIONS: usize = 8;
const EXPORTS: usize = 6;

fn busy(database: Database) -> (TestApp, Load) {
    let app = TestApp::builder(database).args(&["--workers", "4"]).start();
    let account = app.account("enterprise");
    let keys: Vec<_> = (0..4)
        .map(|_| app.key(&account, "live", "read,write"))
        .collect();
    (app, Load::of(&keys))
}

fn ids(text: &str) -> Vec<String> {
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].to_string();
    text.lines().map(id).collect()
}

fn an_export_has_no_hole(database: Database) {
    let (app, load) = busy(database);
    load.during(app.address(), CONNECTIONS, || {
        for number in 0..EXPORTS {
            let log = export(&app, &format!("log-{number}.jsonl"));
            let said = app.admin(&["audit", "verify", "--export", log.to_str().unwrap()]);
            assert_eq!(said["ok"], true, "{said}");
        }
    });
}

fn a_tail_passes_nothing_over(database: Database) {
    let (app, load) = busy(database);
    let path = file(&app, "tail");
    let args = ["audit", "tail", "--follow", "--json", "--limit", "1"];
    let mut follower = app.admin_background(&args, &path);
    let read = || std::fs::read_to_string(&path).unwrap();
    wait_until(Duration::from_secs(20), "the first record", || {
        !read().is_empty()
    });
    load.during(app.address(), CONNECTIONS, || {
        std::thread::sleep(Duration::from_secs(4))
    });
    let all = ids(&std::fs::read_to_string(export(&app, "all.jsonl")).unwrap());
    let first = ids(&read()).remove(0);
    let since = all.iter().skip_while(|id| **id != first);
    let expected: HashSet<&String> = since.collect();
    assert!(expected.len() > 500, "{} records", expected.len());
    let complete = || {
        let shown = ids(&read());
        let unique: HashSet<&String> = shown.iter().collect();
        assert_eq!(unique.len(), shown.len(), "each once");
        expected.iter().all(|id| unique.contains(*id))
    };
    wait_until(Duration::from_secs(30), "all that was recorded", complete);
    follower.kill().unwrap();
    follower.wait().unwrap();
}

on_both!(an_export_has_no_hole, a_tail_passes_nothing_over);
