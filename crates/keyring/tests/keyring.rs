//! Changes, their records, and what is refused, on a real SQLite file.
#![expect(clippy::unwrap_used, reason = "tests")]

use torvus_audit::AuditFilter;
use torvus_domain::{Category, Expiry, KeyState, PlanName, Plans, Timestamp};
use torvus_key_core::{Environment, Pepper, PepperRing, PepperVersion};
use torvus_keyring::{Actor, KeyringError, accounts, bootstrap, keys};
use torvus_storage::{Store, StoreUrl, audit};

struct Fixture {
    _dir: tempfile::TempDir,
    store: Store,
    peppers: PepperRing,
    plans: Plans,
    now: Timestamp,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("torvus.db").display());
    let store = Store::open(&StoreUrl::parse(&url).unwrap()).unwrap();
    store.migrate().unwrap();
    let pepper = Pepper::generate(PepperVersion::new(1).unwrap()).unwrap();
    Fixture {
        _dir: dir,
        store,
        peppers: PepperRing::new(vec![pepper]).unwrap(),
        plans: Plans::shipped(),
        now: Timestamp::from_timestamp_micros(1_790_000_000_000_000).unwrap(),
    }
}

fn actor() -> Actor {
    Actor::operator("tester")
}

fn account(f: &Fixture, plan: &str) -> accounts::Created {
    let email = format!("{plan}@example.com").parse().unwrap();
    accounts::create(
        &f.store,
        &email,
        &plan.parse().unwrap(),
        &f.plans,
        &actor(),
        f.now,
    )
    .unwrap()
}

fn new_key(account: &accounts::Created) -> keys::NewKey {
    keys::NewKey {
        account_id: account.account.id,
        name: "ci".parse().unwrap(),
        environment: Environment::Live,
        permissions: "read".parse().unwrap(),
        expiry: Expiry::default(),
        allowed_ips: Default::default(),
        limit: None,
    }
}

fn records(f: &Fixture) -> Vec<String> {
    let filter = AuditFilter {
        category: Some(Category::KeyManagement),
        ..AuditFilter::default()
    };
    let list = f.store.read(|c| audit::list(c, &filter)).unwrap();
    list.into_iter()
        .rev()
        .map(|entry| entry.record.action.unwrap())
        .collect()
}

#[test]
fn a_key_is_issued_found_by_its_digest_and_revoked_once() {
    let f = fixture();
    let owner = account(&f, "professional");
    let issued = keys::issue(
        &f.store,
        &f.peppers,
        &f.plans,
        &new_key(&owner),
        &actor(),
        f.now,
    )
    .unwrap();
    let digests: Vec<_> = f
        .peppers
        .digests(&issued.token)
        .map(|(_, digest)| digest)
        .collect();
    let found = f
        .store
        .read(|c| torvus_storage::keys::snapshot_by_digests(c, &digests))
        .unwrap()
        .unwrap();
    assert_eq!(found.key, issued.key);
    let later = f.now + chrono::TimeDelta::seconds(5);
    let first = keys::revoke(&f.store, issued.key.id, Some("leaked"), &actor(), later).unwrap();
    assert_eq!(first.key.state(later), KeyState::Revoked);
    // The instant of the change, not of the call.
    assert!(first.key.revoked_at.unwrap() >= later);
    let again = keys::revoke(&f.store, issued.key.id, Some("other"), &actor(), later).unwrap();
    assert_eq!(again.key.revoked_at, first.key.revoked_at);
    assert_eq!(again.key.revoke_reason.as_deref(), Some("leaked"));
    assert_eq!(records(&f), ["account.create", "key.create", "key.revoke"]);
}

