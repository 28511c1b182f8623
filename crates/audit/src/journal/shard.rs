//! One journal: its buffer, its segment and its chain.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{counter, histogram};
use tokio::sync::oneshot;
use torvus_domain::{AuditId, ChainId, Outcome, Timestamp};

use super::frame::{put_intent, put_record};
use super::segment::{SegmentName, create};
use super::shared::Shared;
use super::sync::Job;
use crate::{AuditRecord, Head};

/// A segment that is longer is followed by a new one.
const SEGMENT_BYTES: u64 = 16 << 20;

/// A journal. Nearly always only one thread asks for it.
pub(super) type Shared1 = Arc<Mutex<Shard>>;

pub(super) struct Shard {
    shared: Arc<Shared>,
    /// The way to the disk, where the records have to be on it.
    disk: Option<Sender<Job>>,
    chain: ChainId,
    head: Head,
    last_at: i64,
    segment: Option<Segment>,
    /// Segments before it, of which not all is safe.
    older: Vec<Segment>,
    /// Segments of chains that were given up, to be cut back to what is safe
    /// before anything more is written.
    cuts: Vec<Segment>,
    /// Chains that were given up; what is open in them is carried along.
    given_up: Vec<ChainId>,
    /// Raised when what was written has to be taken back.
    epoch: u64,
    batch: Batch,
    /// How many answers wait for the disk.
    syncing: usize,
    /// Lines of what is being changed and has no outcome that is safe.
    intents: BTreeMap<AuditId, String>,
    /// Outcomes of changes whose record was lost: they go first.
    owed: Vec<Ended>,
}

/// How a change ended, and the intent that this ends.
struct Ended {
    intent: AuditId,
    record: AuditRecord,
}

struct Segment {
    file: Arc<File>,
    name: SegmentName,
    /// Where its title ends.
    title: u64,
    /// How much is written.
    length: u64,
    /// How much of it is safe.
    safe: u64,
    published: Arc<AtomicU64>,
}

/// What is to be written together.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    waiting: Vec<oneshot::Sender<()>>,
    /// Outcomes of changes among it.
    outcomes: Vec<Ended>,
}

