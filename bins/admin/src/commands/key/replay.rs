//! The recorded requests of one key, within a span of time.

use chrono::TimeDelta;
use torvus_audit::{AuditFilter, AuditRecord};
use torvus_authz::RouteTable;
use torvus_domain::{Category, KeyId, KeySnapshot, Plans, Timestamp};
use torvus_gate::traffic::{self, in_force};
use torvus_storage::{Store, snapshots};

use crate::context::{Context, id};
use crate::failure::Failure;
use crate::progress::Progress;

/// The recorded requests of one key, within a span of time.
pub(super) struct Traffic<'a> {
    store: Store,
    /// The key in force, whatever became of it: what it may do is asked, not
    /// whether it is alive.
    pub(super) key: KeySnapshot,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    own: RouteTable,
    forward: &'a RouteTable,
    plans: &'a Plans,
}

impl<'a> Traffic<'a> {
    pub(super) fn of(context: &'a Context, text: &str, days: u16) -> Result<Self, Failure> {
        let key: KeyId = id("key", text)?;
        // What comes in from now on is left aside, so that each reading is of the same.
        let to = context.now();
        let store = context.store_with_all_records()?;
        let found = store.read(|c| snapshots::of_key(c, key, to))?;
        let none = || Failure::not_found(format!("there is no key {text}"));
        let plans = &context.settings.plans;
        let key = in_force(found.into_iter().next().ok_or_else(none)?);
        if plans.get(&key.account.plan).is_none() {
            let plan = &key.account.plan;
            return Err(Failure::failed(format!("the settings have no plan {plan}")));
        }
        Ok(Self {
            store,
            key,
            from: to - TimeDelta::days(i64::from(days)),
            to,
            own: RouteTable::torvus(),
            forward: &context.settings.routes,
            plans,
        })
    }

    /// Hands over each request, the oldest first; few are in memory at once.
    pub(super) fn each(&self, mut take: impl FnMut(&AuditRecord)) -> Result<(), Failure> {
        let filter = AuditFilter {
            key: Some(self.key.key.id),
            from: Some(self.from),
            to: Some(self.to),
            category: Some(Category::ApiActivity),
            oldest_first: true,
            ..AuditFilter::default()
        };
        let mut progress = Progress::start("replayed");
        let read = torvus_storage::audit::each(&self.store, filter, |entry| {
            progress.advance();
            take(&entry.record);
            Ok::<_, Failure>(())
        })?;
        progress.end();
        read
    }

    /// By what they are decided.
    pub(super) fn rules(&self) -> traffic::Traffic<'_> {
        traffic::Traffic {
            own: &self.own,
            forward: self.forward,
            plans: self.plans,
        }
    }
}
