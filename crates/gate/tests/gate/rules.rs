//! Each rule of the gate, and the order in which they are applied.

use std::sync::atomic::Ordering;

use crate::kit::{World, account, after, issue, refused, start};
use torvus_domain::{Credential, IpAllowlist, Permission, Refusal};
use torvus_gate::Verdict;
use torvus_key_core::{ApiKeyToken, Environment};

#[tokio::test]
async fn a_good_key_is_let_through_with_all_that_a_handler_needs() {
    let world = World::new();
    let token = world.with_key(|_| {});
    let path = "/v1/vaults/v1/documents/d2";
    let verdict = world
        .ask("DELETE", path, Credential::Bearer(token.expose()))
        .await;
    let Verdict::Allow {
        grant,
        route,
        params,
        rate,
    } = verdict
    else {
        panic!("{verdict:?}");
    };
    assert_eq!(route.operation, "delete_document");
    assert_eq!(params, ["v1", "d2"]);
    let rate = rate.snapshot;
    assert_eq!((rate.limit, rate.remaining), (1_000, 999));
    assert_eq!(grant.key().hint, token.hint());
    assert_eq!(grant.account().id, grant.key().account_id);
    assert_eq!(grant.plan().live_requests_per_hour, 1_000);
    assert_eq!(grant.identity().key_id, grant.key().id);
    assert!(!format!("{grant:?}").contains(token.expose()));
}

