//! What the database holds.

use std::process::Command;

use crate::TestApp;
use crate::programs::run_to_end;

/// Prints what people made or were given: all but traffic, and the time that a key was used last.
const PRINT: &str = "
import sqlite3, sys
db = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)
for table in ('accounts api_keys key_secrets vaults documents recipients policies check_ins idempotency').split():
    rows = db.execute(f'SELECT * FROM {table} ORDER BY 1, 2, 3')
    for row in rows:
        columns = zip((column[0] for column in rows.description), row)
        print(table, [column for column in columns if column[0] != 'last_used_at'])
";

impl TestApp {
    /// Every row of every account, key and resource on SQLite, one a line. The server may run.
    #[track_caller]
    pub fn rows(&self) -> Vec<String> {
        let file = self.data_dir().join("torvus.db");
        let ended = run_to_end(Command::new("python3").args(["-c", PRINT]).arg(file));
        assert!(ended.status.success(), "{ended:?}");
        ended.stdout.lines().map(str::to_owned).collect()
    }
}
