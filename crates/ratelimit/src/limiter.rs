//! The limiter: a decision on each request, and what to tell the client.

use std::num::NonZeroU32;

use torvus_domain::{Instants, Timestamp};

use crate::memory::Memory;
use crate::quota::Rate;
use crate::{Budget, Decision, RateSnapshot};

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
        let (allowed, whole_at) = self.memory.check(budget, rated, at);
        let rate = Rate::per_hour(rated);
        let snapshot = RateSnapshot {
            limit,
            remaining: rate.remaining(at, whole_at),
            reset_at_unix: unix_seconds_up(now.wall, whole_at.saturating_sub(at)),
            next_seconds: rate.next(at, whole_at).div_ceil(SECOND_NANOS).max(1),
            scope: budget.scope(),
        };
        Decision { allowed, snapshot }
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
