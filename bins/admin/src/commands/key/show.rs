//! `torvus-admin key show`.

use torvus_domain::{ApiKey, rfc3339};
use torvus_storage::leases::Settled;
use torvus_storage::{Store, accounts};

use super::secrets::Secrets;
use super::{found, view_of};
use crate::context::Context;
use crate::failure::Failure;
use crate::{output, view};

pub(super) fn run(context: &Context, text: &str) -> Result<(), Failure> {
    let store = context.store_with_all_records()?;
    let key = found(&store, text)?;
    print(context, &store, &key, None)
}

/// Prints a key with its secrets, and after a change who had to be waited for.
pub(super) fn print(
    context: &Context,
    store: &Store,
    key: &ApiKey,
    settled: Option<Settled>,
) -> Result<(), Failure> {
    let (secrets, now) = (Secrets::of(store, key)?, context.now());
    if context.json {
        let mut json = view_of(context, store, key)?;
        if let Some(object) = json.as_object_mut() {
            object.insert("secrets".to_owned(), secrets.json(now));
        }
        return output::json(&match settled {
            Some(settled) => view::settled(json, settled),
            None => json,
        });
    }
    fields(context, store, key)?;
    secrets.print(now)?;
    settled.into_iter().for_each(output::settled);
    Ok(())
}

fn fields(context: &Context, store: &Store, key: &ApiKey) -> Result<(), Failure> {
    let account = store.read(|c| accounts::find(c, key.account_id))?;
    let limit = view::limit(key, account.as_ref(), &context.settings.plans);
    let addresses = if key.allowed_ips.is_empty() {
        "any".to_owned()
    } else {
        key.allowed_ips.to_string()
    };
    output::fields(&[
        ("id", key.id.to_string()),
        (
            "account",
            account.map_or_else(
                || key.account_id.to_string(),
                |a| format!("{}  {}", a.id, a.email),
            ),
        ),
        ("name", key.name.to_string()),
        ("environment", key.environment.to_string()),
        ("key", key.hint.to_string()),
        ("permissions", key.permissions.to_string()),
        ("state", key.state(context.now()).to_string()),
        ("expires", view::when(key.expires_at, "never")),
        ("addresses", addresses),
        (
            "limit",
            limit.map_or_else(
                || "unknown plan".to_owned(),
                |limit| format!("{limit} requests per hour"),
            ),
        ),
        ("created", rfc3339(key.created_at)),
        ("last used", view::when(key.last_used_at, "never")),
        ("revoked", view::when(key.revoked_at, "no")),
        ("reason", key.revoke_reason.clone().unwrap_or_default()),
    ])
}
