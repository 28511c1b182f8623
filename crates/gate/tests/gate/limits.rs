//! Which limit holds for a request, and what it is counted against.

use std::sync::Arc;

use crate::kit::{World, account, issue};
use torvus_domain::{Account, LimitScope, PlanPatch, Plans, Refusal};
use torvus_gate::Verdict;
use torvus_key_core::{ApiKeyToken, Environment};

/// Asks until refused; how many passed, and the refusal's verdict has a budget of nothing.
async fn spend(world: &World, token: &ApiKeyToken) -> u32 {
    let mut passed = 0;
    while world.outcome(token).await.is_ok() {
        passed += 1;
    }
    let (refusal, who, route, rate) = world.refused("GET", "/v1/account", token).await;
    assert_eq!(refusal, Refusal::RateLimited);
    assert_eq!(route.as_deref(), Some("/v1/account"));
    assert!(who.is_some());
    let rate = rate.unwrap().snapshot;
    assert_eq!(rate.remaining, 0);
    assert!(rate.next_seconds >= 1);
    passed
}

/// A live key of this account, with a limit of its own or none.
fn live(world: &World, owner: &Account, limit: Option<u32>) -> ApiKeyToken {
    let (token, mut found) = issue(owner, Environment::Live);
    found.key.limit = limit;
    world.store(&token, found);
    token
}

fn shared_plans(limit: u32) -> Arc<Plans> {
    let patch = PlanPatch {
        live_requests_per_hour: Some(limit),
        test_requests_per_hour: Some(limit),
        limit_scope: Some(LimitScope::Account),
        ..PlanPatch::default()
    };
    let name = "professional".parse().unwrap();
    Arc::new(Plans::shipped().with(name, &patch).unwrap())
}

#[tokio::test]
async fn the_plan_limits_each_key_and_environment_by_itself() {
    let world = World::new();
    let owner = account("free");
    let mut tokens = Vec::new();
    for environment in [Environment::Live, Environment::Live, Environment::Test] {
        let (token, found) = issue(&owner, environment);
        world.store(&token, found);
        tokens.push(token);
    }
    for (token, limit) in tokens.iter().zip([100, 100, 1_000]) {
        assert_eq!(spend(&world, token).await, limit);
    }
}

#[tokio::test]
async fn a_keys_own_limit_holds_but_never_raises_the_plans() {
    let world = World::new();
    for (own, expected) in [(1, 1), (7, 7), (1_000, 1_000), (5_000, 1_000)] {
        let token = world.with_key(|found| found.key.limit = Some(own));
        assert_eq!(spend(&world, &token).await, expected);
    }
}

#[tokio::test]
async fn a_budget_comes_back_with_time() {
    let mut world = World::new();
    let token = world.with_key(|found| found.key.limit = Some(10));
    assert_eq!(spend(&world, &token).await, 10);
    world.second = 359;
    assert_eq!(
        world.outcome(&token).await.err(),
        Some(Refusal::RateLimited)
    );
    world.second = 360;
    assert_eq!(spend(&world, &token).await, 1);
    world.second = 3_960;
    assert_eq!(spend(&world, &token).await, 10);
}

#[tokio::test]
async fn plans_that_change_hold_from_the_next_request_on() {
    let world = World::new();
    let token = world.with_key(|_| {});
    assert_eq!(world.outcome(&token).await.unwrap().limit, 1_000);
    world.plans.store(shared_plans(50));
    let rate = world.outcome(&token).await.unwrap();
    assert_eq!((rate.limit, rate.scope), (50, LimitScope::Account));
}

#[tokio::test]
async fn an_account_shares_one_budget_where_its_plan_says_so() {
    let world = World::new();
    world.plans.store(shared_plans(20));
    let owner = account("professional");
    let live = |limit| live(&world, &owner, limit);
    let (bound, free, late) = (live(Some(5)), live(None), live(Some(19)));
    // Its own limit stops it, and what is refused takes nothing from the others.
    assert_eq!(spend(&world, &bound).await, 5);
    assert_eq!(spend(&world, &bound).await, 0);
    assert_eq!(spend(&world, &free).await, 15);
    assert_eq!(spend(&world, &late).await, 0);
    let (.., rate) = world.refused("GET", "/v1/account", &late).await;
    assert_eq!(rate.unwrap().snapshot.scope, LimitScope::Account);
    // The other environment, and another account, have budgets of their own.
    let (test, found) = issue(&owner, Environment::Test);
    world.store(&test, found);
    assert_eq!(spend(&world, &test).await, 20);
    assert_eq!(spend(&world, &world.with_key(|_| {})).await, 20);
}

