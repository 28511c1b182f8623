//! An account with a key, and peppers, to test with.

use torvus_domain::{
    Account, AccountId, ApiKey, Email, Expiry, PermissionSet, PlanName, Plans, Timestamp,
};
use torvus_key_core::{Environment, Pepper, PepperRing, PepperVersion};
use torvus_keyring::Actor;
use torvus_keyring::keys::{self, NewKey};
use torvus_storage::{Store, accounts, peppers};

/// An instant, `seconds` after the beginning of 2026-11-24.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_795_478_400 + seconds, 0).unwrap()
}

pub(crate) fn actor() -> Actor {
    Actor::operator("test")
}

pub(crate) fn version(version: u32) -> PepperVersion {
    PepperVersion::new(version).unwrap()
}

/// Peppers of these versions; the last one is current.
pub(crate) fn ring_of(versions: &[u32]) -> PepperRing {
    let pepper = |&number: &u32| {
        let byte = u8::try_from(number).unwrap();
        Pepper::new(version(number), vec![byte; Pepper::BYTES_MIN]).unwrap()
    };
    PepperRing::new(versions.iter().map(pepper).collect()).unwrap()
}

/// One pepper.
pub(crate) fn ring() -> PepperRing {
    ring_of(&[1])
}

/// The account that keys are made for, which is stored by this.
pub(crate) fn account(store: &Store) -> AccountId {
    let account = Account {
        id: AccountId::new(at(0)),
        email: "you@example.com".parse::<Email>().unwrap(),
        plan: PlanName::professional(),
        created_at: at(0),
        suspended_at: None,
    };
    store
        .write(|c| accounts::insert(c, &account, "hash"))
        .unwrap();
    account.id
}

pub(crate) fn new_key(account_id: AccountId) -> NewKey {
    NewKey {
        account_id,
        name: "Deploy".parse().unwrap(),
        environment: Environment::Live,
        permissions: PermissionSet::all(),
        expiry: Expiry::Never,
        allowed_ips: Default::default(),
        limit: None,
    }
}

/// A key that never ends, in a database that knows the ring.
pub(crate) fn issued(store: &Store, ring: &PepperRing) -> ApiKey {
    store.write(|c| peppers::adopt(c, ring)).unwrap().unwrap();
    let new = new_key(account(store));
    let plans = Plans::shipped();
    keys::issue(store, ring, &plans, &new, &actor(), at(0))
        .unwrap()
        .key
}
