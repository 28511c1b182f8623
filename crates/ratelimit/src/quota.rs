//! The arithmetic of a limit, in nanoseconds.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

pub(crate) const HOUR_NANOS: u64 = 3_600_000_000_000;

/// What a budget is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The limit in force.
    pub(crate) limit: NonZeroU32,
    /// Where more is used than `limit`, the higher limit that allowed it:
    /// what is above comes back at its pace, as it would have anyway.
    pub(crate) peak: NonZeroU32,
    /// How often the limit was changed.
    pub(crate) changes: u32,
}

impl Terms {
    /// Those of a fresh budget.
    pub(crate) const fn of(limit: NonZeroU32) -> Self {
        Self {
            limit,
            peak: limit,
            changes: 0,
        }
    }

    /// What is owed, in nanoseconds until the budget is whole, once another
    /// limit is in force; and the terms from then on.
    ///
    /// The number of requests that are used stays the same, rounded up. What
    /// is above the new limit is remembered: else a limit that is lowered and
    /// raised again would forget it. So over any span no more passes than the
    /// highest limit of that span allows.
    pub(crate) fn changed_to(self, limit: NonZeroU32, owed: u64) -> (u64, Self) {
        let (old, new) = (Rate::per_hour(self.limit), Rate::per_hour(limit));
        let within = owed.min(old.whole());
        // Never more than an hour, but for a clock that was read too early.
        let above = (owed - within).min(2 * HOUR_NANOS);
        let peak = if above > 0 { self.peak } else { self.limit };
        let pace = u128::from(Rate::per_hour(peak).period);
        let (old_period, new_period) = (u128::from(old.period), u128::from(new.period));
        // Requests that are used, as a fraction. The largest product below is
        // three hours times two hours, times one: 10^38, within 128 bits.
        let unit = old_period * pace;
        let used = u128::from(within) * pace + u128::from(above) * old_period;
        let room = u128::from(limit.get()) * unit;
        let (owed, peak) = if used <= room {
            ((used * new_period).div_ceil(unit), limit)
        } else {
            let above = ((used - room) * pace).div_ceil(unit);
            (u128::from(new.whole()) + above, peak)
        };
        let terms = Self {
            limit,
            peak,
            changes: self.changes.saturating_add(1),
        };
        (u64::try_from(owed).unwrap_or(u64::MAX), terms)
    }
}

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

    /// How long one request takes to come back.
    pub(crate) const fn period(self) -> u64 {
        self.period
    }

    /// How long the whole limit takes to come back: an hour, rounded up.
    pub(crate) fn whole(self) -> u64 {
        self.period * u64::from(self.limit.get())
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
