//! A key as its pages show it.

use chrono::TimeDelta;
use torvus_domain::{Account, ApiKey, IpAllowlist, KeyState, PermissionSet, Plans, Timestamp};
use torvus_key_core::Environment;

use super::moment::{Moment, grouped, span};
use crate::problem::Problem;

/// A word with a colour. The word alone says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Badge {
    pub(crate) class: &'static str,
    pub(crate) text: String,
}

impl Badge {
    pub(crate) fn new(class: &'static str, text: impl Into<String>) -> Self {
        Self {
            class,
            text: text.into(),
        }
    }
}

/// A key in a line.
pub(crate) struct KeyView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) hint: String,
    pub(crate) environment: Badge,
    pub(crate) permissions: Vec<&'static str>,
    pub(crate) addresses: String,
    pub(crate) last_used: Option<Moment>,
    pub(crate) expires: Option<Moment>,
    pub(crate) ends: Option<Badge>,
    pub(crate) created: Moment,
    /// The days of the two alone, for the list.
    pub(crate) expires_on: Option<Moment>,
    pub(crate) created_on: Moment,
    pub(crate) state: Badge,
}

impl KeyView {
    pub(crate) fn of(key: &ApiKey, now: Timestamp) -> Self {
        let state = key.state(now);
        Self {
            id: key.id.to_string(),
            name: key.name.to_string(),
            hint: key.hint.to_string(),
            environment: environment(key.environment),
            permissions: words(key.permissions),
            addresses: addresses(&key.allowed_ips),
            last_used: key.last_used_at.map(|at| Moment::ago(at, now)),
            expires: key.expires_at.map(Moment::at),
            ends: match state {
                KeyState::Active => key.expires_at.and_then(|end| ends(end - now)),
                _ => None,
            },
            created: Moment::at(key.created_at),
            expires_on: key.expires_at.map(Moment::day),
            created_on: Moment::day(key.created_at),
            state: match state {
                KeyState::Active => Badge::new("good", "Active"),
                KeyState::Expired => Badge::new("warn", "Expired"),
                KeyState::Revoked => Badge::new("bad", "Revoked"),
            },
        }
    }
}

pub(crate) fn environment(environment: Environment) -> Badge {
    match environment {
        Environment::Live => Badge::new("live", "Live"),
        Environment::Test => Badge::new("", "Test"),
    }
}

pub(crate) fn words(permissions: PermissionSet) -> Vec<&'static str> {
    permissions.iter().map(word).collect()
}

pub(crate) const fn word(permission: torvus_domain::Permission) -> &'static str {
    match permission {
        torvus_domain::Permission::Read => "Read",
        torvus_domain::Permission::Write => "Write",
        torvus_domain::Permission::Delete => "Delete",
    }
}

pub(crate) fn addresses(list: &IpAllowlist) -> String {
    match list.entries().as_slice() {
        [] => "Any IP address".to_owned(),
        [one] => format!("Only from {one}"),
        [first, more @ ..] => format!("Only from {first} and {} more", more.len()),
    }
}

/// A key that ends within 30 days, 7 days, a day.
fn ends(left: TimeDelta) -> Option<Badge> {
    let class = match left.num_days() {
        0 => "bad",
        1..7 => "warn",
        7..30 => "",
        _ => return None,
    };
    Some(Badge::new(class, format!("Ends in {}", span(left))))
}

/// What an account's plan allows, said before it is asked for.
pub(crate) struct PlanView {
    pub(crate) name: String,
    pub(crate) live: String,
    pub(crate) test: String,
    pub(crate) ip_allowlist: bool,
    pub(crate) limit_hint: String,
}

impl PlanView {
    /// For keys of one environment, or of either.
    pub(crate) fn of(
        account: &Account,
        plans: &Plans,
        only: Option<Environment>,
    ) -> Result<Self, Problem> {
        let plan = plans.get(&account.plan).ok_or_else(|| {
            Problem::Conflict(format!(
                "The account's plan {} is not in the settings of this server.",
                account.plan
            ))
        })?;
        let most = |environment| grouped(u64::from(plan.limit(environment)));
        let (live, test) = (most(Environment::Live), most(Environment::Test));
        let limits = match only {
            Some(Environment::Live) => format!("1 to {live}"),
            Some(Environment::Test) => format!("1 to {test}"),
            None => format!("1 to {live} for live keys, 1 to {test} for test keys"),
        };
        Ok(Self {
            name: account.plan.to_string(),
            limit_hint: format!(
                "Optional: fewer than your plan, {}, allows. {limits}.",
                account.plan
            ),
            live,
            test,
            ip_allowlist: plan.ip_allowlist,
        })
    }
}

/// What somebody reads who did something wrong: a sentence.
pub(crate) fn sentence(text: impl ToString) -> String {
    let text = text.to_string();
    let word = text.split(' ').next().unwrap_or_default();
    // An identifier or an address stays as it is.
    let plain = word.chars().all(char::is_alphabetic);
    let mut rest = text.chars();
    let Some(first) = rest.next() else {
        return text;
    };
    let first = match plain {
        true => first.to_uppercase().to_string(),
        false => first.to_string(),
    };
    let end = match text.ends_with(['.', '?', '!']) {
        true => "",
        false => ".",
    };
    format!("{first}{}{end}", rest.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_of_from_thirty_days_on() {
        for (left, badge) in [
            (TimeDelta::days(31), None),
            (TimeDelta::days(29), Some(("", "Ends in 29 days"))),
            (TimeDelta::days(6), Some(("warn", "Ends in 6 days"))),
            (TimeDelta::hours(23), Some(("bad", "Ends in 23 hours"))),
        ] {
            let badge = badge.map(|(class, text)| Badge::new(class, text));
            assert_eq!(ends(left), badge);
        }
    }

    #[test]
    fn what_is_wrong_is_a_sentence() {
        assert_eq!(sentence("a name is needed"), "A name is needed.");
        assert_eq!(sentence("did you mean x?"), "Did you mean x?");
        assert_eq!(sentence("acc_1 is it"), "acc_1 is it.");
        assert_eq!(sentence(""), "");
    }
}
