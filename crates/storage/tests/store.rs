//! The store itself: its tables, its transactions, its connections.

#![cfg(test)]

mod kit;
#[path = "kit/samples.rs"]
mod samples;

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use samples::{account, at, stored};
use torvus_domain::{NodeId, Secret, SecretInfo};
use torvus_storage::{Schema, StorageError, Store, StoreUrl, accounts, keys, nodes, secrets};

/// Does something that the store itself never would.
enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    #[expect(clippy::disallowed_methods, reason = "the scheme is known here")]
    fn open(url: &StoreUrl) -> Self {
        use diesel::Connection as _;
        match url {
            StoreUrl::Sqlite(path) => {
                Self::Sqlite(SqliteConnection::establish(path.to_str().unwrap()).unwrap())
            }
            StoreUrl::Postgres(url) => Self::Postgres(PgConnection::establish(url).unwrap()),
        }
    }

    fn run(&mut self, sql: &str) {
        match self {
            Self::Sqlite(c) => c.batch_execute(sql),
            Self::Postgres(c) => c.batch_execute(sql),
        }
        .unwrap();
    }

    fn revert_all(&mut self) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        let files = |name| FileBasedMigrations::from_path(format!("{folder}/{name}")).unwrap();
        match self {
            Self::Sqlite(c) => c.revert_all_migrations(files("sqlite")).map(drop),
            Self::Postgres(c) => c.revert_all_migrations(files("postgres")).map(drop),
        }
        .unwrap();
    }
}

/// The names of all migrations, as they lie in the repository.
fn migrations() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

