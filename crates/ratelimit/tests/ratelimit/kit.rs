//! What the tests of the limiter share: keys and a clock that is set.

use std::time::Duration;

use torvus_domain::{
    AccountId, ApiKey, Budget, Instants, IpAllowlist, KeyId, PermissionSet, Timestamp,
};
use torvus_key_core::{ApiKeyToken, Environment};
use torvus_ratelimit::Limiter;

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

pub(crate) const HOUR_NANOS: u128 = 3_600_000_000_000;

/// Over every interval between two of these instants, no more than the bound passed.
pub(crate) fn assert_bound(limit: u32, passed: &[u64]) {
    let mut passed = passed.to_vec();
    passed.sort_unstable();
    for (first, start) in passed.iter().enumerate() {
        for (last, end) in passed.iter().enumerate().skip(first) {
            let count = (last - first + 1) as u128;
            let back = (u128::from(end - start) * u128::from(limit)).div_ceil(HOUR_NANOS);
            assert!(
                count <= u128::from(limit) + back,
                "{count} of {limit} per hour in {} ns",
                end - start
            );
        }
    }
}

/// Uses up to `count` requests at this second; says how many passed.
pub(crate) fn spend(
    limiter: &Limiter,
    budget: &Budget,
    limit: u32,
    second: u64,
    count: u32,
) -> u32 {
    let mut passed = 0;
    for _ in 0..count {
        passed += u32::from(limiter.check(budget, limit, &at_secs(second)).allowed);
    }
    passed
}
