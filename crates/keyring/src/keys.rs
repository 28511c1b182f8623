//! Keys: issued and revoked.

use serde_json::json;
use torvus_domain::{
    Account, AccountId, ApiKey, Expiry, IpAllowlist, KeyId, KeyName, PermissionSet, Plans,
    Timestamp, rfc3339,
};
use torvus_key_core::{ApiKeyToken, Environment, PepperRing, redact};
use torvus_storage::{Conn, StorageError, Store, accounts, audit, keys};

use crate::{Actor, KeyringError};

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Whose it is.
    pub account_id: AccountId,
    /// What it is called.
    pub name: KeyName,
    /// Which data it reaches.
    pub environment: Environment,
    /// What it may do.
    pub permissions: PermissionSet,
    /// When it ends.
    pub expiry: Expiry,
    /// Where it may be used from.
    pub allowed_ips: IpAllowlist,
    /// Requests per hour, where fewer than the plan's are wanted.
    pub limit: Option<u32>,
}

/// A key that was made.
pub struct Issued {
    /// The key.
    pub key: ApiKey,
    /// Its text; shown once.
    pub token: ApiKeyToken,
}

/// What a revoke did.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// The key as it is now.
    pub key: ApiKey,
    /// Nodes that remembered the key and have dropped it. No node remembers
    /// keys: each request reads the store, so there is nobody to wait for.
    pub acknowledged: u32,
    /// Nodes that had to be waited out.
    pub expired: u32,
}

/// Issues a key.
///
/// # Errors
/// [`KeyringError::NotFound`] for the account, [`KeyringError::Invalid`] for
/// what its plan does not allow and for an expiry that has passed.
pub fn issue(
    store: &Store,
    peppers: &PepperRing,
    plans: &Plans,
    new: &NewKey,
    actor: &Actor,
    now: Timestamp,
) -> Result<Issued, KeyringError> {
    // The plan is read where the key is written: one that is lowered beside
    // this can't be overtaken.
    store.write(|c| {
        let Some(account) = accounts::find(c, new.account_id)? else {
            return Ok(Err(KeyringError::NotFound(format!(
                "account {}",
                new.account_id
            ))));
        };
        match prepare(&account, plans, new, now) {
            Ok(issued) => insert(c, &issued, peppers, actor, now).map(|()| Ok(issued)),
            Err(refused) => Ok(Err(refused)),
        }
    })?
}

pub(crate) fn prepare(
    account: &Account,
    plans: &Plans,
    new: &NewKey,
    now: Timestamp,
) -> Result<Issued, KeyringError> {
    fits_plan(account, plans, new.environment, &new.allowed_ips, new.limit)?;
    let expires_at = new
        .expiry
        .resolve(now)
        .map_err(|error| KeyringError::invalid("expires", error))?;
    let token = ApiKeyToken::generate(new.environment)
        .map_err(|error| KeyringError::Failed(format!("no random numbers to be had: {error}")))?;
    let key = ApiKey {
        id: KeyId::new(now),
        account_id: account.id,
        name: new.name.clone(),
        environment: new.environment,
        permissions: new.permissions,
        expires_at,
        allowed_ips: new.allowed_ips.clone(),
        limit: new.limit,
        created_at: now,
        last_used_at: None,
        revoked_at: None,
        revoke_reason: None,
        hint: token.hint(),
    };
    Ok(Issued { key, token })
}

/// A key of this account may have these addresses and this limit.
pub(crate) fn fits_plan(
    account: &Account,
    plans: &Plans,
    environment: Environment,
    allowed_ips: &IpAllowlist,
    limit: Option<u32>,
) -> Result<(), KeyringError> {
    let plan = plans.get(&account.plan).ok_or_else(|| {
        KeyringError::invalid(
            "plan",
            format!("the account's plan {} is not in the settings", account.plan),
        )
    })?;
    if !allowed_ips.is_empty() && !plan.ip_allowlist {
        return Err(KeyringError::invalid(
            "allowed_ips",
            format!("the plan {} has no address lists", account.plan),
        ));
    }
    let most = plan.limit(environment);
    if limit.is_some_and(|limit| limit == 0 || limit > most) {
        return Err(KeyringError::invalid(
            "limit",
            format!(
                "the plan {} allows 1 to {most} requests per hour",
                account.plan
            ),
        ));
    }
    Ok(())
}

pub(crate) fn insert(
    c: &mut Conn,
    issued: &Issued,
    peppers: &PepperRing,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StorageError> {
    let (key, pepper) = (&issued.key, peppers.current());
    keys::insert(c, key, &issued.token.digest(pepper), pepper.version())?;
    let detail = json!({ "after": {
        "permissions": key.permissions,
        "expires_at": key.expires_at.map(rfc3339),
        "allowed_ips": key.allowed_ips,
        "limit": key.limit,
        "key": key.hint.to_string(),
    } });
    audit::append(c, &[actor.on_key("key.create", key, detail, now)])
}

/// Revokes a key: from the moment this returns, it is refused everywhere. One
/// that is revoked keeps its first instant and reason.
///
/// # Errors
/// [`KeyringError::NotFound`].
pub fn revoke(
    store: &Store,
    id: KeyId,
    reason: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Revoked, KeyringError> {
    if reason
        .is_some_and(|reason| reason.chars().count() > 500 || reason.chars().any(char::is_control))
    {
        return Err(KeyringError::invalid(
            "reason",
            "at most 500 characters, no control characters",
        ));
    }
    // Somebody will paste the key that leaked.
    let reason = reason.map(redact);
    let reason = reason.as_deref();
    let key = store.write(|c| {
        let Some(before) = keys::find(c, id)? else {
            return Ok(None);
        };
        if !keys::revoke(c, id, now, reason)? {
            // Somebody was faster; theirs stands.
            return keys::find(c, id);
        }
        let detail = json!({
            "before": { "state": before.state(now).as_str() },
            "after": { "state": "revoked" },
            "reason": reason,
        });
        audit::append(c, &[actor.on_key("key.revoke", &before, detail, now)])?;
        keys::find(c, id)
    })?;
    key.map(|key| Revoked {
        key,
        acknowledged: 0,
        expired: 0,
    })
    .ok_or_else(|| KeyringError::NotFound(format!("key {id}")))
}
