//! How often: which budgets a request is counted against.

use std::time::Duration;

use torvus_domain::{
    Budget, Instants, KeySnapshot, LimitScope, Plan, Plans, Refusal, Spent, Timestamp,
};
use torvus_ratelimit::{Decision, Limiter, RateSnapshot};

/// A request that was held against its budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What the client is told: the budget that is closer to its end.
    pub snapshot: RateSnapshot,
    /// What is used now, to be recorded. Empty where the request was refused
    /// for it, and so used nothing.
    pub spent: [Option<Spent>; 2],
    pub(crate) allowed: bool,
}

impl From<Decision> for Counted {
    fn from(decision: Decision) -> Self {
        Self {
            snapshot: decision.snapshot,
            spent: [decision.spent.filter(|_| decision.allowed), None],
            allowed: decision.allowed,
        }
    }
}

impl Counted {
    /// The request fitted in.
    pub(crate) const fn within(&self) -> Result<(), Refusal> {
        if self.allowed {
            Ok(())
        } else {
            Err(Refusal::RateLimited)
        }
    }
}

/// Counts a request. Where all keys of an account share a budget, a key with a
/// limit of its own is held to both, and what one of them refuses takes
/// nothing from the other.
pub(crate) fn count(
    limiter: &Limiter,
    found: &KeySnapshot,
    plan: &Plan,
    now: &Instants,
) -> Counted {
    let key = &found.key;
    let limit = plan.limit_of(key.environment, key.limit);
    let own = Budget::of_key(key);
    let shared = Budget::of_account(key);
    let shared_limit = plan.limit(key.environment);
    match (plan.limit_scope, key.limit) {
        (LimitScope::Key, _) => limiter.check(&own, limit, now).into(),
        (LimitScope::Account, None) => limiter.check(&shared, shared_limit, now).into(),
        (LimitScope::Account, Some(_)) => {
            let mut first = limiter.check(&own, limit, now);
            if !first.allowed {
                // Whoever waits as long as told must find both open.
                let shared_wait = limiter.wait(&shared, shared_limit, now);
                first.snapshot.next_seconds = first.snapshot.next_seconds.max(shared_wait);
                return first.into();
            }
            let second = limiter.check(&shared, shared_limit, now);
            if !second.allowed {
                limiter.give_back(&own, limit);
                return second.into();
            }
            let nearer = first.snapshot.remaining <= second.snapshot.remaining;
            Counted {
                snapshot: if nearer {
                    first.snapshot
                } else {
                    second.snapshot
                },
                spent: [first.spent, second.spent],
                allowed: true,
            }
        }
    }
}

/// What is left of a key's limit at `at`, by what is recorded of it. Nothing is
/// counted. None where the settings have no such plan.
#[must_use]
pub fn left(found: &KeySnapshot, plans: &Plans, at: Timestamp) -> Option<RateSnapshot> {
    let plan = plans.get(&found.account.plan)?;
    let now = Instants {
        wall: at,
        monotonic: Duration::ZERO,
    };
    // A request is counted on a limiter that is thrown away, and added again.
    let limiter = Limiter::memory();
    for spent in &found.spent {
        limiter.restore(spent, &now);
    }
    let counted = count(&limiter, found, plan, &now);
    let remaining = counted.snapshot.remaining + u32::from(counted.allowed);
    Some(RateSnapshot {
        remaining,
        ..counted.snapshot
    })
}
