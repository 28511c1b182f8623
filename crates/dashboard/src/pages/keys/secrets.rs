//! A key's secrets, and who uses which.

use torvus_domain::{SecretInfo, Timestamp};
use torvus_storage::usage_secrets::SecretUsage;

use super::moment::{Moment, grouped};
use super::view::Badge;

/// How many addresses are named.
const ADDRESSES: usize = 3;

pub(super) struct SecretRow {
    pub(super) hint: String,
    pub(super) state: Badge,
    pub(super) ends: Option<Moment>,
    pub(super) requests: String,
    pub(super) last_used: Option<Moment>,
    pub(super) from: String,
}

/// What somebody should know of the old secret.
pub(super) struct Advice {
    pub(super) class: &'static str,
    pub(super) text: String,
}

/// The secret that was replaced and still works.
pub(super) fn in_grace(secrets: &[SecretInfo], now: Timestamp) -> Option<&SecretInfo> {
    secrets
        .iter()
        .find(|info| info.secret.replaced_at.is_some() && !info.secret.ended(now))
}

pub(super) fn rows(
    secrets: &[SecretInfo],
    used: &[SecretUsage],
    revoked: bool,
    now: Timestamp,
) -> Vec<SecretRow> {
    let row = |info: &SecretInfo| {
        let own: Vec<&SecretUsage> = of(info, used).collect();
        let last = own.iter().map(|usage| usage.last_seen).max();
        let state = if revoked {
            Badge::new("bad", "Revoked")
        } else if info.secret.ended(now) {
            Badge::new("", "Ended")
        } else if info.secret.replaced_at.is_some() {
            Badge::new("warn", "In grace")
        } else {
            Badge::new("good", "Current")
        };
        let hint = info.hint.as_ref().map(ToString::to_string);
        SecretRow {
            hint: hint.unwrap_or_else(|| format!("Secret {}", info.secret.number)),
            state,
            // A revoked key takes a secret with it that had time left.
            ends: info
                .secret
                .ends_at
                .filter(|_| !revoked || info.secret.ended(now))
                .map(Moment::at),
            requests: grouped(own.iter().map(|usage| usage.count).sum()),
            last_used: last.map(|at| Moment::ago(at, now)),
            from: addresses(&own),
        }
    };
    secrets.iter().map(row).collect()
}

/// Whether the old secret can be ended.
pub(super) fn advice(old: &SecretInfo, used: &[SecretUsage], now: Timestamp) -> Advice {
    let replaced_at = old.secret.replaced_at.unwrap_or(now);
    let since: Vec<&SecretUsage> = of(old, used)
        .filter(|usage| usage.last_seen > replaced_at)
        .collect();
    match since.iter().map(|usage| usage.last_seen).max() {
        None => Advice {
            class: "good",
            text: "Nobody has used the old secret since the rotation. Once every program has the new one, it can be ended.".to_owned(),
        },
        Some(last) => {
            let when = Moment::ago(last, now).text;
            let when = when.replace("Just now", "just now");
            Advice {
                class: "warn",
                text: format!(
                    "The old secret is still used: last {when}, from {}. What uses it fails when it ends.",
                    addresses(&since)
                ),
            }
        }
    }
}

fn of<'a>(info: &SecretInfo, used: &'a [SecretUsage]) -> impl Iterator<Item = &'a SecretUsage> {
    let number = info.secret.number;
    used.iter().filter(move |usage| usage.secret == number)
}

fn addresses(used: &[&SecretUsage]) -> String {
    let mut named: Vec<String> = used
        .iter()
        .take(ADDRESSES)
        .map(|usage| match (usage.others, usage.ip) {
            (true, _) => "other addresses".to_owned(),
            (false, Some(ip)) => ip.to_string(),
            (false, None) => "an unknown address".to_owned(),
        })
        .collect();
    if let Some(more) = used.len().checked_sub(ADDRESSES).filter(|more| *more > 0) {
        named.push(format!("{more} more"));
    }
    match named.is_empty() {
        true => "–".to_owned(),
        false => named.join(", "),
    }
}
