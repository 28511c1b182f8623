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
use torvus_domain::Budget;

use crate::quota::{Rate, Terms};

/// What is known of a budget at one instant.
pub(crate) struct State {
    /// When it is whole again (GCRA's theoretical arrival time), in
    /// nanoseconds of the monotonic clock.
    pub(crate) whole_at: u64,
    pub(crate) terms: Terms,
}

/// A budget. Its instant is counted up by whoever may read the map, its terms
/// are changed only by who holds it alone.
#[derive(Debug)]
struct Slot {
    whole_at: AtomicU64,
    terms: Terms,
}

#[derive(Debug, Default)]
pub(crate) struct Memory {
    budgets: DashMap<Budget, Slot>,
    /// No budget that was dropped was whole later than this. One that comes
    /// back starts here, so that a request which read the clock before the
    /// sweep, and is counted after it, doesn't find a fresh budget.
    swept_at: AtomicU64,
}

impl Memory {
    /// Counts one request at `now`. Says whether it fits, and how the budget
    /// stands then.
    pub(crate) fn check(&self, budget: &Budget, limit: NonZeroU32, now: u64) -> (bool, State) {
        if let Some(slot) = self.budgets.get(budget)
            && slot.terms.limit == limit
        {
            return slot.count(now);
        }
        let mut slot = self.budgets.entry(*budget).or_insert_with(|| Slot {
            whole_at: AtomicU64::new(self.swept_at.load(Ordering::SeqCst)),
            terms: Terms::of(limit),
        });
        slot.change(limit, now);
        slot.count(now)
    }

    /// When a budget is whole again, were it held to this limit; none where
    /// there is none.
    pub(crate) fn whole_at(&self, budget: &Budget, limit: NonZeroU32, now: u64) -> Option<u64> {
        let slot = self.budgets.get(budget)?;
        let whole_at = slot.whole_at.load(Ordering::Acquire);
        if slot.terms.limit == limit {
            return Some(whole_at);
        }
        let (owed, _) = slot.terms.changed_to(limit, whole_at.saturating_sub(now));
        Some(now.saturating_add(owed))
    }

    /// Takes back one request, where the budget still has this limit.
    pub(crate) fn give_back(&self, budget: &Budget, limit: NonZeroU32) {
        if let Some(slot) = self.budgets.get(budget)
            && slot.terms.limit == limit
        {
            let period = Rate::per_hour(limit).period();
            slot.whole_at.fetch_sub(period, Ordering::AcqRel);
        }
    }

    pub(crate) fn has(&self, budget: &Budget) -> bool {
        self.budgets.contains_key(budget)
    }

    /// Keeps a budget as it is told, unless there is one.
    pub(crate) fn restore(&self, budget: &Budget, state: State) {
        self.budgets.entry(*budget).or_insert_with(|| Slot {
            whole_at: AtomicU64::new(state.whole_at.max(self.swept_at.load(Ordering::SeqCst))),
            terms: state.terms,
        });
    }

    /// Drops what is whole at `now`.
    pub(crate) fn sweep(&self, now: u64) {
        self.swept_at.fetch_max(now, Ordering::SeqCst);
        // `retain` locks out everyone who holds a slot of the same shard.
        self.budgets
            .retain(|_, slot| *slot.whole_at.get_mut() > now);
    }

    pub(crate) fn len(&self) -> usize {
        self.budgets.len()
    }
}

impl Slot {
    /// Holds the budget to another limit from now on; what was used stays used.
    fn change(&mut self, limit: NonZeroU32, now: u64) {
        if self.terms.limit == limit {
            return;
        }
        let owed = self.whole_at.get_mut().saturating_sub(now);
        let (owed, terms) = self.terms.changed_to(limit, owed);
        self.whole_at = AtomicU64::new(now.saturating_add(owed));
        self.terms = terms;
    }

    /// One step of GCRA, by `governor`.
    fn count(&self, now: u64) -> (bool, State) {
        let state = |whole_at| State {
            whole_at,
            terms: self.terms,
        };
        let Some(quota) = Rate::per_hour(self.terms.limit).quota() else {
            return (false, state(self.whole_at.load(Ordering::Acquire)));
        };
        // A limiter counts from the instant it is made at. Ours are all made at the clock's
        // origin, so that the number in the slot means the same to each, whatever its limit.
        let limiter: RateLimiter<NotKeyed, Step<'_>, Reading, NoOpMiddleware<Nanos>> =
            RateLimiter::new(
                quota,
                Step {
                    whole_at: &self.whole_at,
                    seen: Cell::new(0),
                },
                Reading(Cell::new(0)),
            );
        limiter.clock().0.set(now);
        let allowed = limiter.check().is_ok();
        (allowed, state(limiter.into_state_store().seen.get()))
    }
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
struct Step<'a> {
    whole_at: &'a AtomicU64,
    seen: Cell<u64>,
}

impl StateStore for Step<'_> {
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
