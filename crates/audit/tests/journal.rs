//! The journals from outside: what was told to be safe is there, once and in order, whatever fails.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use torvus_audit::journal::{
    Durability, Found, Frame, Journals, NotRecorded, SegmentReader, segments,
};
use torvus_audit::{AuditRecord, Head};
use torvus_domain::{AuditId, Category, ChainId, Outcome, RequestId, Timestamp};

const PLENTY: u64 = 1 << 30;

/// Journals in a folder that can be taken away from them.
struct Place {
    root: TempDir,
    journals: Arc<Journals>,
}

impl Place {
    fn open(durability: Durability, journals: usize, bytes_max: u64) -> Self {
        let root = tempfile::tempdir().unwrap();
        let journals = Journals::open(
            &root.path().join("journal"),
            durability,
            journals,
            bytes_max,
        );
        Self {
            root,
            journals: Arc::new(journals.unwrap()),
        }
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("journal")
    }

    fn away(&self) -> PathBuf {
        self.root.path().join("away")
    }

    fn take_away(&self) {
        fs::rename(self.folder(), self.away()).unwrap();
    }

    fn give_back(&self) {
        fs::rename(self.away(), self.folder()).unwrap();
    }
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn record() -> AuditRecord {
    let mut record = AuditRecord::new(Timestamp::UNIX_EPOCH, Category::ApiActivity, Outcome::Ok);
    record.request_id = Some(RequestId::new(Timestamp::UNIX_EPOCH));
    record.status = Some(200);
    record
}

/// A record that makes its line longer.
fn long(bytes: usize) -> AuditRecord {
    let mut record = record();
    record.path = Some("x".repeat(bytes));
    record
}

/// Records until the segment is so long that the next record begins another one; how many that were.
async fn fill(place: &Place) -> usize {
    for count in 0.. {
        let names = segments(&place.folder()).unwrap();
        let last = names.last().unwrap().path(&place.folder());
        if fs::metadata(last).unwrap().len() >= 16 << 20 {
            return count;
        }
        place.journals.record(long(100_000)).await.unwrap();
    }
    unreachable!()
}

/// How a change is recorded whose outcome was lost: that is what its client was told.
const LOST: (Option<u16>, Outcome) = (Some(503), Outcome::Unavailable);

#[derive(Default)]
struct Written {
    records: Vec<AuditRecord>,
    intents: Vec<AuditId>,
    /// Segments of each chain.
    chains: BTreeMap<ChainId, u32>,
}

impl Written {
    fn ends_of(&self, change: &AuditRecord) -> Vec<(Option<u16>, Outcome)> {
        let of_it = |record: &&AuditRecord| record.request_id == change.request_id;
        let records = self.records.iter().filter(of_it);
        records
            .map(|record| (record.status, record.outcome))
            .collect()
    }

