//! Accounts and keys to test with.

use torvus_domain::{Account, AccountId, ApiKey, Email, KeyId, PermissionSet, PlanName, Timestamp};
use torvus_key_core::{ApiKeyToken, Environment, KeyDigest, Pepper, PepperRing, PepperVersion};
use torvus_storage::{Store, accounts, keys};

/// An instant, `micros` after the beginning of 2026-11-24.
pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_timestamp_micros(1_795_478_400_000_000 + micros).unwrap()
}

pub(crate) fn account(email: &str) -> Account {
    Account {
        id: AccountId::new(at(0)),
        email: email.parse::<Email>().unwrap(),
        plan: PlanName::professional(),
        created_at: at(0),
        suspended_at: None,
    }
}

pub(crate) fn version(version: u32) -> PepperVersion {
    PepperVersion::new(version).unwrap()
}

/// A key of an account, and what opens it.
pub(crate) fn key(account: &Account, name: &str) -> (ApiKey, KeyDigest) {
    let pepper = Pepper::new(version(1), vec![7; Pepper::BYTES_MIN]).unwrap();
    let ring = PepperRing::new(vec![pepper]).unwrap();
    let token = ApiKeyToken::generate(Environment::Live).unwrap();
    let key = ApiKey {
        id: KeyId::new(at(1)),
        account_id: account.id,
        name: name.parse().unwrap(),
        environment: Environment::Live,
        permissions: PermissionSet::all(),
        expires_at: None,
        allowed_ips: Default::default(),
        limit: None,
        created_at: at(1),
        last_used_at: None,
        revoked_at: None,
        revoke_reason: None,
        hint: token.hint(),
    };
    (key, token.digest(ring.current()))
}

/// An account with a key, both stored.
pub(crate) fn stored(store: &Store) -> (Account, ApiKey, KeyDigest) {
    let account = account("you@example.com");
    let (key, digest) = key(&account, "Deploy – 部署");
    store
        .write(|c| {
            accounts::insert(c, &account, "hash")?;
            keys::insert(c, &key, &digest, version(1))
        })
        .unwrap();
    (account, key, digest)
}
