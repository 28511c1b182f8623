//! A key is issued.

use serde_json::json;
use torvus_domain::{
    Account, AccountId, ApiKey, Expiry, IpAllowlist, KeyId, KeyName, PermissionSet, Plans,
    Timestamp, rfc3339,
};
use torvus_key_core::{ApiKeyToken, Environment, PepperRing};
use torvus_storage::{Conn, StorageError, Store, accounts, audit, keys};

use crate::change::in_one_transaction;
use crate::rules::{current_in_use, fits_plan, generate};
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

/// Issues a key.
///
/// # Errors
/// [`KeyringError::NotFound`] for the account, [`KeyringError::Invalid`] for
/// what its plan does not allow and for an expiry that has passed;
/// [`KeyringError::Conflict`] where the pepper was retired meanwhile, and where
/// the holder of a suspended account asks.
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
    in_one_transaction(store, |c| {
        let account = accounts::find(c, new.account_id)?
            .ok_or_else(|| KeyringError::NotFound(format!("account {}", new.account_id)))?;
        actor.may_get_secrets(&account)?;
        let issued = prepare(&account, plans, new, now)?;
        current_in_use(c, peppers)?;
        insert(c, &issued, peppers, actor, now)?;
        Ok(issued)
    })
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
    let token = generate(new.environment)?;
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
