//! How much is written at once, so that others have their turn.

use std::time::{Duration, Instant};

use crate::{Store, StoreUrl};

/// Of records: more would only take memory.
const MOST: usize = 1_000;
const LEAST: usize = 32;
/// For how long others may be kept from writing to SQLite. They look for their
/// turn every millisecond.
const HOLD: Duration = Duration::from_millis(4);
/// Longer than others wait between two looks.
const GAP: Duration = Duration::from_micros(1_500);

/// The size of batches: on PostgreSQL always the same, on SQLite, which has
/// one writer at a time and no queue for it, what fits into a short time.
pub(crate) struct Pace {
    alone: bool,
    batch: usize,
    began: Option<Instant>,
}

impl Pace {
    pub(crate) fn of(store: &Store) -> Self {
        let alone = matches!(store.url(), StoreUrl::Postgres(_));
        Self {
            alone,
            batch: if alone { MOST } else { 8 * LEAST },
            began: None,
        }
    }

    /// How many records to write next.
    pub(crate) const fn batch(&self) -> usize {
        self.batch
    }

    /// A batch is about to be written: the others wait from here on.
    #[expect(
        clippy::disallowed_methods,
        reason = "a duration, which decides of nothing but the size of a batch"
    )]
    pub(crate) fn begin(&mut self) {
        self.began = (!self.alone).then(Instant::now);
    }

    /// It is written. The next one is as large as what that took allows.
    pub(crate) fn end(&mut self) {
        let Some(began) = self.began.take() else {
            return;
        };
        self.batch = if began.elapsed() > HOLD {
            (self.batch / 2).max(LEAST)
        } else {
            (self.batch + LEAST).min(MOST)
        };
    }

    /// Leaves the others a gap, before the next batch.
    #[expect(
        clippy::disallowed_methods,
        reason = "another process may wait for the lock: there is no event to wait for"
    )]
    pub(crate) fn pause(&self) {
        if !self.alone {
            std::thread::sleep(GAP);
        }
    }
}
