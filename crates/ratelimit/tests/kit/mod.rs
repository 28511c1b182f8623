//! What the tests of the limiter share: keys and a clock that is set.

use std::time::Duration;

use torvus_domain::{AccountId, ApiKey, Instants, IpAllowlist, KeyId, PermissionSet, Timestamp};
use torvus_key_core::{ApiKeyToken, Environment};

/// A moment with half a second, so that rounding shows.
pub(crate) const WALL_MICROS: i64 = 1_790_000_000_500_000;

pub(crate) fn at(monotonic: Duration) -> Instants {
    let start = Timestamp::from_timestamp_micros(WALL_MICROS).unwrap();
    Instants {
        wall: start + monotonic,
        monotonic,
    }
}

pub(crate) fn at_nanos(nanos: u64) -> Instants {
    at(Duration::from_nanos(nanos))
}

pub(crate) fn at_secs(seconds: u64) -> Instants {
    at(Duration::from_secs(seconds))
}

pub(crate) fn key_of(account_id: AccountId, environment: Environment) -> ApiKey {
    let now = Timestamp::UNIX_EPOCH;
    ApiKey {
        id: KeyId::new(now),
        account_id,
        name: "a key".parse().unwrap(),
        environment,
        permissions: PermissionSet::all(),
        expires_at: None,
        allowed_ips: IpAllowlist::default(),
        limit: None,
        created_at: now,
        last_used_at: None,
        revoked_at: None,
        revoke_reason: None,
        hint: ApiKeyToken::generate(environment).unwrap().hint(),
    }
}

pub(crate) fn key() -> ApiKey {
    key_of(AccountId::new(Timestamp::UNIX_EPOCH), Environment::Live)
}
