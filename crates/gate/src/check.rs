//! The rules, each a function of what it looks at.

use std::net::IpAddr;
use std::sync::Arc;

use torvus_authz::{Route, RouteMatch};
use torvus_domain::{
    Account, ApiKey, Credential, KeySnapshot, KeyState, LookupUnavailable, Plan, Plans, Refusal,
    Timestamp,
};
use torvus_key_core::{ApiKeyToken, Environment, ParseError};

/// What was sent to be recognised.
pub(crate) enum Presented<'t> {
    /// A well-formed key of ours.
    Own(ApiKeyToken),
    /// Anything else: it may be the key of a system that keys were imported
    /// from.
    Foreign(&'t str),
}

impl Presented<'_> {
    /// The environment that stands in it.
    pub(crate) fn environment(&self) -> Option<Environment> {
        match self {
            Self::Own(token) => Some(token.environment()),
            Self::Foreign(_) => None,
        }
    }
}

/// One bearer token was sent. One that begins as ours do is ours, or nothing.
pub(crate) fn credential(credential: Credential<'_>) -> Result<Presented<'_>, Refusal> {
    let text = match credential {
        Credential::Missing => return Err(Refusal::MissingKey),
        Credential::Malformed => return Err(Refusal::MalformedKey),
        Credential::Bearer(text) => text,
    };
    match ApiKeyToken::parse(text) {
        Ok(token) => Ok(Presented::Own(token)),
        Err(ParseError::Prefix) if !text.is_empty() => Ok(Presented::Foreign(text)),
        Err(_) => Err(Refusal::MalformedKey),
    }
}

/// What is needed could be asked for.
pub(crate) fn answered<T>(answer: Result<T, LookupUnavailable>) -> Result<T, Refusal> {
    answer.map_err(|LookupUnavailable| Refusal::Unavailable)
}

/// What was found belongs together. If it doesn't, the fault is ours.
pub(crate) fn consistent(snapshot: &KeySnapshot, sent: Option<Environment>) -> Result<(), Refusal> {
    let KeySnapshot { key, account, .. } = snapshot;
    if sent.is_none_or(|sent| key.environment == sent) && key.account_id == account.id {
        return Ok(());
    }
    tracing::error!(key_id = %key.id, "a key was found that contradicts its own record");
    Err(Refusal::Internal)
}

/// Nobody ended the key.
pub(crate) const fn not_revoked(key: &ApiKey) -> Result<(), Refusal> {
    match key.revoked_at {
        Some(_) => Err(Refusal::RevokedKey),
        None => Ok(()),
    }
}

/// The key is in force at `now`.
pub(crate) fn not_expired(key: &ApiKey, now: Timestamp) -> Result<(), Refusal> {
    match key.state(now) {
        KeyState::Active => Ok(()),
        KeyState::Expired => Err(Refusal::ExpiredKey),
        KeyState::Revoked => Err(Refusal::RevokedKey),
    }
}

/// The secret that was sent is in force at `now`.
pub(crate) fn secret(snapshot: &KeySnapshot, now: Timestamp) -> Result<(), Refusal> {
    if snapshot.secret.ended(now) {
        Err(Refusal::ExpiredKey)
    } else {
        Ok(())
    }
}

/// The account's keys are let in.
pub(crate) const fn account(account: &Account) -> Result<(), Refusal> {
    match account.suspended_at {
        Some(_) => Err(Refusal::SuspendedAccount),
        None => Ok(()),
    }
}

/// The key may be used from there. Where the address is not known, nobody can
/// say so.
pub(crate) fn address(key: &ApiKey, client: Option<IpAddr>) -> Result<(), Refusal> {
    match client {
        Some(client) if key.allowed_ips.allows(client) => Ok(()),
        _ => Err(Refusal::IpNotAllowed),
    }
}

/// The account's plan. One that the settings don't know has no limit that could
/// be held, so nothing can be decided.
pub(crate) fn plan(account: &Account, plans: &Plans) -> Result<Plan, Refusal> {
    if let Some(plan) = plans.get(&account.plan) {
        return Ok(plan.clone());
    }
    tracing::error!(
        account_id = %account.id,
        plan = %account.plan,
        "an account is on a plan that the settings do not have"
    );
    Err(Refusal::Unavailable)
}

/// The request has a route.
pub(crate) fn route(found: RouteMatch<'_>) -> Result<(&Arc<Route>, Vec<String>), Refusal> {
    match found {
        RouteMatch::Found { route, params } => Ok((route, params)),
        RouteMatch::WrongMethod { allow } => Err(Refusal::MethodNotAllowed { allow }),
        RouteMatch::NotFound => Err(Refusal::NotFound),
    }
}
