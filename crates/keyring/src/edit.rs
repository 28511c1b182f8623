//! A key is changed.

use serde_json::{Map, Value, json};
use torvus_domain::{
    Account, ApiKey, Expiry, IpAllowlist, KeyId, KeyName, KeyState, PermissionSet, Plans,
    Timestamp, rfc3339,
};
use torvus_storage::{Conn, Store, audit, keys, peppers, secrets};

use crate::change::{Changed, change_key, hold};
use crate::rules::{address_lists, limit_within, plan_of};
use crate::{Actor, KeyringError, reason};

/// What is to be changed of a key; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// What it is called.
    pub name: Option<KeyName>,
    /// What it may do.
    pub permissions: Option<PermissionSet>,
    /// Where it may be used from; an empty list is anywhere.
    pub allowed_ips: Option<IpAllowlist>,
    /// Requests per hour; `Some(None)` is the plan's.
    pub limit: Option<Option<u32>>,
    /// When it ends, from now.
    pub expiry: Option<Expiry>,
}

/// Changes a key: what it says holds from the moment this returns. What is
/// allowed is what is allowed for a new key, with one exception: a list of
/// addresses that a lowered plan left in force may be narrowed or cleared, and
/// not widened. A key that has expired can be given another end; one that was
/// revoked stays as it is.
///
/// # Errors
/// [`KeyringError::NotFound`]; [`KeyringError::Conflict`] for a revoked key, and
/// for one that is to have another end, but whose pepper was retired;
/// [`KeyringError::Invalid`] for what the plan does not allow and for an end
/// that has passed.
pub fn edit(
    store: &Store,
    plans: &Plans,
    id: KeyId,
    edit: &Edit,
    reason: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Changed, KeyringError> {
    let reason = reason::kept(reason)?;
    let (key, changed, settled) = change_key(store, id, now, |c, now| {
        let (before, account) = hold(c, id)?;
        if before.state(now) == KeyState::Revoked {
            return Err(KeyringError::Conflict(format!(
                "key {id} was revoked at {}, and stays as it is",
                before.revoked_at.map(rfc3339).unwrap_or_default()
            )));
        }
        let after = applied(edit, &before, &account, plans, now)?;
        if after == before {
            return Ok((after, false));
        }
        if after.expires_at != before.expires_at && after.state(now) == KeyState::Active {
            recognisable(c, id)?;
        }
        keys::update(c, &after)?;
        let (was, is) = difference(&before, &after);
        let detail = json!({ "before": was, "after": is, "reason": reason });
        audit::append(c, &[actor.on_key("key.update", &before, detail, now)])?;
        Ok((after, true))
    })?;
    Ok(Changed {
        key,
        changed,
        settled,
    })
}

/// The key's secret can still be told: no server has a retired pepper.
fn recognisable(c: &mut Conn, id: KeyId) -> Result<(), KeyringError> {
    let Some(version) = secrets::pepper_of_current(c, id)? else {
        return Ok(());
    };
    if !peppers::hold_version(c, version)? {
        return Ok(());
    }
    Err(KeyringError::Conflict(format!(
        "key {id} was made with version {version} of the pepper, which was retired while the key was expired: \
         nothing can recognise it any more; make another one"
    )))
}

/// The key as it is to be, if that is allowed.
fn applied(
    edit: &Edit,
    before: &ApiKey,
    account: &Account,
    plans: &Plans,
    now: Timestamp,
) -> Result<ApiKey, KeyringError> {
    let mut key = before.clone();
    if let Some(name) = &edit.name {
        key.name = name.clone();
    }
    if let Some(permissions) = edit.permissions {
        key.permissions = permissions;
    }
    if let Some(list) = &edit.allowed_ips {
        let narrower = !before.allowed_ips.is_empty() && before.allowed_ips.covers(list);
        if !list.is_empty() && !narrower {
            address_lists(account, plan_of(account, plans)?)?;
        }
        key.allowed_ips = list.clone();
    }
    if let Some(limit) = edit.limit {
        if limit != before.limit {
            limit_within(account, plan_of(account, plans)?, key.environment, limit)?;
        }
        key.limit = limit;
    }
    if let Some(expiry) = edit.expiry {
        key.expires_at = end(expiry, before, now)?;
    }
    Ok(key)
}

/// When the key ends. The instant that it has already is no change, even
/// where it has passed.
fn end(expiry: Expiry, before: &ApiKey, now: Timestamp) -> Result<Option<Timestamp>, KeyringError> {
    if let Expiry::At(at) = expiry
        && before.expires_at == Some(at)
    {
        return Ok(before.expires_at);
    }
    expiry.resolve(now).map_err(|error| {
        KeyringError::invalid(
            "expires",
            format!("{error}; to end a key at once, revoke it"),
        )
    })
}

/// What is different, before and after.
fn difference(before: &ApiKey, after: &ApiKey) -> (Value, Value) {
    let (mut was, mut is) = (Map::new(), Map::new());
    for ((field, old), (_, new)) in fields(before).into_iter().zip(fields(after)) {
        if old != new {
            was.insert(field.to_owned(), old);
            is.insert(field.to_owned(), new);
        }
    }
    (was.into(), is.into())
}

fn fields(key: &ApiKey) -> [(&'static str, Value); 5] {
    [
        ("name", json!(key.name)),
        ("permissions", json!(key.permissions)),
        ("expires_at", json!(key.expires_at.map(rfc3339))),
        ("allowed_ips", json!(key.allowed_ips)),
        ("limit", json!(key.limit)),
    ]
}
