//! The recorded requests of one key, within a span of time.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use torvus_audit::{AuditFilter, AuditRecord};
use torvus_authz::RouteTable;
use torvus_domain::{Category, KeyId, KeySnapshot, Plans, Timestamp, rfc3339};
use torvus_gate::traffic::{self, in_force};
use torvus_storage::usage::{self, DayUsage};
use torvus_storage::{Store, chains, snapshots};

use crate::context::{Context, id};
use crate::failure::Failure;
use crate::progress::Progress;

/// How long looking takes, and how far clocks of servers may be from each other.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// The recorded requests of one key, within a span of time.
pub(super) struct Traffic<'a> {
    store: Store,
    /// The key in force, whatever became of it: what it may do is asked, not
    /// whether it is alive.
    pub(super) key: KeySnapshot,
    /// What was pruned from the log is not in the span.
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pruned: bool,
    /// What was counted on its whole days.
    counted: Vec<DayUsage>,
    own: RouteTable,
    forward: &'a RouteTable,
    plans: &'a Plans,
}

impl<'a> Traffic<'a> {
    pub(super) fn of(context: &'a Context, text: &str, days: u16) -> Result<Self, Failure> {
        let key: KeyId = id("key", text)?;
        // What comes in from now on is left aside, so that each reading is of the same.
        let to = context.now();
        let asked = to - TimeDelta::days(i64::from(days));
        let store = context.store_with_all_records()?;
        let (found, pruned, counted) = store.read(|c| {
            let counted = usage::of_key(c, key, asked.date_naive(), to.date_naive())?;
            Ok((snapshots::of_key(c, key, to)?, chains::pruned(c)?, counted))
        })?;
        let none = || Failure::not_found(format!("there is no key {text}"));
        let plans = &context.settings.plans;
        let key = in_force(found.into_iter().next().ok_or_else(none)?);
        if plans.get(&key.account.plan).is_none() {
            let plan = &key.account.plan;
            return Err(Failure::failed(format!("the settings have no plan {plan}")));
        }
        let pruned = pruned.iter().map(|pruned| pruned.before).max();
        let pruned = pruned.filter(|before| *before > asked);
        // Of the day on which the span begins only a part is asked for. Where
        // that is for what was pruned, the rest was asked for and is missing.
        let since = pruned.unwrap_or(asked + TimeDelta::days(1)).date_naive();
        let days = counted.days.into_iter();
        Ok(Self {
            store,
            key,
            from: pruned.unwrap_or(asked),
            to,
            pruned: pruned.is_some(),
            counted: days.filter(|day| day.date >= since).collect(),
            own: RouteTable::torvus(),
            forward: &context.settings.routes,
            plans,
        })
    }

    /// What is to be known of the span.
    pub(super) fn notes(&self, missing: u64) -> Vec<String> {
        let mut notes = Vec::new();
        if self.pruned {
            notes.push(format!(
                "the log was pruned: it begins at {}, and nothing before that is replayed",
                rfc3339(self.from)
            ));
        }
        if let Some(first) = self.counted.first().filter(|_| missing > 0) {
            notes.push(format!(
                "{missing} requests that were counted since {} are not in the log",
                first.date
            ));
        }
        notes
    }

    /// Hands over each request, the oldest first; few are in memory at once.
    /// Says how many others were counted and are not in the log.
    pub(super) fn each(&self, mut take: impl FnMut(&AuditRecord)) -> Result<u64, Failure> {
        let filter = AuditFilter {
            key: Some(self.key.key.id),
            from: Some(self.from),
            // What came since was counted, too; and clocks of servers differ.
            to: self.to.checked_add_signed(SKEW),
            category: Some(Category::ApiActivity),
            oldest_first: true,
            ..AuditFilter::default()
        };
        let mut progress = Progress::start("replayed");
        let mut recorded: BTreeMap<NaiveDate, u64> = BTreeMap::new();
        let read = torvus_storage::audit::each(&self.store, filter, |entry| {
            let at = entry.record.at;
            *recorded.entry(at.date_naive()).or_default() += 1;
            if at < self.to {
                progress.advance();
                take(&entry.record);
            }
            Ok::<_, Failure>(())
        })?;
        progress.end();
        read?;
        let missing = self.counted.iter().map(|day| {
            let counted = day.ok + day.client_errors + day.rate_limited + day.server_errors;
            counted.saturating_sub(recorded.get(&day.date).copied().unwrap_or(0))
        });
        Ok(missing.sum())
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
