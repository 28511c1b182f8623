//! What the audit log holds, compared with what clients read.

use std::collections::HashMap;
use std::process::Command;

use serde_json::Value;

use crate::load::Noted;
use crate::programs::run_to_end;
use crate::{Key, TestApp};

/// Follows each chain from its beginning: hash = SHA-256(hash before ‖ line). Prints how many records that were.
const FOLLOW: &str = "
import hashlib, sqlite3, sys
if len(sys.argv) > 1:
    db = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)
    rows = db.execute('SELECT chain, seq, lower(hex(hash)), hex(CAST(line AS BLOB)) FROM audit_log ORDER BY chain, seq')
else:
    rows = (line.rstrip('\\n').split('|') for line in sys.stdin)
at, count = {}, 0
for chain, seq, digest, line in rows:
    genesis = hashlib.sha256(b'torvus-audit-1\\n' + chain.encode()).digest()
    before, head = at.get(chain, (0, genesis))
    after = hashlib.sha256(head + bytes.fromhex(line)).digest()
    assert int(seq) == before + 1 and digest == after.hex(), f'{chain} is broken at {seq} behind {before}'
    at[chain], count = (before + 1, after), count + 1
print(count)
";

impl TestApp {
    /// Every record of a request, newest first.
    #[track_caller]
    pub fn exported(&self) -> Vec<Value> {
        let args = ["audit", "export", "--format", "jsonl", "--category"];
        let lines = self.admin_text(&[&args[..], &["api_activity"]].concat());
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Fails unless each answer has one record, of the same status, no request has two, the usage of the
    /// keys is that of the log, and every chain is whole. Returns how many records there are. An answer 503
    /// may have none: that is what it says.
    #[track_caller]
    pub fn assert_recorded(&self, noted: &[Noted], keys: &[Key]) -> usize {
        let records = self.exported();
        let mut log: HashMap<&str, &Value> = HashMap::new();
        let twice: Vec<&Value> = records
            .iter()
            .filter(|record| {
                let id = record["request_id"].as_str().unwrap();
                log.insert(id, record).is_some()
            })
            .collect();
        assert!(twice.is_empty(), "{} twice: {:?}", twice.len(), twice[0]);
        let wrong: Vec<String> = noted
            .iter()
            .filter_map(|noted| match log.get(noted.request_id.as_str()) {
                Some(record) if record["status"] == noted.status => None,
                // The record may be kept though nobody could say so in time.
                _ if noted.status == 503 => None,
                found => Some(format!("{noted:?}: {found:?}")),
            })
            .collect();
        assert!(
            wrong.is_empty(),
            "{} of {} missing or otherwise: {:#?}",
            wrong.len(),
            noted.len(),
            &wrong[..wrong.len().min(5)]
        );
        for key in keys {
            let own = || records.iter().filter(|record| record["key_id"] == key.id);
            let billable = own().filter(|record| record["billable"] == true).count();
            let usage = self.admin(&["key", "usage", &key.id]);
            assert_eq!(usage["total_requests"], own().count(), "{usage}");
            assert_eq!(usage["billable_requests"], billable, "{usage}");
        }
        let chained = self.follow_chains();
        assert!(
            chained >= records.len(),
            "{chained} of {} in chains",
            records.len()
        );
        records.len()
    }

    /// Follows every chain in the database; how many records they have.
    #[track_caller]
    pub fn follow_chains(&self) -> usize {
        let mut python = Command::new("python3");
        python.args(["-c", FOLLOW]);
        let ended = match self.audit_rows() {
            None => run_to_end(python.arg(self.data_dir().join("torvus.db"))),
            Some(rows) => {
                let file = self.scratch().join("rows");
                std::fs::write(&file, rows).unwrap();
                let mut shell = Command::new("sh");
                shell.args(["-c", r#"exec python3 -c "$1" <"$2""#, "sh", FOLLOW]);
                run_to_end(shell.arg(file))
            }
        };
        assert!(ended.status.success(), "{ended:?}");
        ended.stdout.trim().parse().unwrap()
    }
}
