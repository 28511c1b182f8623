//! What is remembered, and when it is not.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use torvus_domain::{Change, Clock, KeyId, LEASE, Refusal};
use torvus_gate::{KeyCache, LeaseKeeper, Renewal};
use torvus_key_core::Environment;

use crate::kit::World;
use crate::store::{Hands, Node, Shared};

/// A world whose node holds a lease at second 0.
fn leased() -> (World, Arc<Shared>, Arc<Hands>, LeaseKeeper<Node>) {
    let world = World::new();
    let (shared, clock) = (Arc::new(Shared::default()), Arc::new(Hands::default()));
    let mut keeper = keeper(&shared, &clock, world.cache.clone());
    assert_eq!(keeper.renew(), Ok(Renewal::Registered));
    (world, shared, clock, keeper)
}

fn keeper(shared: &Arc<Shared>, clock: &Arc<Hands>, cache: KeyCache) -> LeaseKeeper<Node> {
    let clock: Arc<dyn Clock> = Arc::<Hands>::clone(clock);
    LeaseKeeper::new(Node::new(1, shared), cache, clock, || {})
}

fn asked(world: &World) -> usize {
    world.keys.asked.load(Ordering::SeqCst)
}

#[tokio::test]
async fn without_a_lease_each_request_reads_the_store() {
    let world = World::new();
    let token = world.with_key(|_| {});
    for n in 1..=3 {
        world.outcome(&token).await.unwrap();
        assert_eq!(asked(&world), n);
    }
    assert_eq!(world.cache.keys(), 0);
}

#[tokio::test]
async fn under_a_lease_a_key_is_read_once_until_it_changes() {
    let (world, shared, _clock, mut keeper) = leased();
    let token = world.with_key(|_| {});
    for _ in 0..3 {
        world.outcome(&token).await.unwrap();
    }
    assert_eq!(asked(&world), 1);
    let id = world.revoke(&token);
    shared.change(Change::Key(id));
    // Not made known yet: whoever revoked it still waits.
    world.outcome(&token).await.unwrap();
    assert_eq!(keeper.renew(), Ok(Renewal::Acknowledged));
    assert_eq!(world.outcome(&token).await, Err(Refusal::RevokedKey));
    assert_eq!(asked(&world), 2);
    // A key that is dead is remembered as such.
    assert_eq!(world.outcome(&token).await, Err(Refusal::RevokedKey));
    assert_eq!(asked(&world), 2);
}

#[tokio::test]
async fn a_change_of_an_account_forgets_its_keys_and_no_others() {
    let (world, shared, _clock, mut keeper) = leased();
    let (mine, other) = (world.with_key(|_| {}), world.with_key(|_| {}));
    let account = world.account_of(&mine);
    world.outcome(&mine).await.unwrap();
    world.outcome(&other).await.unwrap();
    assert_eq!((asked(&world), world.cache.keys()), (2, 2));
    shared.change(Change::Account(account));
    assert_eq!(keeper.renew(), Ok(Renewal::Acknowledged));
    assert_eq!(world.cache.keys(), 1);
    world.outcome(&other).await.unwrap();
    assert_eq!(asked(&world), 2);
    world.outcome(&mine).await.unwrap();
    assert_eq!(asked(&world), 3);
    shared.change(Change::Everything);
    keeper.renew().unwrap();
    assert_eq!(world.cache.keys(), 0);
}

#[tokio::test]
async fn a_lease_runs_out_by_itself_and_is_not_revived_by_a_store_that_is_away() {
    let (mut world, shared, clock, mut keeper) = leased();
    let token = world.with_key(|_| {});
    world.outcome(&token).await.unwrap();
    shared.set_away(true);
    clock.set(LEASE - Duration::from_nanos(1));
    assert!(keeper.renew().is_err());
    assert!(world.cache.holds_lease(clock.now().monotonic));
    clock.set(LEASE);
    assert!(!world.cache.holds_lease(clock.now().monotonic));
    // The gate goes by the clock of the request.
    world.second = LEASE.as_secs();
    world.outcome(&token).await.unwrap();
    assert_eq!(asked(&world), 2);
    world.keys.down.store(true, Ordering::SeqCst);
    assert_eq!(world.outcome(&token).await, Err(Refusal::Unavailable));
    // What is remembered is good again once the lease is, if nothing changed.
    shared.set_away(false);
    assert_eq!(keeper.renew(), Ok(Renewal::Unchanged));
    world.outcome(&token).await.unwrap();
}

