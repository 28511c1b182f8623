//! How often: which budgets a request is counted against.

use torvus_domain::{ApiKey, Instants, LimitScope, Plan, Refusal};
use torvus_ratelimit::{Budget, Decision, Limiter};

/// Counts a request. Where all keys of an account share a budget, a key with a
/// limit of its own is held to that one first, so that what it refuses takes
/// nothing from the others. What is told is the budget that is closer to its
/// end.
pub(crate) fn count(limiter: &Limiter, key: &ApiKey, plan: &Plan, now: &Instants) -> Decision {
    let limit = plan.limit_of(key.environment, key.limit);
    let own = Budget::of_key(key);
    match plan.limit_scope {
        LimitScope::Key => limiter.check(&own, limit, now),
        LimitScope::Account => {
            let shared = Budget::of_account(key);
            let shared_limit = plan.limit(key.environment);
            if key.limit.is_none() {
                return limiter.check(&shared, shared_limit, now);
            }
            let first = limiter.check(&own, limit, now);
            if !first.allowed {
                return first;
            }
            let second = limiter.check(&shared, shared_limit, now);
            if second.allowed && first.snapshot.remaining <= second.snapshot.remaining {
                first
            } else {
                second
            }
        }
    }
}

/// The request fitted in.
pub(crate) const fn within(decision: &Decision) -> Result<(), Refusal> {
    if decision.allowed {
        Ok(())
    } else {
        Err(Refusal::RateLimited)
    }
}
