//! What was done to a key, on both databases.

#![cfg(test)]

mod kit;
#[path = "kit/samples.rs"]
mod samples;

use samples::{account, at, key, stored, version};
use torvus_audit::AuditRecord;
use torvus_domain::{ApiKey, Category, Outcome};
use torvus_storage::{accounts, audit, keys, trail};

fn done(key: &ApiKey, number: i64, category: Category) -> AuditRecord {
    let mut record = AuditRecord::new(at(number), category, Outcome::Ok);
    record.account_id = Some(key.account_id);
    record.key_id = Some(key.id);
    record.action = Some(format!("key.{number}"));
    record
}

kit::on_both! {
    fn the_trail_is_of_one_key_and_of_its_changes_alone(database) {
        let store = database.store();
        let (_, one, _) = stored(&store);
        let you = account("other@example.com");
        let (other, digest) = key(&you, "other");
        store.write(|c| {
            accounts::insert(c, &you, "hash")?;
            keys::insert(c, &other, &digest, version(1))
        }).unwrap();
        assert_eq!(store.read(|c| trail::of_key(c, one.id, 9)).unwrap(), []);
        assert_eq!(store.read(|c| trail::first(c, one.id)).unwrap(), None);
        let records: Vec<_> = (1..=30)
            .map(|number| match number % 3 {
                0 => done(&one, number, Category::KeyManagement),
                1 => done(&one, number, Category::ApiActivity),
                _ => done(&other, number, Category::KeyManagement),
            })
            .collect();
        store.write(|c| audit::append(c, &records)).unwrap();
        let last = store.read(|c| trail::of_key(c, one.id, 4)).unwrap();
        let actions: Vec<_> = last.iter().map(|record| record.action.as_deref().unwrap()).collect();
        assert_eq!(actions, ["key.30", "key.27", "key.24", "key.21"]);
        let first = store.read(|c| trail::first(c, one.id)).unwrap().unwrap();
        assert_eq!(first.action.as_deref(), Some("key.3"));
    }
}
