//! What the journals of one folder have in common.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use torvus_domain::ChainId;

/// Bits of a place that are the offset in its segment.
const OFFSET_BITS: u32 = 40;

pub(super) struct Shared {
    pub(super) folder: PathBuf,
    used: AtomicU64,
    most: u64,
    /// How far each chain is safe: segment and offset in one number.
    published: Mutex<HashMap<ChainId, Arc<AtomicU64>>>,
    failing: AtomicBool,
    /// Chains that go on no more, and of which nothing is open.
    ended: Mutex<Vec<ChainId>>,
}

impl Shared {
    pub(super) fn new(folder: PathBuf, used: u64, most: u64) -> Self {
        Self {
            folder,
            used: AtomicU64::new(used),
            most,
            published: Mutex::default(),
            failing: AtomicBool::new(false),
            ended: Mutex::default(),
        }
    }

    /// The cell in which a chain tells how far it is safe.
    pub(super) fn published(&self, chain: ChainId) -> Arc<AtomicU64> {
        let mut published = self.chains();
        Arc::clone(published.entry(chain).or_default())
    }

    /// Segment and offset up to which a chain of this process is safe.
    pub(super) fn safe_up_to(&self, chain: ChainId) -> Option<(u32, u64)> {
        let place = self.chains().get(&chain)?.load(Ordering::Acquire);
        let number = u32::try_from(place >> OFFSET_BITS).unwrap_or(u32::MAX);
        Some((number, place & ((1 << OFFSET_BITS) - 1)))
    }

    /// What was open in these chains is safe elsewhere.
    pub(super) fn end(&self, chains: &mut Vec<ChainId>) {
        if !chains.is_empty() {
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.append(chains);
        }
    }

    pub(super) fn ended(&self) -> Vec<ChainId> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.clone()
    }

    /// There is nothing left of these chains.
    pub(super) fn forget(&self, chains: &[ChainId]) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|chain| !chains.contains(chain));
        self.chains().retain(|chain, _| !chains.contains(chain));
    }

    pub(super) fn place(number: u32, offset: u64) -> u64 {
        (u64::from(number) << OFFSET_BITS) | offset
    }

    pub(super) fn grew(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(super) fn shrank(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
    }

    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    pub(super) fn most(&self) -> u64 {
        self.most
    }

    pub(super) fn is_full(&self) -> bool {
        self.used() >= self.most
    }

    /// Says so once, not for each request.
    pub(super) fn fails(&self, error: &io::Error) {
        if !self.failing.swap(true, Ordering::AcqRel) {
            tracing::error!(%error, "the journal can't be written; requests are answered 503");
        }
    }

    pub(super) fn works(&self) {
        if self.failing.swap(false, Ordering::AcqRel) {
            tracing::info!("the journal is written again");
        }
    }

    fn chains(&self) -> std::sync::MutexGuard<'_, HashMap<ChainId, Arc<AtomicU64>>> {
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