#[tokio::test]
async fn what_is_no_key_is_refused_without_a_look_up() {
    let world = World::new();
    let good = ApiKeyToken::generate(Environment::Live).unwrap();
    let cut = good.expose().split_at(63).0;
    let blank = format!(" {}", good.expose());
    for (credential, expected) in [
        (Credential::Missing, Refusal::MissingKey),
        (Credential::Malformed, Refusal::MalformedKey),
        (Credential::Bearer(""), Refusal::MalformedKey),
        (Credential::Bearer("torvus_sk_live_"), Refusal::MalformedKey),
        (Credential::Bearer(cut), Refusal::MalformedKey),
        (Credential::Bearer(&blank), Refusal::MalformedKey),
        (Credential::Bearer("é"), Refusal::MalformedKey),
    ] {
        // Where nobody is known, a path tells nothing: 401 for each.
        for (method, path, route) in [
            ("GET", "/v1/vaults/x", Some("/v1/vaults/:id")),
            ("GET", "/v1/nowhere", None),
            ("OPTIONS", "/v1/vaults", None),
        ] {
            let found = refused(world.ask(method, path, credential).await);
            let route = route.map(str::to_owned);
            assert_eq!(found, (expected.clone(), None, route, None));
        }
    }
    assert_eq!(world.keys.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_key_that_was_never_issued_is_unknown() {
    let world = World::new();
    world.with_key(|_| {});
    let stranger = ApiKeyToken::generate(Environment::Live).unwrap();
    let (refusal, who, _, rate) = world.refused("GET", "/v1/nowhere", &stranger).await;
    assert_eq!((refusal, who, rate), (Refusal::UnknownKey, None, None));
    assert_eq!(world.keys.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn where_the_keys_cannot_be_read_nobody_is_let_through() {
    let world = World::new();
    let token = world.with_key(|_| {});
    assert!(world.outcome(&token).await.is_ok());
    world.keys.down.store(true, Ordering::SeqCst);
    // It was let through a moment ago: that is not remembered.
    for path in ["/v1/account", "/v1/nowhere"] {
        let (refusal, who, _, rate) = world.refused("GET", path, &token).await;
        assert_eq!((refusal, who, rate), (Refusal::Unavailable, None, None));
    }
    // What needs no look-up still gets its own answer.
    let missing = refused(world.ask("GET", "/v1/account", Credential::Missing).await);
    assert_eq!(missing.0, Refusal::MissingKey);
    world.keys.down.store(false, Ordering::SeqCst);
    assert!(world.outcome(&token).await.is_ok());
}

#[tokio::test]
async fn a_key_is_refused_from_the_instant_it_ends() {
    let mut world = World::new();
    let expiring = world.with_key(|found| found.key.expires_at = Some(after(10)));
    let rotated = world.with_key(|found| found.secret.ends_at = Some(after(10)));
    for token in [&expiring, &rotated] {
        world.second = 9;
        assert!(world.outcome(token).await.is_ok());
        for second in [10, 11, 1_000_000] {
            world.second = second;
            assert_eq!(world.outcome(token).await.err(), Some(Refusal::ExpiredKey));
        }
    }
}

#[tokio::test]
async fn dead_keys_and_suspended_accounts_are_refused_by_name() {
    let world = World::new();
    let revoked = world.with_key(|found| found.key.revoked_at = Some(start()));
    let both = world.with_key(|found| {
        found.key.revoked_at = Some(start());
        found.key.expires_at = Some(start());
        found.account.suspended_at = Some(start());
    });
    let suspended = world.with_key(|found| found.account.suspended_at = Some(start()));
    for (token, expected) in [
        (revoked, Refusal::RevokedKey),
        (both, Refusal::RevokedKey),
        (suspended, Refusal::SuspendedAccount),
    ] {
        let (refusal, who, _, rate) = world.refused("GET", "/v1/vaults", &token).await;
        assert_eq!((refusal, rate), (expected, None));
        assert_eq!(who.unwrap().key_name.as_str(), "laptop");
    }
}

#[tokio::test]
async fn an_address_that_is_not_listed_is_refused_and_not_counted() {
    let mut world = World::new();
    let token = world.with_key(|found| {
        found.key.allowed_ips = IpAllowlist::parse("203.0.113.0/24").unwrap();
    });
    for address in ["198.51.100.7", "2001:db8::1", "::ffff:198.51.100.7"] {
        world.client_ip = address.parse().unwrap();
        let (refusal, who, _, rate) = world.refused("GET", "/v1/account", &token).await;
        assert_eq!((refusal, rate), (Refusal::IpNotAllowed, None));
        assert!(who.is_some());
    }
    for (address, remaining) in [("203.0.113.9", 999), ("::ffff:203.0.113.9", 998)] {
        world.client_ip = address.parse().unwrap();
        assert_eq!(world.outcome(&token).await.unwrap().remaining, remaining);
    }
}

#[tokio::test]
async fn a_wrong_route_or_permission_is_counted_and_tells_the_budget() {
    let world = World::new();
    let token = world.with_key(|found| found.key.permissions = "read".parse().unwrap());
    let allow = "GET, HEAD, POST".to_owned();
    for (method, path, expected, route, remaining) in [
        ("GET", "/v1/nowhere", Refusal::NotFound, None, 999),
        ("GET", "/v1/vaults/", Refusal::NotFound, None, 998),
        (
            "OPTIONS",
            "/v1/vaults",
            Refusal::MethodNotAllowed { allow },
            None,
            997,
        ),
        (
            "POST",
            "/v1/vaults",
            Refusal::MissingPermission(Permission::Write),
            Some("/v1/vaults"),
            996,
        ),
        (
            "DELETE",
            "/v1/vaults/x",
            Refusal::MissingPermission(Permission::Delete),
            Some("/v1/vaults/:id"),
            995,
        ),
    ] {
        let (refusal, who, found, rate) = world.refused(method, path, &token).await;
        assert_eq!((refusal, found.as_deref()), (expected, route));
        assert_eq!(rate.unwrap().snapshot.remaining, remaining);
        assert!(who.is_some());
    }
    assert_eq!(world.outcome(&token).await.unwrap().remaining, 994);
}

/// One request that breaks every rule; each time, the first one that is still broken is named.
#[tokio::test]
async fn the_order_is_the_contracts() {
    let mut world = World::new();
    let (token, mut found) = issue(&account("professional"), Environment::Live);
    found.key.limit = Some(1);
    found.key.permissions = "read".parse().unwrap();
    found.key.allowed_ips = IpAllowlist::parse("198.51.100.1").unwrap();
    found.key.expires_at = Some(start());
    found.account.suspended_at = Some(start());
    world.store(&token, found.clone());
    // Use its budget up first, from where and when it may.
    let mut fresh = found.clone();
    fresh.key.expires_at = None;
    fresh.account.suspended_at = None;
    world.store(&token, fresh);
    world.client_ip = "198.51.100.1".parse().unwrap();
    assert!(world.outcome(&token).await.is_ok());
    world.client_ip = "203.0.113.5".parse().unwrap();

    let why =
        async |world: &World, method: &str, path: &str| world.refused(method, path, &token).await.0;
    world.store(&token, found.clone());
    assert_eq!(
        why(&world, "POST", "/v1/nowhere").await,
        Refusal::ExpiredKey
    );
    found.key.expires_at = None;
    world.store(&token, found.clone());
    assert_eq!(
        why(&world, "POST", "/v1/nowhere").await,
        Refusal::SuspendedAccount
    );
    found.account.suspended_at = None;
    world.store(&token, found);
    assert_eq!(
        why(&world, "POST", "/v1/nowhere").await,
        Refusal::IpNotAllowed
    );
    world.client_ip = "198.51.100.1".parse().unwrap();
    assert_eq!(
        why(&world, "POST", "/v1/nowhere").await,
        Refusal::RateLimited
    );
    world.second = 3_600;
    assert_eq!(why(&world, "POST", "/v1/nowhere").await, Refusal::NotFound);
    world.second = 7_200;
    let needs = Refusal::MissingPermission(Permission::Write);
    assert_eq!(why(&world, "POST", "/v1/vaults").await, needs);
    world.second = 10_800;
    assert!(world.outcome(&token).await.is_ok());
}

#[tokio::test]
async fn a_record_that_contradicts_itself_is_never_a_yes() {
    let world = World::new();
    let other = account("professional");
    let foreign = world.with_key(|found| found.account = other);
    let turned = world.with_key(|found| found.key.environment = Environment::Test);
    for token in [foreign, turned] {
        assert_eq!(world.outcome(&token).await.err(), Some(Refusal::Internal));
    }
}
