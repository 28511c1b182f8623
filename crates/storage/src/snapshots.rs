//! Keys as the gate would find them, for whoever has no secret of theirs.

use diesel::prelude::*;
use torvus_domain::{KeyId, KeySnapshot, Timestamp};

use crate::columns::instant_opt;
use crate::schema::key_secrets;
use crate::{Conn, StorageError, accounts, budgets, keys};

/// The key with this identifier, its account, and what is recorded of its
/// limits: once for each of its secrets, that of the newest first. Empty where
/// there is no such key.
///
/// # Errors
///
/// Those of the database.
pub fn of_key(c: &mut Conn, id: KeyId) -> Result<Vec<KeySnapshot>, StorageError> {
    let Some(key) = keys::find(c, id)? else {
        return Ok(Vec::new());
    };
    let account = accounts::find(c, key.account_id)?
        .ok_or_else(|| StorageError::corrupt("api_keys", "a key has no account"))?;
    let spent = budgets::of_key(c, &key)?;
    let ends: Vec<Option<i64>> = key_secrets::table
        .filter(key_secrets::key_id.eq(id.to_string()))
        .order(key_secrets::created_at.desc())
        .select(key_secrets::ends_at)
        .load(&mut c.0)?;
    let mut ends: Vec<Option<Timestamp>> = ends
        .into_iter()
        .map(|end| instant_opt("key_secrets", end))
        .collect::<Result<_, _>>()?;
    // One that has no secret of our making is still a key.
    if ends.is_empty() {
        ends.push(None);
    }
    let snapshot = |secret_ends_at| KeySnapshot {
        key: key.clone(),
        account: account.clone(),
        secret_ends_at,
        spent: spent.clone(),
    };
    Ok(ends.into_iter().map(snapshot).collect())
}
