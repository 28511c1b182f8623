//! What would let a request in.

use std::net::IpAddr;

use chrono::TimeDelta;
use torvus_domain::{
    IpAllowlist, KeySnapshot, PermissionSet, PlanName, Refusal, Secret, Timestamp,
};

use super::{Question, World, near};
use crate::Counted;
use crate::trace::Check;

/// For how long a key is renewed: what a new one gets.
const RENEWED: TimeDelta = TimeDelta::days(90);

/// One thing to be different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The key ends at this instant.
    Expiry(Timestamp),
    /// The request is made with the key's newest secret.
    NewestSecret,
    /// The account is not suspended.
    Resume,
    /// The request comes from one of the key's addresses, such as this one.
    AskFrom(IpAddr),
    /// The key may be used from these addresses; from any where the list is
    /// empty.
    Addresses(IpAllowlist),
    /// The account is on this plan.
    Plan(PlanName),
    /// The request is made at this instant.
    Wait(Timestamp),
    /// The request has this path.
    Path(String),
    /// The request has this method.
    Method(String),
    /// The key has these permissions.
    Permissions(PermissionSet),
}

impl Change {
    /// Makes it, on these copies.
    pub fn make(&self, snapshot: &mut KeySnapshot, question: &mut Question) {
        match self.clone() {
            Self::Expiry(end) => snapshot.key.expires_at = Some(end),
            Self::NewestSecret => snapshot.secret = Secret::FIRST,
            Self::Resume => snapshot.account.suspended_at = None,
            Self::AskFrom(address) => question.client_ip = Some(address),
            Self::Addresses(list) => snapshot.key.allowed_ips = list,
            Self::Plan(plan) => snapshot.account.plan = plan,
            Self::Wait(until) => question.at = until,
            Self::Path(path) => question.path = path,
            Self::Method(method) => question.method = method,
            Self::Permissions(permissions) => snapshot.key.permissions = permissions,
        }
    }
}

impl World<'_> {
    /// The smallest change after which this check passes, or why there is none.
    pub(super) fn change(
        &self,
        check: Check,
        refusal: &Refusal,
        rate: Option<&Counted>,
    ) -> Result<Change, String> {
        let (key, question) = (&self.snapshot.key, &self.question);
        match check {
            Check::Record => Err("the record of the key contradicts itself".to_owned()),
            Check::Revocation => {
                Err("a key that was revoked stays revoked: make a new one".to_owned())
            }
            Check::Expiry => Ok(Change::Expiry(question.at.max(self.now) + RENEWED)),
            Check::Secret => Ok(Change::NewestSecret),
            Check::Account => Ok(Change::Resume),
            Check::Address => self.address(),
            Check::Plan => self.plan(),
            Check::Limit => {
                let seconds = rate.map_or(1, |rate| rate.snapshot.next_seconds);
                let wait = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
                let until = wait.and_then(|wait| question.at.checked_add_signed(wait));
                until
                    .map(Change::Wait)
                    .ok_or_else(|| "the limit is 0".to_owned())
            }
            Check::Route => self.route(refusal),
            Check::Permission => {
                let Refusal::MissingPermission(needed) = refusal else {
                    return Err("the permission can't be told".to_owned());
                };
                let all = key.permissions.iter().chain([*needed]);
                let all = PermissionSet::new(all).unwrap_or(key.permissions);
                Ok(Change::Permissions(all))
            }
        }
    }

    fn address(&self) -> Result<Change, String> {
        let list = &self.snapshot.key.allowed_ips;
        let Some(client) = self.question.client_ip else {
            let example = list.example().map(Change::AskFrom);
            return example.ok_or_else(|| "the address can't be told".to_owned());
        };
        // On a plan without lists one that is there can only be taken away.
        let plan = self.plans.get(&self.snapshot.account.plan);
        let wider = plan
            .is_some_and(|plan| plan.ip_allowlist)
            .then(|| list.with(client))
            .flatten();
        Ok(Change::Addresses(wider.unwrap_or_default()))
    }

    fn plan(&self) -> Result<Change, String> {
        let usual = PlanName::professional();
        let known = self.plans.get(&usual).map(|_| &usual);
        let plan = known.or_else(|| self.plans.names().next());
        let none = || "the settings have no plan at all".to_owned();
        plan.cloned().map(Change::Plan).ok_or_else(none)
    }

    fn route(&self, refusal: &Refusal) -> Result<Change, String> {
        let question = &self.question;
        if let Refusal::MethodNotAllowed { allow } = refusal {
            let permissions = self.snapshot.key.permissions;
            let method = near::method(self.routes, question, allow, permissions);
            return method
                .map(Change::Method)
                .ok_or_else(|| format!("the path knows only {allow}"));
        }
        near::path(self.routes, question)
            .map(Change::Path)
            .ok_or_else(|| format!("no route has the path {}", question.path))
    }
}
