//! The journals: where a record goes before its answer leaves.
//!
//! Each worker thread appends to a journal of its own, with one write for all
//! requests of one turn of its event loop. The files are segments of frames;
//! an indexer moves them into the database and removes them.

mod frame;
mod segment;
mod shard;
mod shared;
mod sync;

use std::cell::Cell;
use std::fs::{DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use torvus_domain::ChainId;

pub use frame::Frame;
pub use segment::{Found, SegmentName, SegmentReader, segments};
use shard::{Shard, Shared1, lock};
use shared::Shared;

use crate::AuditRecord;

/// Bytes that are written at once.
pub const BATCH_BYTES: &str = "torvus_audit_batch_bytes";
/// How long the disk takes to have them, in seconds.
pub const SYNC_DURATION: &str = "torvus_audit_sync_duration_seconds";
/// Records that could not be kept.
pub const LOST: &str = "torvus_audit_lost_total";

/// How long a record may wait for the disk.
const WAIT_MAX: Duration = Duration::from_secs(2);
const LOCK: &str = "lock";
const PROBE: &str = "probe";

/// When a record counts as safe (public contract, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It is with the operating system: it survives the process being killed.
    Process,
    /// It is on the disk: it survives a power cut.
    Power,
}

/// The record is not known to be safe: the answer must be 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request could not be recorded")]
pub struct NotRecorded;

/// The journals of one server. No other process can open the same folder
/// while this is there.
pub struct Journals {
    shared: Arc<Shared>,
    /// One at the least.
    shards: (Shared1, Box<[Shared1]>),
    durability: Durability,
    /// Held until this is dropped.
    _lock: File,
}