#[tokio::test]
async fn a_node_that_was_given_up_begins_with_nothing() {
    let (world, shared, clock, mut keeper) = leased();
    let token = world.with_key(|_| {});
    world.outcome(&token).await.unwrap();
    clock.set(Duration::from_millis(1_300));
    shared.give_up(1);
    assert_eq!(keeper.renew(), Ok(Renewal::Registered));
    assert_eq!(world.cache.keys(), 0);
    assert!(world.cache.holds_lease(clock.now().monotonic));
}

#[tokio::test]
async fn more_than_keys_is_read_again_before_it_is_acknowledged() {
    let (shared, clock) = (Arc::new(Shared::default()), Arc::new(Hands::default()));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = {
        let (shared, seen) = (Arc::clone(&shared), Arc::clone(&seen));
        move || seen.lock().unwrap().push(shared.nodes()[&1])
    };
    let cache = World::new().cache;
    let mut keeper = LeaseKeeper::new(Node::new(1, &shared), cache, clock, note);
    keeper.renew().unwrap();
    shared.change(Change::Key(KeyId::new(crate::kit::start())));
    keeper.renew().unwrap();
    shared.change(Change::Everything);
    keeper.renew().unwrap();
    shared.give_up(1);
    keeper.renew().unwrap();
    // At the start, then for everything, while only 1 is acknowledged; and anew.
    assert_eq!(*seen.lock().unwrap(), [0, 1, 2]);
}

#[tokio::test]
async fn a_node_that_leaves_is_waited_for_by_nobody() {
    let (world, shared, clock, mut keeper) = leased();
    keeper.leave().unwrap();
    assert!(shared.nodes().is_empty());
    assert!(!world.cache.holds_lease(clock.now().monotonic));
}

#[tokio::test]
async fn keys_that_nobody_has_are_not_remembered_and_what_is_remembered_is_bounded() {
    let (world, _shared, _clock, _keeper) = leased();
    for _ in 0..50 {
        let (unknown, _) = crate::kit::issue(&crate::kit::account("free"), Environment::Live);
        assert_eq!(world.outcome(&unknown).await, Err(Refusal::UnknownKey));
    }
    assert_eq!(world.cache.keys(), 0);
    for _ in 0..3_000 {
        let token = world.with_key(|_| {});
        world.outcome(&token).await.unwrap();
    }
    // The kit's capacity, and what is added up in each of its parts.
    assert!(
        (500..=1_100).contains(&world.cache.keys()),
        "{}",
        world.cache.keys()
    );
    // What made room is not in the index either: forgetting it finds nothing.
    let token = world.with_key(|_| {});
    world.outcome(&token).await.unwrap();
}

#[tokio::test]
async fn many_who_ask_at_once_are_answered_by_one_look_up() {
    let (world, _shared, _clock, _keeper) = leased();
    let token = world.with_key(|_| {});
    let hold = world.keys.hold();
    let mut asking: Vec<_> = (0..100).map(|_| Box::pin(world.outcome(&token))).collect();
    let mut context = Context::from_waker(Waker::noop());
    for ask in &mut asking {
        assert!(ask.as_mut().poll(&mut context).is_pending());
    }
    drop(hold);
    for ask in asking {
        ask.await.unwrap();
    }
    assert_eq!(asked(&world), 1);
}

#[tokio::test]
async fn whoever_gives_up_takes_nobody_along() {
    let (world, _shared, _clock, _keeper) = leased();
    let token = world.with_key(|_| {});
    let hold = world.keys.hold();
    let mut context = Context::from_waker(Waker::noop());
    let mut first = Box::pin(world.outcome(&token));
    let mut second = Box::pin(world.outcome(&token));
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    drop(first);
    drop(hold);
    assert!(matches!(
        second.as_mut().poll(&mut context),
        Poll::Ready(Ok(_))
    ));
    drop(second);
    world.outcome(&token).await.unwrap();
    assert_eq!(asked(&world), 1);
}

#[tokio::test]
async fn an_answer_that_was_read_before_a_change_is_not_remembered_after_it() {
    let (world, shared, _clock, mut keeper) = leased();
    let token = world.with_key(|_| {});
    let hold = world.keys.hold();
    let mut context = Context::from_waker(Waker::noop());
    let mut slow = Box::pin(world.outcome(&token));
    assert!(slow.as_mut().poll(&mut context).is_pending());
    let id = world.revoke(&token);
    shared.change(Change::Key(id));
    keeper.renew().unwrap();
    // The revoke has returned. Who asks now must not be given the old answer.
    let mut late = Box::pin(world.outcome(&token));
    assert!(late.as_mut().poll(&mut context).is_pending());
    drop(hold);
    slow.await.unwrap();
    assert_eq!(late.await, Err(Refusal::RevokedKey));
    assert_eq!(world.outcome(&token).await, Err(Refusal::RevokedKey));
}
