//! Vaults and what they hold, check-ins and idempotency, on both databases.

#![cfg(test)]

mod kit;
#[path = "kit/samples.rs"]
mod samples;

use std::sync::mpsc;

use chrono::TimeDelta;
use samples::{account, at, stored};
use torvus_domain::{CheckInId, DocumentId, PolicyId, RecipientId, VaultId};
use torvus_key_core::Environment;
use torvus_storage::idempotency::{self, Begin};
use torvus_storage::resources::check_ins::{self, CheckIn};
use torvus_storage::resources::documents::{self, Document};
use torvus_storage::resources::policies::{self, Policy, PolicyKind};
use torvus_storage::resources::recipients::{self, Recipient};
use torvus_storage::resources::vaults::{self, Vault, VaultChange};
use torvus_storage::resources::{Page, Scope};
use torvus_storage::{StorageError, Store, accounts};

const KEY: &str = "order-1";

fn live(store: &Store) -> Scope {
    Scope {
        account_id: stored(store).0.id,
        environment: Environment::Live,
    }
}

fn vault(scope: Scope, micros: i64) -> Vault {
    Vault {
        id: VaultId::new(at(micros)),
        scope,
        name: "Tresor".to_owned(),
        description: Some("für später".to_owned()),
        created_at: at(micros),
        updated_at: at(micros),
    }
}

fn document(vault_id: VaultId) -> Document {
    Document {
        id: DocumentId::new(at(2)),
        vault_id,
        name: "letter".to_owned(),
        content_type: "text/plain".to_owned(),
        size: 3,
        sha256: [9; 32],
        created_at: at(2),
        updated_at: at(2),
    }
}

fn page(limit: usize) -> Page {
    Page {
        limit,
        before: None,
    }
}