kit::on_both! {
    fn migrations_go_up_and_down(database) {
        let store = Store::open(&database.url).unwrap();
        assert!(matches!(store.schema().unwrap(), Schema::Empty(pending) if !pending.is_empty()));
        let applied = store.migrate().unwrap();
        assert_eq!(applied, migrations());
        assert_eq!(store.schema().unwrap(), Schema::Current);
        assert!(store.migrate().unwrap().is_empty());
        Raw::open(&database.url).revert_all();
        assert!(matches!(store.schema().unwrap(), Schema::Empty(pending) if !pending.is_empty()));
        assert_eq!(store.migrate().unwrap(), applied);
    }

    fn keys_of_before_rotation_get_the_number_of_their_secret(database) {
        let store = database.store();
        let (_, key, digest) = stored(&store);
        // As the program before left it.
        let mut raw = Raw::open(&database.url);
        raw.run(match raw {
            Raw::Sqlite(_) => include_str!("../../../migrations/sqlite/2026-11-24-000006_secrets/down.sql"),
            Raw::Postgres(_) => include_str!("../../../migrations/postgres/2026-11-24-000006_secrets/down.sql"),
        });
        raw.run("DELETE FROM __diesel_schema_migrations WHERE version = '20261124000006'");
        assert_eq!(store.migrate().unwrap(), ["2026-11-24-000006_secrets"]);
        let found = store.read(|c| secrets::of_key(c, &key)).unwrap();
        let first = SecretInfo { secret: Secret::FIRST, hint: Some(key.hint.clone()), created_at: key.created_at };
        assert_eq!(found, [first]);
        let snapshot = store.read(|c| keys::snapshot_by_digests(c, &[digest])).unwrap().unwrap();
        assert_eq!((snapshot.key, snapshot.secret), (key, Secret::FIRST));
    }

    fn newer_tables_are_left_alone(database) {
        let store = database.store();
        Raw::open(&database.url)
            .run("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000001')");
        assert_eq!(store.schema().unwrap(), Schema::Newer);
        assert!(matches!(store.migrate(), Err(StorageError::Schema(_))));
    }

    fn of_many_that_migrate_one_does(database) {
        let applied: usize = std::thread::scope(|scope| {
            let all: Vec<_> = (0..6)
                .map(|_| scope.spawn(|| Store::open(&database.url).unwrap().migrate().unwrap().len()))
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).sum()
        });
        assert_eq!(applied, migrations().len());
    }

    fn what_fails_leaves_nothing(database) {
        let store = database.store();
        let you = account("you@example.com");
        let failed: Result<(), _> = store.write(|c| {
            accounts::insert(c, &you, "hash")?;
            Err(StorageError::Missing)
        });
        assert!(matches!(failed, Err(StorageError::Missing)));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            store.write(|c| -> Result<(), StorageError> {
                accounts::insert(c, &you, "hash")?;
                panic!("on purpose")
            })
        }));
        assert!(panicked.is_err());
        assert!(store.read(accounts::list).unwrap().is_empty());
        store.write(|c| accounts::insert(c, &you, "hash")).unwrap();
        assert_eq!(store.read(accounts::list).unwrap(), [you]);
    }

    fn two_processes_write_at_once_and_none_is_told_to_try_again(database) {
        // Two stores share nothing but the database: as two processes do.
        let stores = [database.store(), Store::open_for_server(&database.url).unwrap()];
        std::thread::scope(|scope| {
            for store in stores.iter().chain(&stores) {
                scope.spawn(move || {
                    for _ in 0..50 {
                        store
                            .write(|c| {
                                let before = nodes::live(c, at(0))?.len();
                                nodes::touch(c, NodeId::new(at(1)), at(1), "0.1.0")?;
                                assert!(nodes::live(c, at(0))?.len() > before);
                                Ok(())
                            })
                            .unwrap();
                        store.read(accounts::list).unwrap();
                    }
                });
            }
        });
        let written = stores[0].read(|c| nodes::live(c, at(0))).unwrap();
        assert_eq!(written.len(), 200);
    }

    fn a_row_that_can_not_be_read_is_an_error(database) {
        let store = database.store();
        let (_, key, digest) = stored(&store);
        let mut raw = Raw::open(&database.url);
        for wrong in ["permissions = 'fly'", "allowed_ips = ','", "own_limit = 99999999999", "hint_first = '…'"] {
            raw.run(&format!("UPDATE api_keys SET permissions = 'read', allowed_ips = '', own_limit = NULL, hint_first = 'abcd'; UPDATE api_keys SET {wrong}"));
            let found = store.read(|c| keys::find(c, key.id));
            assert!(matches!(found, Err(StorageError::Corrupt { table: "api_keys", .. })), "{wrong}");
            assert!(store.read(|c| keys::snapshot_by_digests(c, std::slice::from_ref(&digest))).is_err());
        }
    }

    fn nothing_that_is_read_shows_a_digest(database) {
        let store = database.store();
        let (_, _, digest) = stored(&store);
        let snapshot = store.read(|c| keys::snapshot_by_digests(c, std::slice::from_ref(&digest))).unwrap();
        let shown = format!("{snapshot:?} {store:?}");
        let hex: String = digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!shown.contains(&hex));
        assert!(!shown.contains(&format!("{:?}", digest.as_bytes())));
    }
}

#[test]
fn a_file_is_for_its_owner_only() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("torvus.db");
    let store = Store::open(&StoreUrl::Sqlite(file)).unwrap();
    store.migrate().unwrap();
    store.read(accounts::list).unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    assert!(files.len() > 1, "the log of a write is beside it");
    for file in files {
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn what_can_not_be_reached_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let missing = StoreUrl::Sqlite(folder.path().join("no/torvus.db"));
    let text = folder.path().join("text.db");
    std::fs::write(&text, "this is not a database, but a text of some length").unwrap();
    let refused = StoreUrl::parse("postgres://me:hush@127.0.0.1:1/torvus").unwrap();
    for url in [missing, StoreUrl::Sqlite(text), refused] {
        let error = Store::open(&url).unwrap_err();
        assert!(matches!(error, StorageError::Unavailable(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains("hush"));
    }
    assert!(!folder.path().join("no").exists());
}
