//! What each check found, as a sentence.

use torvus_authz::RouteMatch;
use torvus_domain::{IpAllowlist, Refusal, Timestamp, rfc3339};

use super::{Finding, World};
use crate::Counted;
use crate::trace::Check;

pub(super) const NOT_REACHED: &str = "not reached";
/// How many entries of a list are told.
const ENTRIES_TOLD: usize = 5;

/// Says of checks that were not reached what a later decision made of them.
pub(super) fn foretell(findings: &mut [Finding], later: &[Finding]) {
    for (finding, later) in findings.iter_mut().zip(later) {
        let Some(passed) = later.passed else {
            continue;
        };
        if finding.passed.is_none() && finding.detail == NOT_REACHED {
            let would = if passed {
                "would pass"
            } else {
                "would fail, too"
            };
            finding.detail = format!("{NOT_REACHED}; {would}: {}", later.detail);
        }
    }
}

impl World<'_> {
    pub(super) fn detail(
        &self,
        check: Check,
        refusal: Option<&Refusal>,
        rate: Option<Counted>,
    ) -> String {
        let passed = refusal.is_none();
        let (key, account) = (&self.snapshot.key, &self.snapshot.account);
        match check {
            Check::Record if passed => "key and account belong together".to_owned(),
            Check::Record => "the record of the key contradicts itself".to_owned(),
            Check::Revocation => key.revoked_at.map_or_else(
                || "the key was not revoked".to_owned(),
                |at| {
                    let why = key.revoke_reason.as_deref();
                    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                    format!("the key was revoked at {}{why}", rfc3339(at))
                },
            ),
            Check::Expiry => ending("the key", key.expires_at, passed),
            Check::Secret => ending("the secret", self.snapshot.secret.ends_at, passed),
            Check::Account => account.suspended_at.map_or_else(
                || format!("{} is not suspended", account.id),
                |at| format!("{} is suspended since {}", account.id, rfc3339(at)),
            ),
            Check::Address => self.address_detail(passed),
            Check::Plan if passed => format!("the account is on the plan {}", account.plan),
            Check::Plan => format!("the settings have no plan {}", account.plan),
            Check::Limit => limit(rate),
            Check::Route => self.route_detail(),
            Check::Permission => self.permission_detail(),
        }
    }

    fn address_detail(&self, passed: bool) -> String {
        let list = &self.snapshot.key.allowed_ips;
        match (self.question.client_ip, passed) {
            _ if list.is_empty() => "the key may be used from any address".to_owned(),
            (None, _) => format!(
                "the address is not known, and the key may be used only from {}",
                told(list)
            ),
            (Some(client), true) => format!("{client} is among {}", told(list)),
            (Some(client), false) => format!("{client} is not among {}", told(list)),
        }
    }

    fn route_detail(&self) -> String {
        let question = &self.question;
        match self.routes.find(&question.method, &question.path) {
            RouteMatch::Found { route, .. } => {
                format!("it goes to {} {}", route.method, route.pattern)
            }
            RouteMatch::WrongMethod { allow } => {
                format!("the path knows {allow}, not {}", question.method)
            }
            RouteMatch::NotFound => format!("no route has the path {}", question.path),
        }
    }

    fn permission_detail(&self) -> String {
        let question = &self.question;
        let has = self.snapshot.key.permissions;
        match self.routes.find(&question.method, &question.path) {
            RouteMatch::Found { route, .. } => route.permission.map_or_else(
                || "any valid key will do".to_owned(),
                |needed| format!("it needs {needed}; the key has {has}"),
            ),
            _ => format!("the key has {has}"),
        }
    }
}

fn ending(what: &str, end: Option<Timestamp>, passed: bool) -> String {
    match end.map(rfc3339) {
        None => format!("{what} does not end by itself"),
        Some(end) if passed => format!("{what} ends at {end}"),
        Some(end) => format!("{what} ended at {end}"),
    }
}

fn limit(rate: Option<Counted>) -> String {
    let Some(rate) = rate else {
        return "nothing was counted".to_owned();
    };
    let told = rate.snapshot;
    let whose = format!(
        "{} requests per hour of the {}",
        told.limit,
        told.scope.as_str()
    );
    if rate.within().is_ok() {
        return format!("after it {} of {whose} would be left", told.remaining);
    }
    let wait = told.next_seconds;
    format!("all {whose} are used; one comes back within {wait} s")
}

fn told(list: &IpAllowlist) -> String {
    let entries = list.entries();
    let (first, rest) = entries
        .split_at_checked(ENTRIES_TOLD)
        .unwrap_or((&entries, &[]));
    match rest.len() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