kit::on_both! {
    fn a_vault_is_stored_changed_and_deleted(database) {
        let store = database.store();
        let mut mine = vault(live(&store), 1);
        store.write(|c| vaults::insert(c, &mine)).unwrap();
        let found = store.read(|c| vaults::find_any(c, mine.id)).unwrap();
        assert_eq!(found.as_ref(), Some(&mine));

        let change = VaultChange { name: Some("Safe".to_owned()), description: None };
        let changed = store.write(|c| vaults::update(c, mine.id, &change, at(7))).unwrap();
        mine.name = "Safe".to_owned();
        mine.updated_at = at(7);
        assert_eq!(changed.as_ref(), Some(&mine));

        let change = VaultChange { name: None, description: Some(None) };
        let changed = store.write(|c| vaults::update(c, mine.id, &change, at(8))).unwrap();
        mine.description = None;
        mine.updated_at = at(8);
        assert_eq!(changed, Some(mine.clone()));

        assert!(store.write(|c| vaults::delete(c, mine.id)).unwrap());
        assert!(!store.write(|c| vaults::delete(c, mine.id)).unwrap());
        let gone = store.write(|c| vaults::update(c, mine.id, &change, at(9))).unwrap();
        assert_eq!(gone, None);
    }

    fn lists_are_newest_first_and_page_by_page(database) {
        let store = database.store();
        let scope = live(&store);
        // Two of the same instant, too: then the identifier decides.
        let mut mine: Vec<Vault> = [1, 2, 2, 3].into_iter().map(|at| vault(scope, at)).collect();
        for vault in &mine {
            store.write(|c| vaults::insert(c, vault)).unwrap();
        }
        let test = Scope { environment: Environment::Test, ..scope };
        store.write(|c| vaults::insert(c, &vault(test, 4))).unwrap();
        mine.sort_by_key(|vault| (vault.created_at, vault.id.to_string()));
        mine.reverse();

        let mut seen = Vec::new();
        let mut asked = page(1);
        loop {
            let rows = store.read(|c| vaults::list(c, scope, &asked)).unwrap();
            let more = rows.len() > 1;
            let first = rows.into_iter().next().unwrap();
            asked.before = Some((first.created_at, first.id.to_string()));
            seen.push(first);
            if !more {
                break;
            }
        }
        assert_eq!(seen, mine);
        let other = store.read(|c| vaults::list(c, test, &page(10))).unwrap();
        assert_eq!(other.len(), 1);
    }

    fn a_vault_takes_what_it_holds_with_it(database) {
        let store = database.store();
        let mine = vault(live(&store), 1);
        let letter = document(mine.id);
        let heir = Recipient {
            id: RecipientId::new(at(2)),
            vault_id: mine.id,
            name: "Zoë".to_owned(),
            email: Some("zoe@example.com".to_owned()),
            created_at: at(2),
            updated_at: at(2),
        };
        let policy = Policy {
            id: PolicyId::new(at(2)),
            vault_id: mine.id,
            name: "after a year".to_owned(),
            kind: PolicyKind::Scheduled,
            settings: r#"{"days":365,"nul":"\u0000"}"#.to_owned(),
            created_at: at(2),
            updated_at: at(2),
        };
        store.write(|c| {
            vaults::insert(c, &mine)?;
            documents::insert(c, &letter, b"a\0b")?;
            recipients::insert(c, &heir)?;
            policies::insert(c, &policy)
        }).unwrap();
        let documents = |store: &Store| store.read(|c| documents::list(c, mine.id, &page(9)));
        let recipients = |store: &Store| store.read(|c| recipients::list(c, mine.id, &page(9)));
        let policies = |store: &Store| store.read(|c| policies::list(c, mine.id, &page(9)));
        assert_eq!(documents(&store).unwrap(), std::slice::from_ref(&letter));
        assert_eq!(recipients(&store).unwrap(), std::slice::from_ref(&heir));
        assert_eq!(policies(&store).unwrap(), [policy]);

        let elsewhere = VaultId::new(at(3));
        assert!(!store.write(|c| recipients::delete(c, elsewhere, heir.id)).unwrap());
        assert!(store.write(|c| recipients::delete(c, mine.id, heir.id)).unwrap());
        assert!(!store.write(|c| recipients::delete(c, mine.id, heir.id)).unwrap());

        assert!(store.write(|c| vaults::delete(c, mine.id)).unwrap());
        assert!(documents(&store).unwrap().is_empty());
        assert!(policies(&store).unwrap().is_empty());
        let orphan = store.write(|c| documents::insert(c, &letter, b"abc"));
        assert!(matches!(orphan, Err(StorageError::Missing)), "{orphan:?}");
    }

    fn check_ins_are_of_their_scope(database) {
        let store = database.store();
        let scope = live(&store);
        let check_in = CheckIn {
            id: CheckInId::new(at(1)),
            scope,
            note: None,
            created_at: at(1),
            updated_at: at(1),
        };
        store.write(|c| check_ins::insert(c, &check_in)).unwrap();
        let test = Scope { environment: Environment::Test, ..scope };
        assert_eq!(store.read(|c| check_ins::list(c, scope, &page(1))).unwrap(), [check_in]);
        assert!(store.read(|c| check_ins::list(c, test, &page(1))).unwrap().is_empty());
    }

    fn an_answer_is_kept_for_a_day(database) {
        let store = database.store();
        let scope = live(&store);
        let begin = |print: u8, at| store.write(|c| idempotency::begin(c, scope, KEY, [print; 32], at));
        store.write(|c| {
            assert_eq!(idempotency::begin(c, scope, KEY, [1; 32], at(0))?, Begin::New);
            idempotency::finish(c, scope, KEY, 201, b"{}", Some("/v1/x"))
        }).unwrap();
        let replay = Begin::Replay {
            status: 201,
            body: b"{}".to_vec(),
            location: Some("/v1/x".to_owned()),
        };
        let day = TimeDelta::hours(idempotency::KEPT_HOURS);
        assert_eq!(begin(1, at(-1) + day).unwrap(), replay);
        assert_eq!(begin(2, at(-1) + day).unwrap(), Begin::Mismatch);

        let stranger = account("other@example.com");
        store.write(|c| accounts::insert(c, &stranger, "hash")).unwrap();
        for other in [
            Scope { environment: Environment::Test, ..scope },
            Scope { account_id: stranger.id, ..scope },
        ] {
            let new = store.write(|c| idempotency::begin(c, other, KEY, [2; 32], at(1)));
            assert_eq!(new.unwrap(), Begin::New);
        }
        assert_eq!(begin(2, at(0) + day).unwrap(), Begin::New);
        store.write(|c| idempotency::abandon(c, scope, KEY)).unwrap();
        assert_eq!(begin(3, at(0) + day).unwrap(), Begin::New);
        assert_eq!(store.write(|c| idempotency::prune(c, at(2))).unwrap(), 2);
    }

    fn a_second_request_finds_the_first_or_is_told_of_it(database) {
        let store = database.store();
        let scope = live(&store);
        let begin = move |c: &mut _| idempotency::begin(c, scope, KEY, [1; 32], at(0));
        let (begun, wait) = mpsc::channel();
        std::thread::scope(|threads| {
            let beside = &store;
            let second = threads.spawn(move || {
                wait.recv().unwrap();
                beside.write(begin).unwrap()
            });
            store.write(|c| {
                assert_eq!(begin(c)?, Begin::New);
                begun.send(()).unwrap();
                if database.url.to_string().starts_with("postgres") {
                    // It does not wait: it is told while this is under way.
                    while !second.is_finished() {
                        std::thread::yield_now();
                    }
                }
                idempotency::finish(c, scope, KEY, 201, b"{}", None)
            }).unwrap();
            let second = second.join().unwrap();
            let told = matches!(second, Begin::InFlight | Begin::Replay { .. });
            assert!(told, "{second:?}");
        });
    }
}
