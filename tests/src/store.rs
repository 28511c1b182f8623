//! An app's database, opened by the test itself.

use std::process::Command;

use torvus_storage::{Store, StoreUrl, indexing};

use crate::TestApp;
use crate::programs::run_to_end;

const EXECUTE: &str = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
db.executescript(sys.argv[2])
db.commit()
";

impl TestApp {
    /// The database, as a program of Torvus opens it.
    pub fn store(&self) -> Store {
        Store::open(&StoreUrl::parse(&self.database_url()).unwrap()).unwrap()
    }

    /// Moves every answered request into that database.
    #[track_caller]
    pub fn catch_up(&self, store: &Store) {
        let journals = self.data_dir().join("journal");
        indexing::catch_up(store, &journals, &|_| None).unwrap();
    }

    /// Changes the database behind the programs' backs.
    #[track_caller]
    pub fn sql(&self, text: &str) {
        let url = self.database_url();
        let Some(file) = url.strip_prefix("sqlite:") else {
            self.postgres().query(&url, text);
            return;
        };
        let ended = run_to_end(Command::new("python3").args(["-c", EXECUTE, file, text]));
        assert!(ended.status.success(), "{ended:?}");
    }
}
