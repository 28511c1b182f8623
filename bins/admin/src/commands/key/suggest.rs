//! `torvus-admin key suggest`.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::json;
use torvus_domain::{Covering, IpAllowlist, KeySnapshot, Permission, PermissionSet, rfc3339};

use super::replay::{Place, Traffic, was_let_in};
use super::update_line::UpdateLine;
use crate::context::Context;
use crate::failure::Failure;
use crate::output;

/// Less than this is little to go by.
const REQUESTS_MIN: u64 = 100;
const DAYS_MIN: usize = 7;

pub(super) fn run(context: &Context, text: &str, days: u16) -> Result<(), Failure> {
    let traffic = Traffic::of(context, text, days)?;
    let needed = Needed::of(&traffic)?;
    let mut notes = traffic.notes(needed.missing);
    notes.extend(needed.notes());
    let narrowed = needed.narrowed(context, &traffic.key, &mut notes);
    let proof = Proof::of(&traffic, &narrowed)?;
    let (was, is) = (&traffic.key.key, &narrowed.key);
    let proposed = needed.let_in > 0 && needed.missing == 0 && proof.refused == 0;
    let line = UpdateLine {
        permissions: (was.permissions != is.permissions).then_some(is.permissions),
        allowed_ips: (!same(&was.allowed_ips, &is.allowed_ips)).then(|| is.allowed_ips.clone()),
        expires: None,
    };
    let line = line
        .of(was.id)
        .filter(|_| proposed)
        .map(|line| context.command(&line));
    if needed.missing > 0 {
        notes.push(
            "what they needed can't be known: nothing is proposed; --days can leave them out"
                .to_owned(),
        );
    } else if proof.refused > 0 {
        notes.push("some of its traffic can't be replayed: nothing is proposed".to_owned());
    } else if needed.let_in > 0 && line.is_none() {
        notes.push("the key is as narrow as its traffic already".to_owned());
    }
    if context.json {
        return output::json(&json!({
            "key_id": was.id,
            "from": rfc3339(traffic.from),
            "to": rfc3339(traffic.to),
            "requests": needed.requests,
            "let_in": needed.let_in,
            "days_with_traffic": needed.days.len(),
            "permissions": proposed.then_some(is.permissions),
            "allowed_ips": proposed.then_some(&is.allowed_ips),
            "replayed": proof.replayed,
            "would_break": proof.refused,
            "notes": notes,
            "command": line,
        }));
    }
    let basis = format!(
        "{} requests that were let in, on {} days since {}",
        needed.let_in,
        needed.days.len(),
        rfc3339(traffic.from)
    );
    let mut fields = vec![("based on", basis)];
    if proposed {
        let any = || "any".to_owned();
        let list = |list: &IpAllowlist| {
            if list.is_empty() {
                any()
            } else {
                list.to_string()
            }
        };
        fields.push((
            "permissions",
            format!("{}  (now: {})", is.permissions, was.permissions),
        ));
        fields.push((
            "addresses",
            format!(
                "{}  (now: {})",
                list(&is.allowed_ips),
                list(&was.allowed_ips)
            ),
        ));
    }
    let proof = format!(
        "{} replayed, {} of them would be refused",
        proof.replayed, proof.refused
    );
    fields.push(("proof", proof));
    output::fields(&fields)?;
    notes
        .iter()
        .for_each(|note| output::note(&format!("note: {note}")));
    line.map_or(Ok(()), |line| output::lines(&[String::new(), line]))
}

fn same(a: &IpAllowlist, b: &IpAllowlist) -> bool {
    let sorted = |list: &IpAllowlist| list.entries().into_iter().collect::<BTreeSet<_>>();
    sorted(a) == sorted(b)
}

/// What the traffic that was let in needed.
#[derive(Default)]
struct Needed {
    requests: u64,
    let_in: u64,
    days: BTreeSet<NaiveDate>,
    permissions: BTreeSet<Permission>,
    addresses: Covering,
    without_address: u64,
    unplaced: u64,
    /// Counted, but not in the log.
    missing: u64,
}

impl Needed {
    fn of(traffic: &Traffic<'_>) -> Result<Self, Failure> {
        let mut needed = Self::default();
        let missing = traffic.each(|record| {
            needed.requests += 1;
            if !was_let_in(record) {
                return;
            }
            needed.let_in += 1;
            needed.days.insert(record.at.date_naive());
            match record.ip {
                Some(ip) => needed.addresses.add(ip),
                None => needed.without_address += 1,
            }
            let place = traffic.place(record);
            let routes: Vec<_> = place.iter().flat_map(Place::routes).collect();
            needed.unplaced += u64::from(routes.is_empty());
            let permissions = routes.iter().filter_map(|route| route.permission);
            needed.permissions.extend(permissions);
        })?;
        Ok(Self { missing, ..needed })
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.let_in == 0 {
            notes.push("no request was let in: nothing is proposed".to_owned());
        } else if self.let_in < REQUESTS_MIN || self.days.len() < DAYS_MIN {
            notes.push(format!(
                "that is little to go by ({} requests on {} days): what is needed more seldom may be missing",
                self.let_in,
                self.days.len()
            ));
        }
        if self.unplaced > 0 {
            notes.push(format!(
                "{} requests went to routes that are no longer there",
                self.unplaced
            ));
        }
        notes
    }

    /// The key with no more than that.
    fn narrowed(
        &self,
        context: &Context,
        key: &KeySnapshot,
        notes: &mut Vec<String>,
    ) -> KeySnapshot {
        let mut narrowed = key.clone();
        let has = key.key.permissions;
        let needed = PermissionSet::new(self.permissions.iter().copied());
        narrowed.key.permissions = needed.unwrap_or_else(|| {
            if self.let_in > 0 {
                notes.push("no permission was needed: a key has at least one".to_owned());
            }
            PermissionSet::new(has.iter().take(1)).unwrap_or(has)
        });
        if narrowed
            .key
            .permissions
            .iter()
            .any(|needed| !has.contains(needed))
        {
            notes.push(
                "its traffic needed more than the key has now: it was narrowed since".to_owned(),
            );
        }
        let plan = context.settings.plans.get(&key.account.plan);
        if !plan.is_some_and(|plan| plan.ip_allowlist) {
            notes.push(format!(
                "the plan {} has no address lists: none is proposed",
                key.account.plan
            ));
        } else if self.without_address > 0 {
            let count = self.without_address;
            notes.push(format!(
                "{count} requests have no address: no list is proposed"
            ));
        } else if let Some(list) = self.addresses.list() {
            narrowed.key.allowed_ips = list;
        } else {
            notes.push(
                "it was used from so many places that no list would keep anybody out".to_owned(),
            );
        }
        narrowed
    }
}

/// The same traffic, decided anew.
#[derive(Default)]
struct Proof {
    replayed: u64,
    refused: u64,
}

impl Proof {
    fn of(traffic: &Traffic<'_>, narrowed: &KeySnapshot) -> Result<Self, Failure> {
        let mut proof = Self::default();
        traffic.each(|record| {
            if !was_let_in(record) {
                return;
            }
            // What has no route today is refused with any permissions.
            let place = traffic.place(record);
            let Some(place) = place.filter(|place| place.routes().next().is_some()) else {
                return;
            };
            proof.replayed += 1;
            let decided = traffic.decide(narrowed, record, &place, None);
            proof.refused += u64::from(decided.is_err());
        })?;
        Ok(proof)
    }
}
