//! The arithmetic of a limit, in nanoseconds.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

const HOUR_NANOS: u64 = 3_600_000_000_000;

/// A limit per hour as GCRA sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    limit: NonZeroU32,
    /// How long one request takes to come back, rounded up: rounded down, a
    /// little more than the limit would pass.
    period: u64,
}

impl Rate {
    pub(crate) fn per_hour(limit: NonZeroU32) -> Self {
        Self {
            limit,
            period: HOUR_NANOS.div_ceil(u64::from(limit.get())),
        }
    }

    /// The same, for `governor`. `None` never happens: no period is zero.
    pub(crate) fn quota(self) -> Option<Quota> {
        Quota::with_period(Duration::from_nanos(self.period))
            .map(|quota| quota.allow_burst(self.limit))
    }

    /// How many requests could follow at `now`, for a budget that is whole
    /// again at `whole_at`.
    pub(crate) fn remaining(self, now: u64, whole_at: u64) -> u32 {
        let owed = whole_at.saturating_sub(now).div_ceil(self.period);
        let limit = u64::from(self.limit.get());
        u32::try_from(limit.saturating_sub(owed)).unwrap_or(u32::MAX)
    }

    /// Nanoseconds from `now` until one more request is available.
    pub(crate) fn next(self, now: u64, whole_at: u64) -> u64 {
        let remaining = u64::from(self.remaining(now, whole_at));
        let limit = u64::from(self.limit.get());
        // One more is there once no more than `limit - remaining - 1` periods are owed.
        let owed_then = limit.saturating_sub(remaining.saturating_add(1));
        whole_at
            .saturating_sub(now)
            .saturating_sub(owed_then.saturating_mul(self.period))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(limit: u32) -> Rate {
        Rate::per_hour(NonZeroU32::new(limit).unwrap())
    }

    #[test]
    fn a_period_is_never_too_short() {
        for limit in [1, 3, 7, 100, 1_000, 7_001, 999_983, 1_000_000_000, u32::MAX] {
            let period = rate(limit).period;
            assert!(u128::from(period) * u128::from(limit) >= u128::from(HOUR_NANOS));
            assert!(u128::from(period - 1) * u128::from(limit) < u128::from(HOUR_NANOS));
        }
    }

    #[test]
    fn what_is_left_and_when_there_is_more() {
        let rate = rate(3_600); // one a second
        let second = 1_000_000_000;
        let left = |owed| (rate.remaining(5, 5 + owed), rate.next(5, 5 + owed));
        assert_eq!(left(0), (3_600, 0));
        assert_eq!(left(1), (3_599, 1));
        assert_eq!(left(second), (3_599, second));
        assert_eq!(left(second + 1), (3_598, 1));
        assert_eq!(left(3_600 * second), (0, second));
        // A lowered limit may owe more than it has.
        assert_eq!(left(3_601 * second), (0, 2 * second));
    }
}
