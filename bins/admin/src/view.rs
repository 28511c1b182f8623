//! Accounts and keys as they are shown.

use serde_json::{Value, json};
use torvus_domain::{Account, ApiKey, KeyState, Plans, Timestamp, rfc3339};
use torvus_keyring::Settled;

/// An account as JSON.
pub(crate) fn account(account: &Account) -> Value {
    json!({
        "id": account.id,
        "email": account.email,
        "plan": account.plan,
        "created_at": rfc3339(account.created_at),
        "suspended_at": account.suspended_at.map(rfc3339),
    })
}

/// A key as JSON (public contract, section 6). The limit is the one in force.
pub(crate) fn key(key: &ApiKey, account: Option<&Account>, plans: &Plans, now: Timestamp) -> Value {
    json!({
        "id": key.id,
        "account_id": key.account_id,
        "name": key.name,
        "environment": key.environment.as_str(),
        "permissions": key.permissions,
        "expires_at": key.expires_at.map(rfc3339),
        "allowed_ips": key.allowed_ips,
        "limit": limit(key, account, plans),
        "state": key.state(now).as_str(),
        "created_at": rfc3339(key.created_at),
        "last_used_at": key.last_used_at.map(rfc3339),
        "revoked_at": key.revoked_at.map(rfc3339),
        "revoke_reason": key.revoke_reason,
        "hint": key.hint.to_string(),
    })
}

/// The limit in force: the key's own, never above the plan's.
pub(crate) fn limit(key: &ApiKey, account: Option<&Account>, plans: &Plans) -> Option<u32> {
    match account.and_then(|account| plans.get(&account.plan)) {
        Some(plan) => Some(plan.limit_of(key.environment, key.limit)),
        None => key.limit,
    }
}

/// The state for people. A key whose account is suspended is let in nowhere,
/// whatever its own state.
pub(crate) fn state(key: &ApiKey, account: Option<&Account>, now: Timestamp) -> &'static str {
    let suspended = account.is_some_and(|account| account.suspended_at.is_some());
    match key.state(now) {
        KeyState::Active if suspended => "suspended account",
        state => state.as_str(),
    }
}

/// An instant, or a word for none.
pub(crate) fn when(at: Option<Timestamp>, none: &str) -> String {
    at.map_or_else(|| none.to_owned(), rfc3339)
}

/// Adds to something that was changed who had to be waited for until that was
/// true everywhere.
pub(crate) fn settled(mut json: Value, settled: Settled) -> Value {
    if let Some(fields) = json.as_object_mut() {
        fields.insert("acknowledged".to_owned(), settled.acknowledged.into());
        fields.insert("expired".to_owned(), settled.expired.into());
    }
    json
}
