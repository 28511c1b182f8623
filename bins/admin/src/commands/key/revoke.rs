//! `torvus-admin key revoke`.

use serde_json::json;
use torvus_domain::rfc3339;
use torvus_keyring::keys;

use super::found;
use crate::context::Context;
use crate::failure::Failure;
use crate::{output, view};

pub(super) fn run(context: &Context, text: &str, reason: Option<&str>) -> Result<(), Failure> {
    let store = context.store()?;
    let key = found(&store, text)?;
    context.confirm(&format!(
        "Revoke {} ({})? It can't be undone.",
        key.name, key.hint
    ))?;
    let revoked = keys::revoke(&store, key.id, reason, &context.actor(), context.now())?;
    let at = revoked.key.revoked_at.map(rfc3339);
    if key.revoked_at.is_some() {
        output::note("It was revoked before; that stays as it is.");
    }
    if context.json {
        let json = json!({ "id": key.id, "revoked_at": at });
        return output::json(&view::settled(json, revoked.settled));
    }
    output::fields(&[
        ("id", key.id.to_string()),
        ("revoked", at.unwrap_or_default()),
    ])?;
    output::settled(revoked.settled);
    Ok(())
}

/// What would be done.
pub(super) fn tried(context: &Context, text: &str) -> Result<(), Failure> {
    let key = found(&context.store()?, text)?;
    let would = key.revoked_at.is_none();
    if context.json {
        return output::json(&json!({
            "id": key.id,
            "name": key.name.as_str(),
            "account_id": key.account_id,
            "last_used_at": key.last_used_at.map(rfc3339),
            "revoked_at": key.revoked_at.map(rfc3339),
            "would_revoke": would,
            "dry_run": true,
        }));
    }
    let result = match would {
        true => "would be revoked",
        false => "was revoked before; that would stay as it is",
    };
    output::fields(&[
        ("id", key.id.to_string()),
        ("name", key.name.to_string()),
        ("account", key.account_id.to_string()),
        ("last used", view::when(key.last_used_at, "never")),
        ("result", result.to_owned()),
    ])
}
