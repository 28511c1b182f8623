//! `torvus-admin key list`.

use std::collections::HashMap;

use torvus_domain::{Account, AccountId, ApiKey, Expiry, Timestamp};
use torvus_storage::{accounts, keys as rows};

use crate::context::{Context, id, value};
use crate::failure::Failure;
use crate::{output, view};

pub(super) fn run(
    context: &Context,
    account: Option<&str>,
    all: bool,
    expiring: Option<&str>,
) -> Result<(), Failure> {
    let account: Option<AccountId> = account.map(|text| id("account", text)).transpose()?;
    let (store, now) = (context.store_with_all_records()?, context.now());
    let until = expiring.map(|text| until(text, now)).transpose()?;
    let (keys, owners) = store.read(|c| {
        let keys = match until {
            Some(until) => rows::ending(c, account, now, until)?,
            None => rows::list(c, account, all, now)?,
        };
        Ok((keys, accounts::list(c)?))
    })?;
    if let Some(account) = account.filter(|account| owners.iter().all(|owner| owner.id != *account))
    {
        return Err(Failure::not_found(format!("there is no account {account}")));
    }
    let owners: HashMap<AccountId, &Account> =
        owners.iter().map(|owner| (owner.id, owner)).collect();
    let owner = |key: &ApiKey| owners.get(&key.account_id).copied();
    if context.json {
        let view = |key: &ApiKey| view::key(key, owner(key), &context.settings.plans, now);
        return output::json_list(keys.iter().map(view).collect());
    }
    let row = |key: &ApiKey| {
        vec![
            key.id.to_string(),
            key.account_id.to_string(),
            key.name.to_string(),
            key.environment.to_string(),
            key.hint.to_string(),
            key.permissions.to_string(),
            view::state(key, owner(key), now).to_owned(),
            view::when(key.expires_at, "never"),
            view::when(key.last_used_at, "never"),
        ]
    };
    output::table(
        &[
            "id",
            "account",
            "name",
            "for",
            "key",
            "permissions",
            "state",
            "expires",
            "last used",
        ],
        keys.iter().map(row).collect(),
    )
}

/// The instant until which keys end that end within a span.
fn until(span: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    match value::<Expiry>("--expiring", span)? {
        within @ Expiry::After(_) => {
            within.resolve(now).ok().flatten().ok_or_else(|| {
                Failure::invalid(format!("--expiring {span:?}: that is too far away"))
            })
        }
        Expiry::At(_) | Expiry::Never => Err(Failure::invalid(format!(
            "--expiring {span:?}: use a duration such as 14d"
        ))),
    }
}
