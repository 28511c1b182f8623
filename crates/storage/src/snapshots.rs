//! Keys as the gate would find them, for whoever has no secret of theirs.

use std::cmp::Reverse;

use torvus_domain::{KeyId, KeySnapshot, Secret, Timestamp};

use crate::{Conn, StorageError, accounts, budgets, keys, secrets};

/// The key with this identifier, its account, and what is recorded of its
/// limits: once for each of its secrets. First the current one, which after a
/// rotation that was taken back is not the newest; then a replaced one that is
/// in force at `now`; then the others, the newest first. Empty where there is no
/// such key.
///
/// # Errors
///
/// Those of the database.
pub fn of_key(c: &mut Conn, id: KeyId, now: Timestamp) -> Result<Vec<KeySnapshot>, StorageError> {
    let Some(key) = keys::find(c, id)? else {
        return Ok(Vec::new());
    };
    let account = accounts::find(c, key.account_id)?
        .ok_or_else(|| StorageError::corrupt("api_keys", "a key has no account"))?;
    let spent = budgets::of_key(c, &key)?;
    let mut known: Vec<Secret> = secrets::of_key(c, &key)?
        .into_iter()
        .map(|info| info.secret)
        .collect();
    known.sort_by_key(|secret| {
        let replaced = secret.replaced_at.is_some();
        (replaced, secret.ended(now), Reverse(secret.number))
    });
    // One that has no secret of our making is still a key.
    if known.is_empty() {
        known.push(Secret::FIRST);
    }
    let snapshot = |secret| KeySnapshot {
        key: key.clone(),
        account: account.clone(),
        secret,
        spent: spent.clone(),
        changing: false,
    };
    Ok(known.into_iter().map(snapshot).collect())
}