#[tokio::test]
async fn the_budget_that_is_told_is_the_one_nearer_its_end() {
    let world = World::new();
    world.plans.store(shared_plans(10));
    let owner = account("professional");
    let bound = live(&world, &owner, Some(3));
    let free = live(&world, &owner, None);
    let rate = world.outcome(&bound).await.unwrap();
    assert_eq!(
        (rate.scope, rate.limit, rate.remaining),
        (LimitScope::Key, 3, 2)
    );
    for _ in 0..8 {
        assert!(world.outcome(&free).await.is_ok());
    }
    let rate = world.outcome(&bound).await.unwrap();
    assert_eq!(
        (rate.scope, rate.limit, rate.remaining),
        (LimitScope::Account, 10, 0)
    );
}

#[tokio::test]
async fn without_a_plan_nothing_can_be_decided() {
    let world = World::new();
    let token = world.with_key(|found| found.account.plan = "gone".parse().unwrap());
    let (refusal, who, _, rate) = world.refused("GET", "/v1/account", &token).await;
    assert_eq!((refusal, rate), (Refusal::Unavailable, None));
    assert!(who.is_some());
}

#[tokio::test]
async fn what_the_shared_budget_refuses_costs_the_key_nothing() {
    let mut world = World::new();
    world.plans.store(shared_plans(10));
    let owner = account("professional");
    let bound = live(&world, &owner, Some(5));
    let free = live(&world, &owner, None);
    assert_eq!(spend(&world, &free).await, 10);
    assert_eq!(spend(&world, &bound).await, 0);
    // An hour later the key has its whole limit, whatever it asked meanwhile.
    world.second = 3_600;
    assert_eq!(spend(&world, &bound).await, 5);
}

#[tokio::test]
async fn waiting_as_long_as_told_is_enough_for_both_budgets() {
    let mut world = World::new();
    world.plans.store(shared_plans(100));
    let owner = account("professional");
    let live = |limit| live(&world, &owner, limit);
    let (bound, free) = (live(Some(50)), live(None));
    assert_eq!(spend(&world, &bound).await, 50);
    world.second = 55;
    assert_eq!(spend(&world, &free).await, 51);
    world.second = 70;
    let (refusal, .., rate) = world.refused("GET", "/v1/account", &bound).await;
    assert_eq!(refusal, Refusal::RateLimited);
    world.second += rate.unwrap().snapshot.next_seconds;
    assert!(world.outcome(&bound).await.is_ok());
}

#[tokio::test]
async fn a_restart_goes_on_from_what_was_recorded() {
    let world = World::new();
    let (token, mut found) = issue(&account("professional"), Environment::Live);
    found.key.limit = Some(10);
    world.store(&token, found.clone());
    let mut recorded = None;
    for _ in 0..7 {
        let credential = torvus_domain::Credential::Bearer(token.expose());
        let Verdict::Allow { rate, .. } = world.ask("GET", "/v1/account", credential).await else {
            panic!("refused");
        };
        recorded = rate.spent[0];
    }
    let mut restarted = World::new();
    restarted.second = 1;
    found.spent = vec![recorded.unwrap()];
    let (_, digest) = restarted.peppers.digests(&token).last().unwrap();
    restarted.keys.insert(digest, found);
    assert_eq!(spend(&restarted, &token).await, 3);
}

/// Many tasks at once: the limit is still the limit.
#[tokio::test]
async fn requests_at_once_do_not_pass_a_limit_together() {
    let world = Arc::new(World::new());
    let token = Arc::new(world.with_key(|found| found.key.limit = Some(100)));
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (world, token) = (Arc::clone(&world), Arc::clone(&token));
            tokio::spawn(async move {
                let mut passed = 0;
                for _ in 0..20 {
                    let credential = torvus_domain::Credential::Bearer(token.expose());
                    let verdict = world.ask("GET", "/v1/account", credential).await;
                    passed += u32::from(matches!(verdict, Verdict::Allow { .. }));
                    tokio::task::yield_now().await;
                }
                passed
            })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        passed += task.await.unwrap();
    }
    assert_eq!(passed, 100);
}
