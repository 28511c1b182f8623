//! From the journals into the tables, on both databases: each record once, whatever is cut off or damaged.

#![cfg(test)]

mod kit;
#[path = "kit/samples.rs"]
mod samples;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use samples::{at, stored};
use tempfile::TempDir;
use torvus_audit::journal::{Durability, Journals, SegmentName, segments};
use torvus_audit::{AuditFilter, AuditRecord, Head};
use torvus_domain::{ApiKey, Category, ChainId, Outcome, RequestId};
use torvus_storage::audit::Entry;
use torvus_storage::indexing::{self, IndexError, Indexed};
use torvus_storage::{Store, audit, usage};

fn request(key: &ApiKey) -> AuditRecord {
    let mut record = AuditRecord::new(at(9), Category::ApiActivity, Outcome::Ok);
    record.request_id = Some(RequestId::new(at(9)));
    record.account_id = Some(key.account_id);
    record.key_id = Some(key.id);
    record.environment = Some(key.environment);
    record.method = Some("POST".to_owned());
    record.route = Some("/v1/vaults".to_owned());
    record.status = Some(201);
    record.billable = true;
    record
}

/// A folder of journals, and the thread that records into it.
struct Place {
    root: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Place {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        Self {
            root: tempfile::tempdir().unwrap(),
            runtime: runtime.unwrap(),
        }
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("journal")
    }

    /// A server that runs until what it gives is dropped, as if it were killed.
    fn server(&self) -> Journals {
        Journals::open(&self.folder(), Durability::Process, 1, 1 << 30).unwrap()
    }

    fn record(&self, journals: &Journals, records: &[AuditRecord]) {
        for record in records {
            self.runtime
                .block_on(journals.record(record.clone()))
                .unwrap();
        }
    }

    fn intend(&self, journals: &Journals, record: &AuditRecord) {
        self.runtime.block_on(journals.intend(record)).unwrap();
    }

    fn last_segment(&self) -> PathBuf {
        let names = segments(&self.folder()).unwrap();
        names.last().unwrap().path(&self.folder())
    }
}

fn requests(key: &ApiKey, count: usize) -> Vec<AuditRecord> {
    (0..count).map(|_| request(key)).collect()
}

fn catch_up(store: &Store, folder: &Path) -> Indexed {
    indexing::catch_up(store, folder, &|_| None).unwrap()
}

/// What the log holds; each chain is whole.
fn log(store: &Store) -> Vec<Entry> {
    let filter = AuditFilter {
        oldest_first: true,
        ..AuditFilter::default()
    };
    let entries = store.read(|c| audit::list(c, &filter)).unwrap();
    let mut ends: BTreeMap<ChainId, Head> = BTreeMap::new();
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by_key(|entry| (entry.chain, entry.head.seq));
    for entry in sorted {
        let end = ends
            .entry(entry.chain)
            .or_insert_with(|| Head::genesis(entry.chain));
        *end = end.next(entry.line.as_bytes());
        assert_eq!(*end, entry.head);
    }
    entries
}

/// Of the key's records: how many there are, which is what its usage says.
fn counted(store: &Store, key: &ApiKey) -> usize {
    let entries = log(store);
    let count = entries
        .iter()
        .filter(|entry| entry.record.key_id == Some(key.id))
        .count();
    let day = at(9).date_naive();
    let usage = store.read(|c| usage::of_key(c, key.id, day, day)).unwrap();
    assert_eq!(usage.total_requests, count as u64);
    count
}

fn unknown(store: &Store) -> Vec<AuditRecord> {
    let entries = log(store);
    let records = entries.into_iter().map(|entry| entry.record);
    records
        .filter(|record| record.outcome == Outcome::Unknown)
        .collect()
}