    fn ids(&self) -> Vec<AuditId> {
        let mut ids: Vec<AuditId> = self.records.iter().map(|record| record.id).collect();
        ids.sort_unstable();
        ids
    }
}

/// All that lies in the folder; each chain must be whole, and run forwards.
fn read(folder: &Path) -> Written {
    let mut written = Written::default();
    let mut ends: BTreeMap<ChainId, (Head, Timestamp)> = BTreeMap::new();
    for name in segments(folder).unwrap() {
        written.chains.insert(name.chain, name.number);
        let mut reader = SegmentReader::open(folder, name, 0, u64::MAX).unwrap();
        loop {
            let (head, line) = match reader.next_frame().unwrap() {
                Found::Frame(Frame::Record { head, line, .. }) => (head, line),
                Found::Frame(Frame::Intent(intent)) => {
                    written.intents.push(intent.id);
                    continue;
                }
                Found::End => break,
                Found::Damage => panic!("damage in {name:?} at {}", reader.offset()),
            };
            let record = AuditRecord::from_line(&line).unwrap();
            let before = ends.get(&name.chain).copied();
            let genesis = (Head::genesis(name.chain), Timestamp::MIN_UTC);
            let (end, at) = before.unwrap_or(genesis);
            assert_eq!(head, end.next(line.as_bytes()), "no gap, no place twice");
            assert!(record.at > at, "times of a chain run forwards");
            ends.insert(name.chain, (head, record.at));
            written.records.push(record);
        }
    }
    written
}

fn sorted(records: &[AuditRecord]) -> Vec<AuditId> {
    let mut ids: Vec<AuditId> = records.iter().map(|record| record.id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn many_tasks_on_many_threads_are_each_recorded_once() {
    for durability in [Durability::Process, Durability::Power] {
        let place = Place::open(durability, 4, PLENTY);
        let records: Vec<AuditRecord> = (0..4_000).map(|_| record()).collect();
        std::thread::scope(|scope| {
            for some in records.chunks(500) {
                let journals = Arc::clone(&place.journals);
                scope.spawn(move || {
                    one_thread().block_on(async {
                        let tasks: Vec<_> = some
                            .iter()
                            .map(|record| {
                                let (journals, record) = (Arc::clone(&journals), record.clone());
                                tokio::spawn(async move { journals.record(record).await })
                            })
                            .collect();
                        for task in tasks {
                            assert_eq!(task.await.unwrap(), Ok(()));
                        }
                    });
                });
            }
        });
        let written = read(&place.folder());
        assert_eq!(written.ids(), sorted(&records));
        assert_eq!(written.chains.len(), 4, "a chain for each journal");
        for (chain, number) in written.chains {
            let (segment, offset) = place.journals.safe_up_to(chain).unwrap();
            let name = segments(&place.folder()).unwrap();
            let last = name.iter().rfind(|name| name.chain == chain).unwrap();
            let length = fs::metadata(last.path(&place.folder())).unwrap().len();
            assert_eq!((segment, offset), (number, length), "all of it is safe");
        }
    }
}

#[test]
fn a_change_that_can_not_be_recorded_is_recorded_later() {
    for durability in [Durability::Process, Durability::Power] {
        let place = Place::open(durability, 1, PLENTY);
        let journals = &place.journals;
        let (change, mut before) = (record(), 0);
        one_thread().block_on(async {
            place.take_away();
            assert_eq!(journals.record(record()).await, Err(NotRecorded));
            assert_eq!(journals.intend(&record()).await, Err(NotRecorded));
            place.give_back();
            journals.intend(&change).await.unwrap();
            // The next record needs a new segment, for which there is no place.
            before = fill(&place).await;
            place.take_away();
            assert_eq!(journals.record(change.clone()).await, Err(NotRecorded));
            assert_eq!(journals.record(record()).await, Err(NotRecorded));
            place.give_back();
            journals.record(record()).await.unwrap();
        });
        let written = read(&place.folder());
        assert_eq!(written.ends_of(&change), [LOST], "{durability:?}");
        assert_eq!(written.records.len(), before + 2);
        assert_eq!(written.chains.len(), 2, "a chain ends where a write fails");
    }
}

#[test]
fn what_is_left_of_a_chain_that_failed_can_be_forgotten() {
    let place = Place::open(Durability::Process, 1, PLENTY);
    let journals = &place.journals;
    let open = record();
    one_thread().block_on(async {
        journals.intend(&open).await.unwrap();
        fill(&place).await;
        place.take_away();
        assert_eq!(journals.record(record()).await, Err(NotRecorded));
        place.give_back();
        assert_eq!(
            journals.ended(),
            [],
            "what is open has to be safe elsewhere"
        );
        journals.record(record()).await.unwrap();
    });
    let ended = journals.ended();
    assert_eq!(ended.len(), 1);
    journals.forget(&ended).unwrap();
    assert_eq!(journals.ended(), []);
    let written = read(&place.folder());
    assert_eq!((written.records.len(), written.intents), (1, vec![open.id]));
    let name = segments(&place.folder()).unwrap()[0];
    let length = fs::metadata(name.path(&place.folder())).unwrap().len();
    assert_eq!(journals.bytes(), length);
}

#[test]
fn failures_leave_no_files_behind() {
    let place = Place::open(Durability::Process, 1, PLENTY);
    one_thread().block_on(async {
        for _ in 0..20 {
            place.take_away();
            assert_eq!(place.journals.record(record()).await, Err(NotRecorded));
            place.give_back();
        }
        place.journals.record(record()).await.unwrap();
    });
    assert_eq!(segments(&place.folder()).unwrap().len(), 1);
}

#[test]
fn a_new_segment_has_what_is_still_open() {
    let place = Place::open(Durability::Process, 1, PLENTY);
    let (open, ended) = (record(), record());
    one_thread().block_on(async {
        place.journals.intend(&open).await.unwrap();
        place.journals.intend(&ended).await.unwrap();
        place.journals.record(ended.clone()).await.unwrap();
        fill(&place).await;
        place.journals.record(record()).await.unwrap();
    });
    let names = segments(&place.folder()).unwrap();
    assert_eq!(names.len(), 2);
    fs::remove_file(names[0].path(&place.folder())).unwrap();
    let mut reader = SegmentReader::open(&place.folder(), names[1], 0, u64::MAX).unwrap();
    let Found::Frame(Frame::Intent(intent)) = reader.next_frame().unwrap() else {
        panic!("no intent");
    };
    assert_eq!(intent.id, open.id);
    assert!(matches!(
        reader.next_frame().unwrap(),
        Found::Frame(Frame::Record { .. })
    ));
}

#[test]
fn what_waits_is_written_when_its_first_client_is_gone() {
    let place = Place::open(Durability::Process, 1, PLENTY);
    let (first, second) = (record(), record());
    one_thread().block_on(async {
        let mut gone = Box::pin(place.journals.record(first.clone()));
        // It has taken its turn, and waits for the end of the loop's.
        assert!(futures_poll(gone.as_mut()).is_pending());
        let waits = place.journals.record(second.clone());
        tokio::join!(async { drop(gone) }, async {
            assert_eq!(waits.await, Ok(()));
        });
    });
    assert_eq!(read(&place.folder()).ids(), sorted(&[first, second]));
}

fn futures_poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> std::task::Poll<T> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

#[test]
fn a_full_journal_takes_nothing_until_there_is_room() {
    let root = tempfile::tempdir().unwrap();
    let open = |most| Journals::open(root.path(), Durability::Process, 1, most).unwrap();
    let change = record();
    one_thread().block_on(async {
        open(PLENTY).record(long(60_000)).await.unwrap();
        let left = segments(root.path()).unwrap()[0];
        let journals = open(62_000);
        journals.intend(&change).await.unwrap();
        journals.record(long(2_000)).await.unwrap();
        let (full, before) = (journals.bytes(), read(root.path()).records.len());
        assert!(full >= 62_000 && journals.probe().is_err());
        assert_eq!(journals.record(record()).await, Err(NotRecorded));
        assert_eq!(journals.intend(&record()).await, Err(NotRecorded));
        assert_eq!(journals.record(change.clone()).await, Err(NotRecorded));
        assert_eq!(journals.bytes(), full);
        assert_eq!(read(root.path()).records.len(), before);
        journals.remove(left).unwrap();
        journals.probe().unwrap();
        journals.record(record()).await.unwrap();
    });
    assert_eq!(read(root.path()).ends_of(&change), [LOST]);
}

#[test]
fn a_folder_has_one_owner() {
    let place = Place::open(Durability::Process, 1, PLENTY);
    let another = || Journals::open(&place.folder(), Durability::Process, 1, PLENTY);
    let error = another().err().unwrap();
    assert!(error.to_string().contains("another server"), "{error}");
    let again = Place { ..place };
    let folder = again.folder();
    drop(again.journals);
    Journals::open(&folder, Durability::Process, 1, PLENTY).unwrap();
}
