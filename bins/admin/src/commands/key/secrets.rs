//! The secrets of a key, and who uses which: whether the old one can go.

use serde_json::{Value, json};
use torvus_domain::{ApiKey, SecretInfo, Timestamp, rfc3339};
use torvus_storage::usage_secrets::{self, SecretUsage};
use torvus_storage::{Store, secrets};

use crate::failure::Failure;
use crate::{output, view};

/// Addresses of a line; the rest are only counted.
const ADDRESSES: usize = 3;

/// A key's secrets, the newest first, each with who used it.
pub(super) struct Secrets(Vec<(SecretInfo, Vec<SecretUsage>)>);

impl Secrets {
    pub(super) fn of(store: &Store, key: &ApiKey) -> Result<Self, Failure> {
        let (infos, used) =
            store.read(|c| Ok((secrets::of_key(c, key)?, usage_secrets::of_key(c, key.id)?)))?;
        let with_usage = |info: SecretInfo| {
            let number = info.secret.number;
            let own = used.iter().filter(|usage| usage.secret == number);
            let own = own.cloned().collect();
            (info, own)
        };
        Ok(Self(infos.into_iter().map(with_usage).collect()))
    }

    pub(super) fn json(&self, now: Timestamp) -> Value {
        let secret = |(info, used): &(SecretInfo, Vec<SecretUsage>)| {
            let address = |usage: &SecretUsage| {
                json!({
                    "ip": usage.ip,
                    "others": usage.others,
                    "count": usage.count,
                    "refused": usage.refused,
                    "first_seen": rfc3339(usage.first_seen),
                    "last_seen": rfc3339(usage.last_seen),
                })
            };
            json!({
                "number": info.secret.number,
                "hint": info.hint.as_ref().map(ToString::to_string),
                "state": state(info, now),
                "created_at": rfc3339(info.created_at),
                "replaced_at": info.secret.replaced_at.map(rfc3339),
                "ends_at": info.secret.ends_at.map(rfc3339),
                "requests": sum(used, |usage| usage.count),
                "refused": sum(used, |usage| usage.refused),
                "last_used_at": last(used).map(rfc3339),
                "ip_addresses": used.iter().map(address).collect::<Vec<_>>(),
            })
        };
        self.0.iter().map(secret).collect()
    }

    /// A table; nothing for a key that was never rotated.
    pub(super) fn print(&self, now: Timestamp) -> Result<(), Failure> {
        if self.0.len() < 2 {
            return Ok(());
        }
        let row = |(info, used): &(SecretInfo, Vec<SecretUsage>)| {
            let hint = info.hint.as_ref().map(ToString::to_string);
            vec![
                info.secret.number.to_string(),
                hint.unwrap_or_else(|| "-".to_owned()),
                state(info, now).to_owned(),
                rfc3339(info.created_at),
                view::when(info.secret.ends_at, "with the key"),
                sum(used, |usage| usage.count).to_string(),
                sum(used, |usage| usage.refused).to_string(),
                view::when(last(used), "never"),
                addresses(used),
            ]
        };
        output::table(
            &[
                "secret",
                "key",
                "state",
                "created",
                "ends",
                "requests",
                "refused",
                "last used",
                "from",
            ],
            self.0.iter().map(row).collect(),
        )
    }
}

/// `current`, `grace` or `ended`.
fn state(info: &SecretInfo, now: Timestamp) -> &'static str {
    if info.secret.ended(now) {
        "ended"
    } else if info.secret.replaced_at.is_some() {
        "grace"
    } else {
        "current"
    }
}

fn sum(used: &[SecretUsage], of: impl Fn(&SecretUsage) -> u64) -> u64 {
    used.iter().map(of).sum()
}

fn last(used: &[SecretUsage]) -> Option<Timestamp> {
    used.iter().map(|usage| usage.last_seen).max()
}

fn addresses(used: &[SecretUsage]) -> String {
    let text = |usage: &SecretUsage| {
        let ip = usage.ip.map(|ip| ip.to_string());
        ip.unwrap_or_else(|| "unknown".to_owned())
    };
    let own: Vec<&SecretUsage> = used.iter().filter(|usage| !usage.others).collect();
    let mut shown: Vec<String> = own
        .iter()
        .take(ADDRESSES)
        .map(|usage| text(usage))
        .collect();
    if let Some(more) = own.len().checked_sub(ADDRESSES).filter(|more| *more > 0) {
        shown.push(format!("and {more} more"));
    }
    if own.len() < used.len() {
        shown.push("and others".to_owned());
    }
    shown.join(" ")
}
