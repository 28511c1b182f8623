//! The least that a key's recorded requests needed, and the proof of it.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use torvus_audit::AuditRecord;
use torvus_domain::{Covering, KeySnapshot, Permission, PermissionSet, Plans};

use crate::traffic::{Place, Traffic, was_let_in};

/// Less than this is little to go by.
const REQUESTS_MIN: u64 = 100;
const DAYS_MIN: usize = 7;

/// What the traffic that was let in needed.
#[derive(Clone, Debug, Default)]
pub struct Needed {
    requests: u64,
    let_in: u64,
    days: BTreeSet<NaiveDate>,
    permissions: BTreeSet<Permission>,
    addresses: Covering,
    without_address: u64,
    unplaced: u64,
}

impl Needed {
    /// Takes in one more request.
    pub fn add(&mut self, traffic: &Traffic<'_>, record: &AuditRecord) {
        self.requests += 1;
        if !was_let_in(record) {
            return;
        }
        self.let_in += 1;
        self.days.insert(record.at.date_naive());
        match record.ip {
            Some(ip) => self.addresses.add(ip),
            None => self.without_address += 1,
        }
        let place = traffic.place(record);
        let routes: Vec<_> = place.iter().flat_map(Place::routes).collect();
        self.unplaced += u64::from(routes.is_empty());
        let permissions = routes.iter().filter_map(|route| route.permission);
        self.permissions.extend(permissions);
    }

    /// How many requests were taken in.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// How many of them were let in.
    #[must_use]
    pub const fn let_in(&self) -> u64 {
        self.let_in
    }

    /// On how many days those came.
    #[must_use]
    pub fn days(&self) -> usize {
        self.days.len()
    }

    /// What should be known of it.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
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

    /// The key with no more than that, and what should be known of it.
    #[must_use]
    pub fn narrowed(
        &self,
        plans: &Plans,
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
        let plan = plans.get(&key.account.plan);
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
#[derive(Clone, Copy, Debug, Default)]
pub struct Proof {
    replayed: u64,
    refused: u64,
}

impl Proof {
    /// Decides on one more request as if `narrowed` were its key.
    pub fn add(&mut self, traffic: &Traffic<'_>, narrowed: &KeySnapshot, record: &AuditRecord) {
        if !was_let_in(record) {
            return;
        }
        // What has no route today is refused with any permissions.
        let place = traffic.place(record);
        let Some(place) = place.filter(|place| place.routes().next().is_some()) else {
            return;
        };
        self.replayed += 1;
        let decided = traffic.decide(narrowed, record, &place, None);
        self.refused += u64::from(decided.is_err());
    }

    /// How many requests were decided on anew.
    #[must_use]
    pub const fn replayed(&self) -> u64 {
        self.replayed
    }

    /// How many of them would be refused.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}
