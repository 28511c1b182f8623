//! Moves what the journals hold into the tables, while the server runs.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use torvus_audit::journal::{Journals, SegmentName};
use torvus_domain::ChainId;
use torvus_storage::indexing::{self, IndexError};
use torvus_storage::{StorageError, Store};

use crate::failure::Failure;

/// Records that were indexed.
pub(crate) const INDEXED: &str = "torvus_audit_indexed_total";
/// Bytes of journals that are there.
pub(crate) const JOURNAL_BYTES: &str = "torvus_audit_journal_bytes";
/// Seconds since the journals were last indexed to their end.
pub(crate) const LAG: &str = "torvus_audit_index_lag_seconds";

/// Answers that wait until their record is safe.
pub(crate) const WAITING: &str = "torvus_audit_waiting_answers";

/// How often it looks for records.
const PAUSE: Duration = Duration::from_millis(100);
/// How much longer it rests than it works, until an eighth of what the journals
/// may hold waits to be indexed.
const REST_TIMES: u32 = 4;
/// How long it waits after a failure.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Brings to an end what another process left in the folder.
pub(crate) fn recover(store: &Store, journals: &Journals) -> Result<(), Failure> {
    let left = indexing::recover(store, journals.folder()).map_err(Failure::new)?;
    give_back(store, journals, &left, &[]).map_err(Failure::new)
}

/// Removes segments and chains of which everything is in the database, once
/// that is on the disk.
fn give_back(
    store: &Store,
    journals: &Journals,
    segments: &[SegmentName],
    ended: &[ChainId],
) -> Result<(), StorageError> {
    if segments.is_empty() && ended.is_empty() {
        return Ok(());
    }
    store.sync()?;
    for name in segments {
        if let Err(error) = journals.remove(*name) {
            tracing::warn!(%error, chain = %name.chain, "a segment could not be removed");
        }
    }
    if !ended.is_empty()
        && let Err(error) = journals.forget(ended)
    {
        tracing::warn!(%error, "the segments of an ended chain could not be removed");
    }
    Ok(())
}

/// Indexes what is there now, for somebody who is about to read. What can't be
/// indexed the thread tells of.
pub(crate) fn on_demand(store: Arc<Store>, journals: Arc<Journals>) -> Arc<dyn Fn() + Send + Sync> {
    Arc::new(move || {
        let safe_up_to = |chain| journals.safe_up_to(chain);
        match indexing::catch_up(&store, journals.folder(), &safe_up_to) {
            Ok(indexed) => counter!(INDEXED).increment(indexed.records as u64),
            Err(error) => tracing::debug!(%error, "the newest records wait in the journal"),
        }
    })
}

/// Leaves the processor to requests for a while, but for a stop: their records
/// are safe, and whoever reads the log indexes what waits. The more waits, the
/// shorter.
fn rest(took: Duration, journals: &Journals, stopped: &Receiver<()>) {
    let times = match journals.bytes().saturating_mul(8) / journals.bytes_max().max(1) {
        0 => REST_TIMES,
        1 => 1,
        _ => 0,
    };
    // Nothing is sent but that it is over.
    stopped.recv_timeout(took * times).unwrap_or_default();
}

/// The thread that indexes.
pub(crate) struct Indexer {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Indexer {
    pub(crate) fn start(store: Arc<Store>, journals: Arc<Journals>) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let work = move || {
            let mut pause = PAUSE;
            let mut state = State::new();
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = state.index(&store, &journals, &stopped);
            }
            state.index(&store, &journals, &stopped);
        };
        let thread = std::thread::Builder::new()
            .name("index".to_owned())
            .spawn(work)?;
        Ok(Self { stop, thread })
    }

    /// Indexes the rest, and returns when that is done.
    pub(crate) fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the indexer ended with a panic");
        }
    }
}

/// How it has been going.
struct State {
    failing: bool,
    up_to_date: Instant,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a duration, for the operator's eyes only"
)]
fn now() -> Instant {
    Instant::now()
}

impl State {
    fn new() -> Self {
        Self {
            failing: false,
            up_to_date: now(),
        }
    }

    /// Indexes what is there; how long to wait until the next time.
    fn index(&mut self, store: &Store, journals: &Journals, stopped: &Receiver<()>) -> Duration {
        let safe_up_to = |chain| journals.safe_up_to(chain);
        let ended = journals.ended();
        let outcome = indexing::catch_up_gently(store, journals.folder(), &safe_up_to, &|took| {
            rest(took, journals, stopped);
        })
        .and_then(|indexed| {
            give_back(store, journals, &indexed.done, &ended)?;
            Ok(indexed.records)
        });
        let pause = match outcome {
            Ok(records) => {
                counter!(INDEXED).increment(records as u64);
                self.up_to_date = now();
                self.works();
                PAUSE
            }
            Err(error) => {
                self.fails(&error);
                PAUSE_AFTER_FAILURE
            }
        };
        gauge!(LAG).set(self.up_to_date.elapsed().as_secs_f64());
        gauge!(JOURNAL_BYTES).set(journals.bytes() as f64);
        gauge!(WAITING).set(journals.waiting() as f64);
        pause
    }

    /// Says so once, not each time.
    fn fails(&mut self, error: &IndexError) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(%error, "the audit log can't be indexed; its records wait in the journal");
        }
    }

    fn works(&mut self) {
        if std::mem::replace(&mut self.failing, false) {
            tracing::info!("the audit log is indexed again");
        }
    }
}
