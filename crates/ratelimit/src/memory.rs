//! Budgets in this process: one atomic number each.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use governor::RateLimiter;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};

use crate::Budget;
use crate::quota::Rate;

/// Each budget's instant at which it is whole again (GCRA's theoretical arrival
/// time), in nanoseconds of the monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    budgets: DashMap<Budget, AtomicU64>,
    /// No budget that was dropped was whole later than this. One that comes
    /// back starts here, so that a request which read the clock before the
    /// sweep, and is counted after it, doesn't find a fresh budget.
    swept_at: AtomicU64,
}

impl Memory {
    /// Counts one request at `now`. Says whether it fits, and the instant at
    /// which the budget is whole again.
    pub(crate) fn check(&self, budget: &Budget, limit: NonZeroU32, now: u64) -> (bool, u64) {
        if let Some(slot) = self.budgets.get(budget) {
            return count(&slot, limit, now);
        }
        // Between the two somebody else may have made it: `entry` looks again.
        let slot = self
            .budgets
            .entry(*budget)
            .or_insert_with(|| AtomicU64::new(self.swept_at.load(Ordering::SeqCst)));
        count(&slot, limit, now)
    }

    /// Drops what is whole at `now`.
    pub(crate) fn sweep(&self, now: u64) {
        self.swept_at.fetch_max(now, Ordering::SeqCst);
        // `retain` locks out everyone who holds a slot of the same shard.
        self.budgets.retain(|_, whole_at| *whole_at.get_mut() > now);
    }

    pub(crate) fn len(&self) -> usize {
        self.budgets.len()
    }
}

/// One step of GCRA on one slot, by `governor`.
fn count(slot: &AtomicU64, limit: NonZeroU32, now: u64) -> (bool, u64) {
    let Some(quota) = Rate::per_hour(limit).quota() else {
        return (false, slot.load(Ordering::Acquire));
    };
    // A limiter counts from the instant it is made at. Ours are all made at the clock's
    // origin, so that the number in the slot means the same to each, whatever its limit.
    let limiter: RateLimiter<NotKeyed, Slot<'_>, Reading, NoOpMiddleware<Nanos>> = RateLimiter::new(
        quota,
        Slot {
            whole_at: slot,
            seen: Cell::new(0),
        },
        Reading(Cell::new(0)),
    );
    limiter.clock().0.set(now);
    let allowed = limiter.check().is_ok();
    (allowed, limiter.into_state_store().seen.get())
}

/// A clock that stands still at what was read elsewhere.
struct Reading(Cell<u64>);

impl Clock for Reading {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.get())
    }
}

/// A budget as `governor` changes it, and what it found or left there.
struct Slot<'a> {
    whole_at: &'a AtomicU64,
    seen: Cell<u64>,
}

impl StateStore for Slot<'_> {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _key: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut found = self.whole_at.load(Ordering::Acquire);
        loop {
            self.seen.set(found);
            let (outcome, next) = decide(Some(Nanos::new(found)))?;
            match self.whole_at.compare_exchange_weak(
                found,
                next.as_u64(),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => {
                    self.seen.set(next.as_u64());
                    return Ok(outcome);
                }
                Err(other) => found = other,
            }
        }
    }
}
