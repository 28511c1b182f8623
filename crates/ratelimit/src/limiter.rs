//! The limiter: a decision on each request, and what to tell the client.

use std::num::NonZeroU32;

use torvus_domain::{Budget, Instants, Spent, Timestamp};

use crate::memory::{Memory, State};
use crate::quota::{HOUR_NANOS, Rate, Terms};
use crate::{Decision, RateSnapshot};

const SECOND_NANOS: u64 = 1_000_000_000;

/// What is told of a limit of 0, of which nothing ever comes back.
const HOUR_SECONDS: u64 = 3_600;

/// The latest reading of a clock that is told apart from later ones: 146 years.
const LATEST: u64 = u64::MAX / 4;

/// Counts requests against budgets.
#[derive(Debug)]
pub struct Limiter {
    memory: Memory,
}

impl Limiter {
    /// A limiter that counts in this process.
    #[must_use]
    pub fn memory() -> Self {
        Self {
            memory: Memory::default(),
        }
    }

    /// Counts a request at `now` against its budget, if it fits into `limit`
    /// requests per hour. A request that is refused uses nothing up.
    pub fn check(&self, budget: &Budget, limit: u32, now: &Instants) -> Decision {
        let at = nanos(now);
        let Some(rated) = NonZeroU32::new(limit) else {
            return nothing_left(budget, now.wall);
        };
        let (allowed, state) = self.memory.check(budget, rated, at);
        let rate = Rate::per_hour(rated);
        let snapshot = RateSnapshot {
            limit,
            remaining: rate.remaining(at, state.whole_at),
            reset_at_unix: unix_seconds_up(now.wall, state.whole_at.saturating_sub(at)),
            next_seconds: rate.next(at, state.whole_at).div_ceil(SECOND_NANOS).max(1),
            scope: budget.scope(),
        };
        Decision {
            allowed,
            snapshot,
            spent: Some(spent(budget, &state, at, now.wall)),
        }
    }

    /// How long until this budget would let one more request through, in
    /// seconds rounded up; 0 where it would now. Counts nothing.
    #[must_use]
    pub fn wait(&self, budget: &Budget, limit: u32, now: &Instants) -> u64 {
        let Some(rated) = NonZeroU32::new(limit) else {
            return HOUR_SECONDS;
        };
        let (at, rate) = (nanos(now), Rate::per_hour(rated));
        match self.memory.whole_at(budget, rated, at) {
            Some(whole_at) if rate.remaining(at, whole_at) == 0 => {
                rate.next(at, whole_at).div_ceil(SECOND_NANOS)
            }
            _ => 0,
        }
    }

    /// Takes back one request that was counted against this limit and did not
    /// pass for another reason.
    pub fn give_back(&self, budget: &Budget, limit: u32) {
        if let Some(limit) = NonZeroU32::new(limit) {
            self.memory.give_back(budget, limit);
        }
    }

    /// Goes on from what was recorded of a budget, as after a restart, unless
    /// the budget is kept here already. Whatever the wall clock did
    /// meanwhile, no more is held to be used than could have been.
    pub fn restore(&self, recorded: &Spent, now: &Instants) {
        let (Some(limit), Some(peak)) = (
            NonZeroU32::new(recorded.limit),
            NonZeroU32::new(recorded.peak),
        ) else {
            return;
        };
        if self.memory.has(&recorded.budget) {
            return;
        }
        let owed = (recorded.whole_at - now.wall).num_microseconds();
        let owed = u64::try_from(owed.unwrap_or(i64::MAX)).unwrap_or(0);
        // What was used under a higher limit is back an hour later at the most.
        let above = if peak > limit { HOUR_NANOS } else { 0 };
        let most = Rate::per_hour(limit).whole().saturating_add(above);
        let state = State {
            whole_at: nanos(now).saturating_add(owed.saturating_mul(1_000).min(most)),
            terms: Terms {
                limit,
                peak,
                changes: recorded.changes,
            },
        };
        self.memory.restore(&recorded.budget, state);
    }

    /// Drops budgets that are whole at `now`. It changes no decision; call it
    /// now and then, so that memory is not kept for keys that are not used.
    pub fn sweep(&self, now: &Instants) {
        self.memory.sweep(nanos(now));
    }

    /// How many budgets are kept.
    #[must_use]
    pub fn budgets(&self) -> usize {
        self.memory.len()
    }
}

fn nothing_left(budget: &Budget, wall: Timestamp) -> Decision {
    Decision {
        allowed: false,
        snapshot: RateSnapshot {
            limit: 0,
            remaining: 0,
            reset_at_unix: unix_seconds_up(wall, HOUR_SECONDS * SECOND_NANOS),
            next_seconds: HOUR_SECONDS,
            scope: budget.scope(),
        },
        spent: None,
    }
}

fn spent(budget: &Budget, state: &State, at: u64, wall: Timestamp) -> Spent {
    // One microsecond more, since the wall clock was rounded down to one.
    let micros = state.whole_at.saturating_sub(at).div_ceil(1_000) + 1;
    let micros = i64::try_from(micros).unwrap_or(i64::MAX);
    let whole_at = wall.timestamp_micros().saturating_add(micros);
    Spent {
        budget: *budget,
        whole_at: Timestamp::from_timestamp_micros(whole_at).unwrap_or(Timestamp::MAX_UTC),
        limit: state.terms.limit.get(),
        peak: state.terms.peak.get(),
        changes: state.terms.changes,
    }
}

fn nanos(now: &Instants) -> u64 {
    u64::try_from(now.monotonic.as_nanos()).map_or(LATEST, |nanos| nanos.min(LATEST))
}

/// The Unix second at or after `wait` nanoseconds from `wall`.
fn unix_seconds_up(wall: Timestamp, wait: u64) -> i64 {
    let nanos = u64::from(wall.timestamp_subsec_nanos()).saturating_add(wait);
    let seconds = i64::try_from(nanos.div_ceil(SECOND_NANOS)).unwrap_or(i64::MAX);
    wall.timestamp().saturating_add(seconds)
}