impl Journals {
    /// Opens a folder, which is made where it is not there, with so many
    /// journals: as many as there are threads that record. Once `bytes_max`
    /// lie in it that nobody has indexed, nothing more is taken.
    ///
    /// # Errors
    /// Where the folder can't be used, or another process uses it.
    pub fn open(
        folder: &Path,
        durability: Durability,
        journals: usize,
        bytes_max: u64,
    ) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let lock = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(LOCK))?;
        hold(&lock)?;
        let mut used = 0;
        for name in segments(folder)? {
            used += name.path(folder).metadata()?.len();
        }
        let shared = Arc::new(Shared::new(folder.to_owned(), used, bytes_max));
        let disk = match durability {
            Durability::Process => None,
            Durability::Power => Some(sync::start()?),
        };
        let shard = || {
            let shard = Shard::new(Arc::clone(&shared), disk.clone());
            Arc::new(Mutex::new(shard))
        };
        let more = (1..journals).map(|_| shard()).collect();
        Ok(Self {
            shards: (shard(), more),
            shared,
            durability,
            _lock: lock,
        })
    }

    /// Where the segments are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Keeps a record, and returns when it is safe.
    ///
    /// # Errors
    /// [`NotRecorded`] where it can't be, or the disk took two seconds.
    pub async fn record(&self, record: AuditRecord) -> Result<(), NotRecorded> {
        if self.shared.is_full() {
            lock(self.own()).refuse(record);
            return Err(NotRecorded);
        }
        self.put(|shard| shard.push_record(record)).await
    }

    /// Notes that a change is about to be made, and returns when that is safe.
    /// The record with the same identifier, which is to follow, tells how it
    /// ended; if the process is killed in between, that is `unknown`. Where
    /// that record can't be kept, one of the same request is, once it can be.
    ///
    /// # Errors
    /// As of [`Journals::record`]; then the change must not be made.
    pub async fn intend(&self, record: &AuditRecord) -> Result<(), NotRecorded> {
        if self.shared.is_full() {
            return Err(NotRecorded);
        }
        self.put(|shard| shard.push_intent(record)).await
    }

    async fn put(&self, add: impl FnOnce(&mut Shard)) -> Result<(), NotRecorded> {
        let shard = self.own();
        let (leads, safe) = {
            let mut shard = lock(shard);
            let leads = shard.is_idle();
            add(&mut shard);
            (leads, shard.wait())
        };
        if leads {
            // Behind everybody who is ready in this turn of the event loop;
            // then one write for all of them.
            let flush = Flush(shard);
            tokio::task::yield_now().await;
            drop(flush);
        }
        let told = match self.durability {
            Durability::Process => safe.await,
            Durability::Power => match tokio::time::timeout(WAIT_MAX, safe).await {
                Ok(told) => told,
                Err(_) => return Err(NotRecorded),
            },
        };
        told.map_err(|_| NotRecorded)
    }

    /// The journal of this thread.
    fn own(&self) -> &Shared1 {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static THREAD: Cell<Option<usize>> = const { Cell::new(None) };
        }
        let thread = THREAD.with(|thread| {
            let number = thread
                .get()
                .unwrap_or_else(|| THREADS.fetch_add(1, Ordering::Relaxed));
            thread.set(Some(number));
            number
        });
        let (first, more) = &self.shards;
        match thread % (more.len() + 1) {
            0 => first,
            place => more.get(place - 1).unwrap_or(first),
        }
    }

    /// How far a chain of this process is safe: segment and offset. `None` of
    /// a chain that another process wrote.
    #[must_use]
    pub fn safe_up_to(&self, chain: ChainId) -> Option<(u32, u64)> {
        self.shared.safe_up_to(chain)
    }

    /// Chains of this process that go on no more, since a write failed. Once
    /// they are indexed nobody needs their segments: see [`Journals::forget`].
    #[must_use]
    pub fn ended(&self) -> Vec<ChainId> {
        self.shared.ended()
    }

    /// Removes what is there of chains that have ended.
    ///
    /// # Errors
    /// Where that can't be removed.
    pub fn forget(&self, ended: &[ChainId]) -> io::Result<()> {
        for name in segments(self.folder())? {
            if ended.contains(&name.chain) {
                self.remove(name)?;
            }
        }
        self.shared.forget(ended);
        Ok(())
    }

    /// Removes a segment that nobody needs any more.
    ///
    /// # Errors
    /// Where it can't be removed.
    pub fn remove(&self, name: SegmentName) -> io::Result<()> {
        let path = name.path(&self.shared.folder);
        let length = path.metadata()?.len();
        std::fs::remove_file(path)?;
        self.shared.shrank(length);
        Ok(())
    }

    /// How many answers wait at this moment until their record is safe.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let (first, more) = &self.shards;
        let all = std::iter::once(first).chain(more);
        all.map(|shard| lock(shard).waiting()).sum()
    }

    /// How many bytes of segments there may be.
    #[must_use]
    pub fn bytes_max(&self) -> u64 {
        self.shared.most()
    }

    /// How many bytes of segments there are.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.used()
    }

    /// Tries whether a record could be kept now. Blocks.
    ///
    /// # Errors
    /// Why not.
    pub fn probe(&self) -> io::Result<()> {
        if self.shared.is_full() {
            let text = "the journal is full: records wait to be indexed";
            return Err(io::Error::new(io::ErrorKind::StorageFull, text));
        }
        let path: PathBuf = self.shared.folder.join(PROBE);
        let mut file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(&[0; 4_096])?;
        if self.durability == Durability::Power {
            file.sync_data()?;
        }
        std::fs::remove_file(path)
    }
}

/// Takes the lock, which nobody else may hold. A verifier holds it for an
/// instant, to see whether a server does, so it is tried for a while.
#[expect(
    clippy::disallowed_methods,
    reason = "another process holds the lock: there is no event to wait for"
)]
fn hold(lock: &File) -> io::Result<()> {
    const TRIES: u32 = 10;
    for tried in 1.. {
        match flock(lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(rustix::io::Errno::WOULDBLOCK) if tried < TRIES => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let text = "another server uses it: stop that one, or use another --data-dir";
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes a shard's batch when it is dropped: at the end of the turn, or when
/// whoever was to do it is gone.
struct Flush<'a>(&'a Shared1);

impl Drop for Flush<'_> {
    fn drop(&mut self) {
        Shard::flush(self.0);
    }
}
