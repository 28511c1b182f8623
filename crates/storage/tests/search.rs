//! The audit log is searched a part at a time, on both databases.

#![cfg(test)]

mod kit;
#[path = "kit/samples.rs"]
mod samples;

use samples::{at, stored};
use torvus_audit::{AuditFilter, AuditRecord, StatusFilter};
use torvus_domain::{AccountId, Category, Outcome};
use torvus_key_core::Environment;
use torvus_storage::proofs::{self, Kind, Proof};
use torvus_storage::{Store, audit};

/// 600 records of an account: each 50th is a change, each 100th a sign-in,
/// each 70th a refusal; and another account's between them.
fn filled(store: &Store) -> (AccountId, Vec<AuditRecord>) {
    let (account, key, _) = stored(store);
    let records: Vec<AuditRecord> = (0..600)
        .map(|n| {
            let category = match n {
                n if n % 100 == 0 => Category::SignIn,
                n if n % 50 == 0 => Category::KeyManagement,
                _ => Category::ApiActivity,
            };
            let mut record = AuditRecord::new(at(2 * n), category, Outcome::Ok);
            record.account_id = Some(account.id);
            if category == Category::ApiActivity {
                record.key_id = Some(key.id);
                record.environment = Some(Environment::Live);
                record.path = Some(format!("/v1/vaults/{}", n % 3));
                record.status = Some(if n % 70 == 0 { 403 } else { 200 });
            }
            record
        })
        .collect();
    let other = AccountId::new(at(1));
    let others = (0..600).map(|n| {
        let mut record = AuditRecord::new(at(2 * n + 1), Category::ApiActivity, Outcome::Ok);
        record.account_id = Some(other);
        record.status = Some(403);
        record
    });
    let mut all: Vec<AuditRecord> = records.iter().cloned().chain(others).collect();
    all.sort_by_key(|record| record.at);
    store.write(|c| audit::append(c, &all)).unwrap();
    (account.id, records)
}

/// Searches to the end: what was found, and in how many parts.
fn searched(store: &Store, mut filter: AuditFilter, scan: u32) -> (Vec<AuditRecord>, usize) {
    let (mut found, mut parts) = (Vec::new(), 0);
    loop {
        let slice = store.read(|c| audit::search(c, &filter, scan)).unwrap();
        parts += 1;
        found.extend(slice.entries.into_iter().map(|entry| entry.record));
        match slice.next {
            Some(next) => filter.behind = Some(next),
            None => return (found, parts),
        }
    }
}

kit::on_both! {
    fn parts_hold_each_record_once(database) {
        let store = database.store();
        let (account, records) = filled(&store);
        let of = AuditFilter { account: Some(account), limit: Some(7), ..AuditFilter::default() };
        let check = |filter: AuditFilter, wanted: &dyn Fn(&AuditRecord) -> bool| {
            let expected: Vec<_> = records.iter().filter(|r| wanted(r)).cloned().collect();
            assert!(!expected.is_empty());
            for scan in [1, 10, 64, 1_000] {
                let forward = AuditFilter { oldest_first: true, ..filter.clone() };
                assert_eq!(searched(&store, forward, scan).0, expected, "{filter:?}");
                let (mut found, parts) = searched(&store, filter.clone(), scan);
                found.reverse();
                assert_eq!(found, expected, "{filter:?}");
                // All is read, and no more than `scan` of it at once.
                assert!(scan > 64 || parts >= expected.len() / 7);
            }
        };
        check(of.clone(), &|_| true);
        let refused = Some(StatusFilter::Class(4));
        check(AuditFilter { status: refused, ..of.clone() }, &|r| r.status == Some(403));
        let path = Some("/v1/vaults/1".to_owned());
        check(AuditFilter { path: path.clone(), ..of.clone() }, &|r| r.path == path);
        let live = Some(Environment::Live);
        check(AuditFilter { environment: live, ..of.clone() }, &|r| r.environment == live);
        for category in Category::ALL {
            let filter = AuditFilter { category: Some(*category), ..of.clone() };
            check(filter, &|r| r.category == *category);
        }
        let (from, to) = (at(300), at(900));
        let some = AuditFilter { from: Some(from), to: Some(to), status: refused, ..of };
        check(some, &|r| r.status == Some(403) && r.at >= from && r.at < to);
    }

    fn a_rare_record_is_looked_for_in_small_parts(database) {
        let store = database.store();
        let (account, records) = filled(&store);
        let filter = AuditFilter {
            account: Some(account),
            status: Some(StatusFilter::Exact(500)),
            limit: Some(7),
            ..AuditFilter::default()
        };
        assert_eq!(searched(&store, filter.clone(), 100).1, 7, "six whole parts, and the end");
        let slice = store.read(|c| audit::search(c, &filter, 100)).unwrap();
        assert_eq!((slice.entries.len(), slice.next.unwrap().at), (0, records[500].at));
    }

    fn the_end_of_a_part_tells_nothing_of_others(database) {
        let store = database.store();
        let (_, records) = filled(&store);
        let key = records.iter().find_map(|record| record.key_id).unwrap();
        let filter = AuditFilter {
            account: Some(AccountId::nil()),
            key: Some(key),
            limit: Some(7),
            ..AuditFilter::default()
        };
        assert!(filter.is_sparse());
        let slice = store.read(|c| audit::search(c, &filter, 10)).unwrap();
        assert_eq!((slice.entries.len(), slice.next), (0, None));
    }

    fn each_hands_over_all_or_as_many_as_are_wanted(database) {
        let store = database.store();
        let (account, records) = filled(&store);
        let take = |limit| {
            let filter = AuditFilter { account: Some(account), limit, oldest_first: true, ..AuditFilter::default() };
            let mut found = Vec::new();
            audit::each(&store, filter, |entry| {
                found.push(entry.record.clone());
                if found.len() < 590 { Ok(()) } else { Err("enough") }
            })
            .unwrap()
            .map(|()| found.len())
        };
        assert_eq!(take(Some(3)), Ok(3));
        assert_eq!(take(None), Err("enough"));
        assert_eq!(records.len(), 600);
    }

    fn the_last_proof_of_each_kind_is_kept(database) {
        let store = database.store();
        let last = |kind| store.read(|c| proofs::last(c, kind)).unwrap();
        assert_eq!((last(Kind::Verified), last(Kind::Checkpoint)), (None, None));
        for (kind, micros, sound) in [
            (Kind::Verified, 1, true),
            (Kind::Checkpoint, 2, true),
            (Kind::Verified, 3, false),
        ] {
            let proof = Proof { at: at(micros), sound };
            store.write(|c| proofs::note(c, kind, proof)).unwrap();
            assert_eq!(last(kind), Some(proof));
        }
        assert_eq!(last(Kind::Checkpoint).map(|proof| proof.at), Some(at(2)));
    }
}
