//! A budget whose limit changes, and one that outlives the process.

use crate::kit::{assert_bound, at_nanos, at_secs, key, spend};
use proptest::prelude::*;
use torvus_domain::{Budget, Spent, Timestamp};
use torvus_ratelimit::Limiter;

#[test]
fn what_was_used_stays_used() {
    let limiter = Limiter::memory();
    let budget = Budget::of_key(&key());
    assert_eq!(spend(&limiter, &budget, 100, 0, 60), 60);
    let raised = limiter.check(&budget, 1_000, &at_secs(0)).snapshot;
    assert_eq!((raised.limit, raised.remaining), (1_000, 939));
    let back = limiter.check(&budget, 100, &at_secs(0)).snapshot;
    assert_eq!((back.limit, back.remaining), (100, 38));
    let lowered = limiter.check(&budget, 50, &at_secs(0));
    assert!(!lowered.allowed);
    assert_eq!(lowered.snapshot.remaining, 0);
}

#[test]
fn a_plan_that_was_used_up_has_room_as_soon_as_it_is_raised() {
    let limiter = Limiter::memory();
    let budget = Budget::of_key(&key());
    assert_eq!(spend(&limiter, &budget, 100, 0, 200), 100);
    assert_eq!(spend(&limiter, &budget, 1_000, 0, 2_000), 900);
}

#[test]
fn what_is_above_a_lowered_limit_comes_back_at_the_old_pace() {
    let limiter = Limiter::memory();
    let budget = Budget::of_key(&key());
    // 600 of 3,600: one a second comes back.
    assert_eq!(spend(&limiter, &budget, 3_600, 0, 600), 600);
    let refused = limiter.check(&budget, 100, &at_secs(0));
    // 500 seconds to 100 used, and one more at the new pace of 36 s.
    assert_eq!(refused.snapshot.next_seconds, 536);
    assert!(!limiter.check(&budget, 100, &at_secs(535)).allowed);
    assert!(limiter.check(&budget, 100, &at_secs(536)).allowed);
    assert!(!limiter.check(&budget, 100, &at_secs(536)).allowed);
    assert!(limiter.check(&budget, 100, &at_secs(536 + 36)).allowed);
}

#[test]
fn a_limit_that_is_lowered_and_raised_again_hands_out_nothing() {
    for detour in [&[1][..], &[50, 1], &[1, 50], &[900, 1, 7]] {
        let limiter = Limiter::memory();
        let budget = Budget::of_key(&key());
        assert_eq!(spend(&limiter, &budget, 1_000, 0, 600), 600);
        for limit in detour {
            let passed = spend(&limiter, &budget, *limit, 0, 1_000);
            assert_eq!(passed, limit.saturating_sub(600));
        }
        let used = 600 + detour.iter().map(|l| l.saturating_sub(600)).max().unwrap();
        let passed = spend(&limiter, &budget, 1_000, 0, 2_000);
        // A nanosecond of rounding a change is the most that is lost.
        assert!(
            (1_000 - used - 1..=1_000 - used).contains(&passed),
            "{detour:?}: {passed}"
        );
    }
}

fn recorded(limiter: &Limiter, budget: &Budget, limit: u32, second: u64) -> Spent {
    limiter
        .check(budget, limit, &at_secs(second))
        .spent
        .unwrap()
}

#[test]
fn a_restart_hands_nobody_a_fresh_limit() {
    let budget = Budget::of_key(&key());
    let before = Limiter::memory();
    assert_eq!(spend(&before, &budget, 100, 0, 69), 69);
    let spent = recorded(&before, &budget, 100, 0);
    let after = Limiter::memory();
    after.restore(&spent, &at_secs(36));
    // One came back meanwhile; the microsecond of rounding is not told as one.
    assert_eq!(spend(&after, &budget, 100, 36, 200), 30);
    // What is there already is newer than what was recorded.
    after.restore(&spent, &at_secs(36));
    assert_eq!(spend(&after, &budget, 100, 36, 200), 0);
    // The changed limit of a restored budget is counted on, too.
    let raised = Limiter::memory();
    raised.restore(&spent, &at_secs(0));
    assert_eq!(spend(&raised, &budget, 1_000, 0, 2_000), 929);
}

#[test]
fn a_wall_clock_that_was_set_locks_nobody_out() {
    let budget = Budget::of_key(&key());
    let before = Limiter::memory();
    assert_eq!(spend(&before, &budget, 100, 0, 99), 99);
    let spent = recorded(&before, &budget, 100, 0);
    let mut now = at_secs(0);
    now.wall = Timestamp::UNIX_EPOCH; // years back
    let after = Limiter::memory();
    after.restore(&spent, &now);
    let refused = after.check(&budget, 100, &now);
    assert_eq!(
        (refused.allowed, refused.snapshot.next_seconds),
        (false, 36)
    );
    now.wall = Timestamp::MAX_UTC; // years on: all of it is back
    let after = Limiter::memory();
    after.restore(&spent, &now);
    assert!(after.check(&budget, 100, &now).allowed);
    assert_eq!(spend(&after, &budget, 100, 0, 200), 99);
}

#[test]
fn what_did_not_pass_after_all_is_given_back() {
    let limiter = Limiter::memory();
    let budget = Budget::of_key(&key());
    assert_eq!(spend(&limiter, &budget, 10, 0, 10), 10);
    limiter.give_back(&budget, 10);
    assert_eq!(spend(&limiter, &budget, 10, 0, 10), 1);
    // Of another limit, or another budget, it is no concern.
    limiter.give_back(&budget, 11);
    limiter.give_back(&Budget::of_key(&key()), 10);
    assert_eq!(spend(&limiter, &budget, 10, 0, 10), 0);
}

proptest! {
    /// Limits change, the process restarts, clocks are late: over any span no more passes than the
    /// highest limit of that span allows.
    #[test]
    fn no_change_and_no_restart_passes_the_highest_limit(
        steps in prop::collection::vec(
            (0_u64..400_000_000_000, 0_usize..4, 1_usize..60, prop::bool::weighted(0.2)),
            1..30,
        ),
        limits in prop::array::uniform4(1_u32..300),
    ) {
        let budget = Budget::of_key(&key());
        let mut limiter = Limiter::memory();
        let mut spent = None;
        let mut passed = Vec::new();
        let mut now = 0;
        for (step, which, requests, restart) in steps {
            now += step;
            let instants = at_nanos(now);
            if restart {
                limiter = Limiter::memory();
                if let Some(spent) = &spent {
                    limiter.restore(spent, &instants);
                }
            }
            for _ in 0..requests {
                let decision = limiter.check(&budget, limits[which], &instants);
                if decision.allowed {
                    passed.push(now);
                    spent = decision.spent;
                }
            }
        }
        assert_bound(*limits.iter().max().unwrap(), &passed);
    }
}