#[test]
fn what_the_plan_does_not_allow_is_refused_and_leaves_nothing() {
    let f = fixture();
    let owner = account(&f, "professional");
    let issue = |new: &keys::NewKey| {
        keys::issue(&f.store, &f.peppers, &f.plans, new, &actor(), f.now).map(|_| ())
    };
    let field = |result: Result<(), KeyringError>| match result {
        Err(KeyringError::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let mut with_ips = new_key(&owner);
    with_ips.allowed_ips = torvus_domain::IpAllowlist::parse("192.0.2.1").unwrap();
    assert_eq!(field(issue(&with_ips)), "allowed_ips");
    for limit in [0, 1_001] {
        let new = keys::NewKey {
            limit: Some(limit),
            ..new_key(&owner)
        };
        assert_eq!(field(issue(&new)), "limit");
    }
    let past = keys::NewKey {
        expiry: Expiry::At(f.now),
        ..new_key(&owner)
    };
    assert_eq!(field(issue(&past)), "expires");
    assert_eq!(records(&f), ["account.create"]);
    let rich = account(&f, "enterprise");
    with_ips.account_id = rich.account.id;
    issue(&with_ips).unwrap();
    let none = torvus_domain::AccountId::new(f.now);
    assert!(matches!(
        issue(&keys::NewKey {
            account_id: none,
            ..new_key(&owner)
        }),
        Err(KeyringError::NotFound(_))
    ));
}

#[test]
fn accounts_change_with_their_records() {
    let f = fixture();
    let owner = account(&f, "free");
    let email = owner.account.email.clone();
    let twice = accounts::create(
        &f.store,
        &email,
        &PlanName::professional(),
        &f.plans,
        &actor(),
        f.now,
    );
    assert!(matches!(twice, Err(KeyringError::Conflict(_))));
    let id = owner.account.id;
    assert!(
        accounts::suspend(&f.store, id, None, &actor(), f.now)
            .unwrap()
            .account
            .suspended_at
            .is_some()
    );
    assert!(
        accounts::suspend(&f.store, id, None, &actor(), f.now)
            .unwrap()
            .account
            .suspended_at
            .is_some()
    );
    assert!(
        accounts::resume(&f.store, id, None, &actor(), f.now)
            .unwrap()
            .account
            .suspended_at
            .is_none()
    );
    let plan = "enterprise".parse().unwrap();
    assert_eq!(
        accounts::set_plan(&f.store, id, &plan, &f.plans, None, &actor(), f.now)
            .unwrap()
            .account
            .plan,
        plan
    );
    let none = "none".parse().unwrap();
    assert!(matches!(
        accounts::set_plan(&f.store, id, &none, &f.plans, None, &actor(), f.now),
        Err(KeyringError::Invalid { field: "plan", .. })
    ));
    accounts::reset_password(&f.store, id, false, &actor(), f.now).unwrap();
    assert_eq!(
        records(&f),
        [
            "account.create",
            "account.suspend",
            "account.resume",
            "account.set_plan",
            "account.reset_password"
        ]
    );
}

#[test]
fn bootstrap_makes_all_or_nothing_and_once() {
    let f = fixture();
    let email = "you@example.com".parse().unwrap();
    let run = || {
        bootstrap(
            &f.store,
            &f.peppers,
            &f.plans,
            &email,
            &PlanName::professional(),
            f.now,
            |_| Ok(()),
        )
        .unwrap()
    };
    let made = run().unwrap();
    assert_eq!(made.live.key.environment, Environment::Live);
    assert_eq!(made.test.key.environment, Environment::Test);
    assert!(run().is_none());
    assert_eq!(records(&f), ["account.create", "key.create", "key.create"]);
}

#[test]
fn a_refused_ring_of_peppers_leaves_nothing_behind() {
    let f = fixture();
    let pepper = |version| Pepper::generate(PepperVersion::new(version).unwrap()).unwrap();
    let ring = |peppers| PepperRing::new(peppers).unwrap();
    let adopt = |ring: &PepperRing| {
        f.store
            .write(|c| torvus_storage::peppers::adopt(c, ring))
            .unwrap()
            .is_ok()
    };
    assert!(adopt(&f.peppers));
    assert!(!adopt(&ring(vec![pepper(2)])));
    assert!(!adopt(&ring(vec![pepper(2), pepper(1)])));
    assert!(adopt(&f.peppers));
}
