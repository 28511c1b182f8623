//! An app's database, opened by the test itself.

use torvus_storage::{Store, StoreUrl, indexing};

use crate::TestApp;

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
}
