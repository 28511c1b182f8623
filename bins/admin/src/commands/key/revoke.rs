//! `torvus-admin key revoke`.

use serde_json::json;
use torvus_domain::rfc3339;
use torvus_keyring::keys;

use super::found;
use crate::context::Context;
use crate::failure::Failure;
use crate::output;

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
        return output::json(&json!({
            "id": key.id,
            "revoked_at": at,
            "acknowledged": revoked.acknowledged,
            "expired": revoked.expired,
        }));
    }
    output::fields(&[
        ("id", key.id.to_string()),
        ("revoked", at.unwrap_or_default()),
    ])
}
