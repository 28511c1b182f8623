//! What a client is told, and what happens to a budget when things change.

use std::time::Duration;

use crate::kit::{WALL_MICROS, at, at_nanos, at_secs, key, key_of, spend};
use torvus_domain::Budget;
use torvus_domain::{AccountId, LimitScope, Timestamp};
use torvus_key_core::Environment;
use torvus_ratelimit::Limiter;

#[test]
fn each_answer_tells_what_is_left() {
    let limiter = Limiter::memory();
    let budget = Budget::of_key(&key());
    for used in 1..=100 {
        let decision = limiter.check(&budget, 100, &at_secs(7));
        assert!(decision.allowed);
        assert_eq!(decision.snapshot.limit, 100);
        assert_eq!(decision.snapshot.remaining, 100 - used);
        assert_eq!(decision.snapshot.next_seconds, 36);
        assert_eq!(decision.snapshot.scope, LimitScope::Key);
        // The clock says …07.5 s; each request takes 36 s to come back; rounded up.
        let whole = WALL_MICROS / 1_000_000 + 7 + i64::from(used) * 36 + 1;
        assert_eq!(decision.snapshot.reset_at_unix, whole);
    }
    let refused = limiter.check(&budget, 100, &at_secs(7));
    assert!(!refused.allowed);
    assert_eq!(refused.snapshot.remaining, 0);
    assert_eq!(refused.snapshot.next_seconds, 36);
}

#[test]
fn retry_after_is_exact() {
    let limiter = Limiter::memory();
    let budget = Budget::of_key(&key());
    assert_eq!(spend(&limiter, &budget, 100, 0, 100), 100);
    let almost = at_nanos(35_999_999_999);
    let refused = limiter.check(&budget, 100, &almost);
    assert!(!refused.allowed);
    assert_eq!(refused.snapshot.next_seconds, 1, "never 0");
    assert!(limiter.check(&budget, 100, &at_secs(36)).allowed);
    assert!(!limiter.check(&budget, 100, &at_secs(36)).allowed);
}

#[test]
fn waiting_as_long_as_told_is_always_enough_and_never_a_second_too_long() {
    for limit in [1, 7, 100, 999, 10_000] {
        let limiter = Limiter::memory();
        let budget = Budget::of_key(&key());
        let start = Duration::from_nanos(123_456_789);
        while limiter.check(&budget, limit, &at(start)).allowed {}
        let told = limiter
            .check(&budget, limit, &at(start))
            .snapshot
            .next_seconds;
        if let Some(sooner) = told.checked_sub(1).filter(|sooner| *sooner > 0) {
            let sooner = start + Duration::from_secs(sooner);
            assert!(!limiter.check(&budget, limit, &at(sooner)).allowed);
        }
        let then = start + Duration::from_secs(told);
        assert!(limiter.check(&budget, limit, &at(then)).allowed, "{limit}");
    }
}

#[test]
fn at_the_reset_the_whole_limit_is_there() {
    for limit in [1, 7, 100, 999] {
        let limiter = Limiter::memory();
        let budget = Budget::of_key(&key());
        spend(&limiter, &budget, limit, 0, limit);
        let told = limiter
            .check(&budget, limit, &at_secs(0))
            .snapshot
            .reset_at_unix;
        let wait = u64::try_from(told * 1_000_000 - WALL_MICROS).unwrap();
        let mut before = at(Duration::from_micros(wait) - Duration::from_secs(1));
        before.wall = Timestamp::UNIX_EPOCH; // has no say
        let probe = limiter.check(&budget, limit, &before).snapshot;
        assert!(
            probe.remaining < limit,
            "the reset is not a second too late"
        );

        let limiter = Limiter::memory();
        spend(&limiter, &budget, limit, 0, limit);
        let reset = at(Duration::from_micros(wait));
        let passed = (0..=limit)
            .filter(|_| limiter.check(&budget, limit, &reset).allowed)
            .count();
        assert_eq!(passed, limit as usize);
    }
}

