//! Accounts, keys and settings that don't go together.

use chrono::TimeDelta;
use torvus_domain::{KeyState, PlanName};
use torvus_storage::{StorageError, Store, accounts, keys};

use super::finding::Finding;
use crate::context::Context;

/// Time enough to hand over a new secret.
const SOON_DAYS: i64 = 14;

pub(super) fn plans(context: &Context, store: &Store) -> Result<Finding, StorageError> {
    let plans = &context.settings.plans;
    let accounts = store.read(accounts::list)?;
    let unknown = accounts
        .iter()
        .find(|account| plans.get(&account.plan).is_none());
    Ok(match unknown {
        Some(account) => Finding::fault(
            "plans",
            format!(
                "{} is on {}, which the settings lack",
                account.id, account.plan
            ),
            "add the plan to the settings file, or use account set-plan",
        ),
        None => {
            let names: Vec<&str> = plans.names().map(PlanName::as_str).collect();
            Finding::ok("plans", names.join(", "))
        }
    })
}

/// Keys that never end.
pub(super) fn expiry(context: &Context, store: &Store) -> Result<Finding, StorageError> {
    let now = context.now();
    let forever = store
        .read(|c| keys::list(c, None, false, now))?
        .iter()
        .filter(|key| key.state(now) == KeyState::Active && key.expires_at.is_none())
        .count();
    Ok(match forever {
        0 => Finding::ok("expiry", "every key that can be used has an end"),
        n => Finding::warning(
            "expiry",
            format!("{n} keys never expire"),
            "give them an end: key update ID --expires 90d",
        ),
    })
}

/// Keys that end soon.
pub(super) fn expiring(context: &Context, store: &Store) -> Result<Finding, StorageError> {
    let (now, soon) = (context.now(), context.now() + TimeDelta::days(SOON_DAYS));
    Ok(match store.read(|c| keys::count_ending(c, now, soon))? {
        0 => Finding::ok("expiring", format!("no key within {SOON_DAYS} days")),
        n => Finding::warning(
            "expiring",
            format!("{n} keys expire within {SOON_DAYS} days"),
            "torvus-admin key list --expiring 14d shows them; key rotate or key update --expires",
        ),
    })
}

/// Whose word on a request's origin counts.
pub(super) fn proxies(context: &Context) -> Finding {
    let proxies = &context.settings.trusted_proxies;
    let wide = proxies.too_wide().join(", ");
    let advice = "name your proxies' own addresses in --trusted-proxy: whoever is trusted can claim \
                  any address, and so pass every address list";
    if proxies.trust_everyone() {
        Finding::fault("proxies", format!("everyone is trusted: {wide}"), advice)
    } else if wide.is_empty() {
        Finding::ok("proxies", "nobody is trusted who should not be")
    } else {
        Finding::warning(
            "proxies",
            format!("a large part of the internet is trusted: {wide}"),
            advice,
        )
    }
}