pub(super) fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    pub(super) fn new(shared: Arc<Shared>, disk: Option<Sender<Job>>) -> Self {
        let chain = ChainId::nil();
        Self {
            shared,
            disk,
            chain,
            head: Head::genesis(chain),
            last_at: i64::MIN,
            segment: None,
            older: Vec::new(),
            cuts: Vec::new(),
            given_up: Vec::new(),
            epoch: 0,
            batch: Batch::default(),
            syncing: 0,
            intents: BTreeMap::new(),
            owed: Vec::new(),
        }
    }

    /// Whether nothing waits to be written.
    pub(super) fn is_idle(&self) -> bool {
        self.batch.bytes.is_empty()
    }

    /// How many answers wait until their record is safe.
    pub(super) fn waiting(&self) -> usize {
        self.batch.waiting.len() + self.syncing
    }

    /// Whoever is told when the batch is safe.
    pub(super) fn wait(&mut self) -> oneshot::Receiver<()> {
        let (safe, answer) = oneshot::channel();
        self.batch.waiting.push(safe);
        answer
    }

    /// Adds a record to the batch and to the chain. Its time is put behind
    /// that of the record before it.
    pub(super) fn push_record(&mut self, record: AuditRecord) {
        for owed in std::mem::take(&mut self.owed) {
            self.chain_up(owed.intent, owed.record);
        }
        self.chain_up(record.id, record);
    }

    /// Takes no record; but how a change ended is not forgotten.
    pub(super) fn refuse(&mut self, record: AuditRecord) {
        if self.intents.contains_key(&record.id) {
            self.owe(record.id, record);
        }
    }

    fn chain_up(&mut self, intent: AuditId, mut record: AuditRecord) {
        record.at = self.later(record.at);
        self.have_chain(record.at);
        let line = record.to_line();
        self.head = self.head.next(line.as_bytes());
        put_record(&mut self.batch.bytes, &self.head, &line, &record.spent);
        if self.intents.contains_key(&intent) {
            self.batch.outcomes.push(Ended { intent, record });
        }
    }

    /// Notes that something is about to be changed.
    pub(super) fn push_intent(&mut self, record: &AuditRecord) {
        self.have_chain(record.at);
        let line = record.to_line();
        put_intent(&mut self.batch.bytes, &line);
        self.intents.insert(record.id, line);
    }

    fn later(&mut self, at: Timestamp) -> Timestamp {
        self.last_at = at.timestamp_micros().max(self.last_at.saturating_add(1));
        Timestamp::from_timestamp_micros(self.last_at).unwrap_or(at)
    }

    fn have_chain(&mut self, at: Timestamp) {
        if self.chain == ChainId::nil() {
            self.chain = ChainId::new(at);
            self.head = Head::genesis(self.chain);
        }
    }

    /// Writes the batch, and tells those who wait once it is safe. Where it
    /// can't be, they are told by being forgotten.
    pub(super) fn flush(this: &Shared1) {
        let mut shard = lock(this);
        if shard.is_idle() {
            return;
        }
        let batch = std::mem::take(&mut shard.batch);
        histogram!(super::BATCH_BYTES).record(batch.bytes.len() as f64);
        let written = match shard.write(&batch.bytes) {
            Ok(written) => written,
            Err(error) => return shard.lose(batch, &error),
        };
        let Some(disk) = shard.disk.clone() else {
            return shard.settle(batch, written);
        };
        let waiting = batch.waiting.len();
        shard.syncing += waiting;
        let (epoch, file, this) = (shard.epoch, Arc::clone(&written.file), Arc::clone(this));
        let done = Box::new(move |synced: io::Result<()>| {
            let mut shard = lock(&this);
            shard.syncing -= waiting;
            match synced {
                Ok(()) if shard.epoch == epoch => shard.settle(batch, written),
                Ok(()) => shard.owe_all(batch),
                Err(error) => shard.lose(batch, &error),
            }
        });
        // Without the thread it is not safe: the waiting are forgotten with the job.
        if disk.send(Job { file, done }).is_err() {
            shard.syncing -= waiting;
        }
    }

    /// Writes behind what is there; a part that was written is cut off again
    /// by [`Shard::lose`].
    fn write(&mut self, bytes: &[u8]) -> io::Result<Written> {
        if self
            .segment
            .as_ref()
            .is_none_or(|segment| segment.length >= SEGMENT_BYTES)
        {
            self.begin_segment()?;
        }
        let Some(segment) = &mut self.segment else {
            return Err(io::ErrorKind::NotFound.into());
        };
        segment.file.write_all_at(bytes, segment.length)?;
        segment.length += bytes.len() as u64;
        self.shared.grew(bytes.len() as u64);
        Ok(Written {
            file: Arc::clone(&segment.file),
            number: segment.name.number,
            length: segment.length,
        })
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        self.cut()?;
        self.have_chain(Timestamp::UNIX_EPOCH);
        let number = self
            .segment
            .as_ref()
            .map_or(1, |segment| segment.name.number + 1);
        let name = SegmentName {
            chain: self.chain,
            number,
        };
        // Before there is anything to read: how far that may be done.
        let published = self.shared.published(self.chain);
        let (file, title) = create(&self.shared.folder, name).inspect_err(|_| {
            if number == 1 {
                self.shared.forget(&[self.chain]);
            }
        })?;
        self.shared.grew(title);
        let mut segment = Segment {
            file: Arc::new(file),
            name,
            title,
            length: title,
            safe: title,
            published,
        };
        // What is still open must be found without the older segments.
        let mut open = Vec::new();
        for line in self.intents.values() {
            put_intent(&mut open, line);
        }
        if let Err(error) = self.begin_with(&segment, &open) {
            self.cuts.push(segment);
            return Err(error);
        }
        segment.length += open.len() as u64;
        self.shared.grew(open.len() as u64);
        let full = self.segment.replace(segment);
        self.older.extend(full.filter(Segment::is_waiting));
        Ok(())
    }

    fn begin_with(&self, segment: &Segment, open: &[u8]) -> io::Result<()> {
        if self.disk.is_some() {
            // The file's name has to be on the disk, too.
            File::open(&self.shared.folder)?.sync_all()?;
        }
        segment.file.write_all_at(open, segment.title)
    }

    /// The batch is safe.
    fn settle(&mut self, batch: Batch, written: Written) {
        let mut segments = self.older.iter_mut().chain(&mut self.segment);
        if let Some(segment) = segments.find(|segment| segment.name.number == written.number) {
            segment.safe = segment.safe.max(written.length);
            let place = Shared::place(written.number, written.length);
            segment.published.fetch_max(place, Ordering::AcqRel);
        }
        self.older.retain(Segment::is_waiting);
        for outcome in &batch.outcomes {
            self.intents.remove(&outcome.intent);
        }
        self.shared.end(&mut self.given_up);
        self.shared.works();
        for safe in batch.waiting {
            // Nobody waits where the time was up.
            safe.send(()).unwrap_or_default();
        }
    }

    /// The batch is not safe: it is cut off again, and so is what was written
    /// behind it. The chain ends with what is safe, another one begins; so
    /// no place in a chain is ever taken twice.
    fn lose(&mut self, batch: Batch, error: &io::Error) {
        counter!(super::LOST).increment(batch.waiting.len() as u64);
        self.shared.fails(error);
        self.epoch += 1;
        self.cuts.append(&mut self.older);
        self.cuts.extend(self.segment.take());
        let of_it = |segment: &&Segment| segment.name.chain == self.chain;
        if self.cuts.iter().filter(of_it).any(Segment::is_of_use) {
            self.given_up.push(self.chain);
        }
        self.chain = ChainId::nil();
        // If not now, then before the next segment.
        if let Err(error) = self.cut() {
            tracing::debug!(%error, "the journal could not be cut back yet");
        }
        self.owe_all(batch);
        let unwritten = std::mem::take(&mut self.batch);
        self.owe_all(unwritten);
    }

    /// Cuts segments back to what is safe of them; those of which nothing is
    /// are removed.
    fn cut(&mut self) -> io::Result<()> {
        while let Some(segment) = self.cuts.last() {
            let kept = match segment.is_of_use() {
                true => segment.file.set_len(segment.safe).map(|()| segment.safe),
                false => std::fs::remove_file(segment.name.path(&self.shared.folder)).map(|()| 0),
            };
            match kept {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                kept => self.shared.shrank(segment.length - kept.unwrap_or(0)),
            }
            if segment.name.number == 1 && !segment.is_of_use() {
                self.shared.forget(&[segment.name.chain]);
            }
            self.cuts.pop();
        }
        Ok(())
    }

    /// Keeps in mind what was changed without a record of its outcome.
    fn owe_all(&mut self, batch: Batch) {
        for outcome in batch.outcomes {
            self.owe(outcome.intent, outcome.record);
        }
    }

    fn owe(&mut self, intent: AuditId, mut record: AuditRecord) {
        // Whoever reads journals may have seen the lost one before it was cut off.
        record.id = AuditId::new(record.at);
        // That is what its client was told.
        record.status = Some(503);
        record.outcome = Outcome::Unavailable;
        record.billable = false;
        self.owed.push(Ended { intent, record });
    }
}

impl Segment {
    /// Whether something in it is safe.
    fn is_of_use(&self) -> bool {
        self.safe > self.title
    }

    /// Whether some of it is not safe yet.
    fn is_waiting(&self) -> bool {
        self.safe < self.length
    }
}

/// Where a batch ends.
struct Written {
    file: Arc<File>,
    number: u32,
    length: u64,
}
