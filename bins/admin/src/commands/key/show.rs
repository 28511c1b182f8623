//! `torvus-admin key show`.

use torvus_domain::rfc3339;
use torvus_storage::accounts;

use super::{found, view_of};
use crate::context::Context;
use crate::failure::Failure;
use crate::{output, view};

pub(super) fn run(context: &Context, text: &str) -> Result<(), Failure> {
    let store = context.store_with_all_records()?;
    let key = found(&store, text)?;
    if context.json {
        return output::json(&view_of(context, &store, &key)?);
    }
    let account = store.read(|c| accounts::find(c, key.account_id))?;
    let limit = view::limit(&key, account.as_ref(), &context.settings.plans);
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
        ("reason", key.revoke_reason.unwrap_or_default()),
    ])
}
