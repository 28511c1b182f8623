//! `torvus-admin key show`.

use torvus_domain::{ApiKey, rfc3339};
use torvus_keyring::Changed;
use torvus_storage::leases::Settled;
use torvus_storage::{Store, accounts, secrets};

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
    output::fields(&fields(context, store, key)?)?;
    secrets.print(now)?;
    settled.into_iter().for_each(output::settled);
    Ok(())
}

/// What a key was like before a change.
pub(super) struct Before(Vec<(String, String)>);

impl Before {
    pub(super) fn of(context: &Context, store: &Store, key: &ApiKey) -> Result<Self, Failure> {
        Ok(Self(changeable(context, store, key)?))
    }

    /// Prints what is different now; for programs, the whole key.
    pub(super) fn print(
        self,
        context: &Context,
        store: &Store,
        changed: &Changed,
    ) -> Result<(), Failure> {
        let key = &changed.key;
        if context.json {
            return print(context, store, key, Some(changed.settled));
        }
        let is = changeable(context, store, key)?;
        let mut lines = vec![("id", key.id.to_string()), ("name", key.name.to_string())];
        for (name, value) in &is {
            let was = self.0.iter().find(|(other, _)| other == name);
            let was = was.map_or("-", |(_, was)| was.as_str());
            if was != value {
                lines.retain(|(other, _)| other != name);
                lines.push((name, format!("{value}  (was: {was})")));
            }
        }
        output::fields(&lines)?;
        output::settled(changed.settled);
        Ok(())
    }
}

/// What a change of a key can change, and the ends of its secrets.
fn changeable(
    context: &Context,
    store: &Store,
    key: &ApiKey,
) -> Result<Vec<(String, String)>, Failure> {
    let own = fields(context, store, key)?.into_iter();
    let own = own.filter(|(name, _)| *name != LAST_USED);
    let own = own.map(|(name, value)| (name.to_owned(), value));
    let secrets = store.read(|c| secrets::of_key(c, key))?.into_iter();
    let ends = secrets.filter_map(|info| {
        let end = rfc3339(info.secret.ends_at?);
        Some((format!("secret {} ends", info.secret.number), end))
    });
    Ok(own.chain(ends).collect())
}

/// Nobody changes it; requests do.
const LAST_USED: &str = "last used";

fn fields(
    context: &Context,
    store: &Store,
    key: &ApiKey,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let account = store.read(|c| accounts::find(c, key.account_id))?;
    let limit = view::limit(key, account.as_ref(), &context.settings.plans);
    let state = view::state(key, account.as_ref(), context.now());
    let addresses = if key.allowed_ips.is_empty() {
        "any".to_owned()
    } else {
        key.allowed_ips.to_string()
    };
    Ok(vec![
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
        ("state", state.to_owned()),
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
        (LAST_USED, view::when(key.last_used_at, "never")),
        ("revoked", view::when(key.revoked_at, "no")),
        ("reason", key.revoke_reason.clone().unwrap_or_default()),
    ])
}