#[test]
fn a_refusal_uses_nothing_up() {
    let limiter = Limiter::memory();
    let budget = Budget::of_key(&key());
    spend(&limiter, &budget, 10, 0, 10);
    let before = limiter.check(&budget, 10, &at_secs(1));
    assert_eq!(spend(&limiter, &budget, 10, 1, 1_000), 0);
    assert_eq!(limiter.check(&budget, 10, &at_secs(1)), before);
}

#[test]
fn a_limit_of_nothing_lets_nothing_through() {
    let limiter = Limiter::memory();
    let decision = limiter.check(&Budget::of_key(&key()), 0, &at_secs(0));
    assert!(!decision.allowed);
    assert_eq!(decision.snapshot.remaining, 0);
    assert_eq!(decision.snapshot.next_seconds, 3_600);
    assert_eq!(limiter.budgets(), 0);
}

#[test]
fn setting_the_wall_clock_changes_nothing() {
    let limiter = Limiter::memory();
    let budget = Budget::of_key(&key());
    spend(&limiter, &budget, 10, 0, 10);
    for micros in [0, WALL_MICROS * 2] {
        let mut now = at_secs(1);
        now.wall = Timestamp::from_timestamp_micros(micros).unwrap();
        assert!(!limiter.check(&budget, 10, &now).allowed);
    }
}

#[test]
fn keys_and_environments_are_counted_apart() {
    let limiter = Limiter::memory();
    let account = AccountId::new(Timestamp::UNIX_EPOCH);
    let [live, other, test] = [Environment::Live, Environment::Live, Environment::Test]
        .map(|environment| key_of(account, environment));
    assert_eq!(spend(&limiter, &Budget::of_key(&live), 5, 0, 9), 5);
    assert_eq!(spend(&limiter, &Budget::of_key(&other), 5, 0, 9), 5);
    assert_eq!(spend(&limiter, &Budget::of_key(&test), 5, 0, 9), 5);
    // The account's own budget is another one, and its live keys share it.
    assert_eq!(Budget::of_account(&live), Budget::of_account(&other));
    assert_eq!(spend(&limiter, &Budget::of_account(&live), 5, 0, 3), 3);
    assert_eq!(spend(&limiter, &Budget::of_account(&other), 5, 0, 9), 2);
    assert_eq!(spend(&limiter, &Budget::of_account(&test), 5, 0, 9), 5);
    let shared = limiter.check(&Budget::of_account(&test), 5, &at_secs(0));
    assert_eq!(shared.snapshot.scope, LimitScope::Account);
}

#[test]
fn a_sweep_drops_only_what_is_whole_again() {
    let limiter = Limiter::memory();
    let [busy, idle] = [key(), key()].map(|key| Budget::of_key(&key));
    spend(&limiter, &busy, 10, 0, 10);
    spend(&limiter, &idle, 10, 0, 1);
    limiter.sweep(&at_secs(359));
    assert_eq!(limiter.budgets(), 2);
    limiter.sweep(&at_secs(360));
    assert_eq!(limiter.budgets(), 1);
    assert_eq!(spend(&limiter, &busy, 10, 360, 10), 1);
    assert_eq!(spend(&limiter, &idle, 10, 360, 20), 10);
}

/// Its clock was read before the sweep, but it is counted after: it must not find a fresh budget.
#[test]
fn a_request_that_was_slow_does_not_gain_by_a_sweep() {
    let limiter = Limiter::memory();
    let budget = Budget::of_key(&key());
    spend(&limiter, &budget, 10, 0, 1);
    limiter.sweep(&at_secs(360));
    assert_eq!(limiter.budgets(), 0);
    assert_eq!(spend(&limiter, &budget, 10, 0, 20), 9);
}

#[test]
fn the_end_of_time_is_no_panic() {
    let limiter = Limiter::memory();
    let budget = Budget::of_key(&key());
    let mut now = at_secs(0);
    now.monotonic = Duration::MAX;
    assert!(limiter.check(&budget, 1, &now).allowed);
    assert!(!limiter.check(&budget, 1, &now).allowed);
    limiter.sweep(&now);
}