kit::on_both! {
    fn two_at_once_index_each_record_once(database) {
        let (store, place) = (database.store(), Place::new());
        let (_, key, _) = stored(&store);
        let journals = place.server();
        place.record(&journals, &requests(&key, 2_500));
        let found: usize = std::thread::scope(|scope| {
            let indexing = || catch_up(&store, &place.folder()).records;
            let others: Vec<_> = (0..3).map(|_| scope.spawn(indexing)).collect();
            others.into_iter().map(|other| other.join().unwrap()).sum()
        });
        assert_eq!((found, counted(&store, &key)), (2_500, 2_500));
        assert_eq!(catch_up(&store, &place.folder()).records, 0);
        place.record(&journals, &requests(&key, 1));
        assert_eq!(catch_up(&store, &place.folder()).records, 1);
        assert_eq!(counted(&store, &key), 2_501);
    }

    fn nothing_behind_what_is_safe_is_indexed(database) {
        let (store, place) = (database.store(), Place::new());
        let (_, key, _) = stored(&store);
        let journals = place.server();
        place.record(&journals, &requests(&key, 2));
        let name = segments(&place.folder()).unwrap()[0];
        let safe = journals.safe_up_to(name.chain);
        place.record(&journals, &requests(&key, 2));
        let indexed = indexing::catch_up(&store, &place.folder(), &|_| safe).unwrap();
        assert_eq!((indexed.records, counted(&store, &key)), (2, 2));
        let indexed = indexing::catch_up(&store, &place.folder(), &|c| journals.safe_up_to(c));
        assert_eq!((indexed.unwrap().records, counted(&store, &key)), (2, 4));
    }

    fn a_torn_tail_is_left_out(database) {
        let (store, place) = (database.store(), Place::new());
        let (_, key, _) = stored(&store);
        place.record(&place.server(), &requests(&key, 3));
        let file = place.last_segment();
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() - 5]).unwrap();
        let torn = catch_up(&store, &place.folder()).torn;
        assert_eq!((torn.len(), counted(&store, &key)), (1, 2));
        let left = indexing::recover(&store, &place.folder()).unwrap();
        assert_eq!((left.len(), counted(&store, &key)), (1, 2));
        assert_eq!(indexing::damaged(&place.folder()).unwrap(), Vec::<PathBuf>::new());
    }

    fn damage_is_named_and_set_aside_and_what_was_before_it_is_kept(database) {
        let (store, place) = (database.store(), Place::new());
        let (_, key, _) = stored(&store);
        let journals = place.server();
        let open = request(&key);
        place.record(&journals, &requests(&key, 3));
        place.intend(&journals, &open);
        let good = fs::metadata(place.last_segment()).unwrap().len();
        place.record(&journals, &requests(&key, 3));
        drop(journals);
        let file = place.last_segment();
        let mut bytes = fs::read(&file).unwrap();
        bytes[usize::try_from(good).unwrap() + 60] ^= 1;
        fs::write(&file, bytes).unwrap();

        let error = indexing::catch_up(&store, &place.folder(), &|_| None).unwrap_err();
        let IndexError::Damaged { offset, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((offset, counted(&store, &key)), (good, 3));
        for _ in 0..2 {
            indexing::recover(&store, &place.folder()).unwrap();
            assert_eq!(indexing::damaged(&place.folder()).unwrap().len(), 1);
            assert_eq!(unknown(&store).len(), 1, "the change before the damage has a trace");
            assert_eq!(counted(&store, &key), 4);
        }
    }

    fn a_changed_length_or_title_is_damage_and_no_torn_tail(database) {
        let (store, place) = (database.store(), Place::new());
        let (_, key, _) = stored(&store);
        for (kept, at_title) in [(2, false), (0, true)] {
            let journals = place.server();
            place.record(&journals, &requests(&key, kept));
            // The low byte of the next frame's length, or a letter of the title.
            let byte = match at_title {
                true => 3,
                false => fs::metadata(place.last_segment()).unwrap().len(),
            };
            place.record(&journals, &requests(&key, 3));
            drop(journals);
            let file = place.last_segment();
            let mut bytes = fs::read(&file).unwrap();
            bytes[usize::try_from(byte).unwrap()] ^= 1 << 6;
            fs::write(&file, bytes).unwrap();
            let error = indexing::catch_up(&store, &place.folder(), &|_| None).unwrap_err();
            assert!(matches!(error, IndexError::Damaged { .. }), "{error}");
            for name in indexing::recover(&store, &place.folder()).unwrap() {
                fs::remove_file(name.path(&place.folder())).unwrap();
            }
            assert_eq!(counted(&store, &key), 2, "what is before the damage is kept");
        }
        assert_eq!(indexing::damaged(&place.folder()).unwrap().len(), 2);
    }

    fn a_change_whose_record_was_pruned_is_not_open(database) {
        let (store, place) = (database.store(), Place::new());
        let (_, key, _) = stored(&store);
        let (change, journals) = (request(&key), place.server());
        place.intend(&journals, &change);
        place.record(&journals, &[change]);
        drop(journals);
        assert_eq!(catch_up(&store, &place.folder()).records, 1);
        assert_eq!(store.write(|c| audit::remove_before(c, at(1_000_000))).unwrap(), 1);
        indexing::recover(&store, &place.folder()).unwrap();
        assert!(log(&store).is_empty());
    }

    fn what_was_cut_off_ends_as_unknown_once(database) {
        let (store, place) = (database.store(), Place::new());
        let (_, key, _) = stored(&store);
        let (ended, open) = (request(&key), request(&key));
        let journals = place.server();
        place.intend(&journals, &ended);
        place.intend(&journals, &open);
        place.record(&journals, &[ended]);
        drop(journals);
        for _ in 0..3 {
            let left = indexing::recover(&store, &place.folder()).unwrap();
            assert_eq!(left.len(), 1, "the segment has done its duty");
            let unknown = unknown(&store);
            assert_eq!(unknown.len(), 1);
            assert_eq!((unknown[0].id, unknown[0].status), (open.id, None));
            assert_eq!(unknown[0].request_id, open.request_id);
            assert_eq!(counted(&store, &key), 2);
        }
    }

    fn a_segment_that_was_only_begun_hides_no_open_change(database) {
        let (store, place) = (database.store(), Place::new());
        let (_, key, _) = stored(&store);
        place.intend(&place.server(), &request(&key));
        let mut name = segments(&place.folder()).unwrap()[0];
        name.number += 1;
        let title = format!("torvus-journal 1 {} {}\n", name.chain, name.number);
        fs::write(name.path(&place.folder()), title).unwrap();
        indexing::recover(&store, &place.folder()).unwrap();
        assert_eq!((unknown(&store).len(), counted(&store, &key)), (1, 1));
    }

    fn a_lost_outcome_that_was_recorded_later_ends_its_change(database) {
        let (store, place) = (database.store(), Place::new());
        let (_, key, _) = stored(&store);
        let change = request(&key);
        place.intend(&place.server(), &change);
        let mut later = change.clone();
        later.id = request(&key).id;
        place.record(&place.server(), &[later]);
        indexing::recover(&store, &place.folder()).unwrap();
        assert_eq!((unknown(&store).len(), counted(&store, &key)), (0, 1));
    }

    fn segments_that_are_indexed_are_given_back(database) {
        let (store, place) = (database.store(), Place::new());
        let (_, key, _) = stored(&store);
        let journals = place.server();
        let mut long = request(&key);
        long.path = Some("x".repeat(100_000));
        let names = || segments(&place.folder()).unwrap();
        let mut count = 0;
        while names().len() < 2 {
            long.id = request(&key).id;
            place.record(&journals, &[long.clone()]);
            count += 1;
        }
        let indexed = catch_up(&store, &place.folder());
        assert_eq!(indexed.records, count);
        let done: Vec<SegmentName> = catch_up(&store, &place.folder()).done;
        assert_eq!(done, names()[..1]);
        journals.remove(done[0]).unwrap();
        place.record(&journals, &requests(&key, 1));
        assert_eq!(catch_up(&store, &place.folder()).records, 1);
        assert_eq!(counted(&store, &key), count + 1);
    }
}
