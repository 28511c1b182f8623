//! The recorded requests of one key, within a span of time.

use chrono::TimeDelta;
use torvus_audit::{AuditFilter, AuditRecord};
use torvus_authz::RouteTable;
use torvus_domain::{Category, KeyId, KeySnapshot, Plans, Timestamp};
use torvus_gate::span::{Recorded, Span};
use torvus_gate::traffic::{self, in_force};
use torvus_storage::{Store, chains, snapshots, usage};

use crate::context::{Context, id};
use crate::failure::Failure;
use crate::progress::Progress;

/// The recorded requests of one key, within a span of time.
pub(super) struct Traffic<'a> {
    store: Store,
    /// The key in force, whatever became of it: what it may do is asked, not
    /// whether it is alive.
    pub(super) key: KeySnapshot,
    /// What was pruned from the log is not in the span.
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    span: Span,
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
        let pruned = pruned.iter().map(|pruned| pruned.before);
        let counted = counted.days.iter().map(|day| (day.date, day.all()));
        let span = Span::new(asked, to, pruned, counted);
        Ok(Self {
            store,
            key,
            from: span.from(),
            to: span.to(),
            span,
            own: RouteTable::torvus(),
            forward: &context.settings.routes,
            plans,
        })
    }

    /// What is to be known of the span.
    pub(super) fn notes(&self, missing: u64) -> Vec<String> {
        self.span.notes(missing)
    }

    /// Hands over each request, the oldest first; few are in memory at once.
    /// Says how many others were counted and are not in the log.
    pub(super) fn each(&self, mut take: impl FnMut(&AuditRecord)) -> Result<u64, Failure> {
        let filter = AuditFilter {
            key: Some(self.key.key.id),
            from: Some(self.from),
            to: Some(self.span.counted_to()),
            category: Some(Category::ApiActivity),
            oldest_first: true,
            ..AuditFilter::default()
        };
        let mut progress = Progress::start("replayed");
        let mut recorded = Recorded::default();
        let read = torvus_storage::audit::each(&self.store, filter, |entry| {
            let at = entry.record.at;
            recorded.add(at);
            if at < self.to {
                progress.advance();
                take(&entry.record);
            }
            Ok::<_, Failure>(())
        })?;
        progress.end();
        read?;
        Ok(self.span.missing(&recorded))
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
