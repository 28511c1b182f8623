//! The bound of the public contract, section 8: at most L at once and, over any d seconds, at most
//! L + ⌈d·L/3600⌉.

use std::sync::Barrier;
use std::thread;

use crate::kit::{HOUR_NANOS, assert_bound, at_nanos, at_secs, key};
use proptest::prelude::*;
use torvus_domain::Budget;
use torvus_ratelimit::Limiter;

#[test]
fn at_once_exactly_the_limit_passes() {
    for limit in [1, 2, 3, 7, 100, 1_000, 7_001, 100_000] {
        let limiter = Limiter::memory();
        let budget = Budget::of_key(&key());
        let passed = (0..limit + 10)
            .filter(|_| limiter.check(&budget, limit, &at_secs(0)).allowed)
            .count();
        assert_eq!(passed, limit as usize);
    }
}

#[test]
fn a_greedy_client_gets_what_is_promised_and_no_more() {
    for limit in [1_u32, 3, 7, 36, 100, 131] {
        let limiter = Limiter::memory();
        let budget = Budget::of_key(&key());
        let mut passed = Vec::new();
        // Two hours, asked until refused every second.
        for second in 0..=7_200 {
            while limiter.check(&budget, limit, &at_secs(second)).allowed {
                passed.push(second * 1_000_000_000);
            }
        }
        assert_bound(limit, &passed);
        // Nothing is lost either, but for the nanoseconds by which a period is rounded up.
        let exact = HOUR_NANOS.is_multiple_of(u128::from(limit));
        let least = 3 * limit as usize - if exact { 0 } else { 1 };
        assert!(
            (least..=3 * limit as usize).contains(&passed.len()),
            "{limit}"
        );
    }
}

proptest! {
    #[test]
    fn holds_for_any_arrivals_in_any_order(
        limit in prop_oneof![1_u32..20, 20_u32..2_000, Just(10_000), Just(1_000_000_000)],
        steps in prop::collection::vec((-2_000_000_000_i64..60_000_000_000, 1_usize..40), 1..40),
        sweep_every in 1_usize..5,
    ) {
        let limiter = Limiter::memory();
        let budget = Budget::of_key(&key());
        let mut passed = Vec::new();
        let mut now = 10_000_000_000_u64;
        for (index, (step, requests)) in steps.into_iter().enumerate() {
            now = now.saturating_add_signed(step);
            if index % sweep_every == 0 {
                limiter.sweep(&at_nanos(now));
            }
            for _ in 0..requests {
                if limiter.check(&budget, limit, &at_nanos(now)).allowed {
                    passed.push(now);
                }
            }
        }
        assert_bound(limit, &passed);
    }
}

/// Eight threads ask as fast as they can, all at the same instants of the clock, while a ninth sweeps.
#[test]
fn many_threads_get_exactly_the_limit() {
    const LIMIT: u32 = 1_000;
    const THREADS: usize = 8;
    let limiter = Limiter::memory();
    let budget = Budget::of_key(&key());
    // After a tenth of an hour a tenth is back, after two hours more all of it.
    for (seconds, expected) in [(0, 1_000), (360, 100), (7_560, 1_000)] {
        let together = Barrier::new(THREADS + 1);
        let now = at_secs(seconds);
        let passed: usize = thread::scope(|scope| {
            let clients: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        together.wait();
                        (0..2_000)
                            .filter(|_| limiter.check(&budget, LIMIT, &now).allowed)
                            .count()
                    })
                })
                .collect();
            scope.spawn(|| {
                together.wait();
                for _ in 0..200 {
                    limiter.sweep(&now);
                }
            });
            clients
                .into_iter()
                .map(|client| client.join().unwrap())
                .sum()
        });
        assert_eq!(passed, expected, "after {seconds} s");
    }
}

/// Each thread has its own idea of the time, up to a minute apart.
#[test]
fn threads_whose_clocks_differ_stay_within_the_bound() {
    const LIMIT: u32 = 360; // one each ten seconds
    let limiter = Limiter::memory();
    let budget = Budget::of_key(&key());
    let passed: Vec<u64> = thread::scope(|scope| {
        let clients: Vec<_> = (0..8_u64)
            .map(|client| {
                let (limiter, budget) = (&limiter, &budget);
                scope.spawn(move || {
                    let seconds = (0..600).map(|second| second + client * 7);
                    seconds
                        .filter(|second| limiter.check(budget, LIMIT, &at_secs(*second)).allowed)
                        .map(|second| second * 1_000_000_000)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        clients
            .into_iter()
            .flat_map(|client| client.join().unwrap())
            .collect()
    });
    assert_bound(LIMIT, &passed);
    assert!(passed.len() >= LIMIT as usize);
}
