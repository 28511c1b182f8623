//! What the log says of a request that was refused, and what was done to the
//! key since: today's answer may be another one.

use chrono::TimeDelta;
use torvus_audit::{AuditFilter, AuditRecord};
use torvus_authz::RouteTable;
use torvus_domain::{AccountId, Category, KeyId, Outcome, Timestamp};
use torvus_storage::{Conn, StorageError, audit, trail as changes};

use super::moment::Moment;
use super::trail::Step;

/// How many changes are looked through, and how many are named.
const LOOKED_THROUGH: u32 = 100;
const NAMED: usize = 3;

/// A refusal as it was recorded.
pub(super) struct Recorded {
    pub(super) at: Moment,
    /// The answer it got.
    pub(super) answer: String,
    /// The permission that its route asks for, where that was what was missing.
    pub(super) permission: Option<&'static str>,
    /// What was done to the key since, the newest first.
    pub(super) since: Vec<(String, Moment)>,
    pub(super) more: usize,
}

/// Which record of which key is meant.
pub(super) struct Which {
    pub(super) account: AccountId,
    pub(super) key: KeyId,
    pub(super) at: Timestamp,
    pub(super) record: String,
}

/// The record, if it is one of this key and is still kept, and the changes since.
pub(super) fn find(
    c: &mut Conn,
    which: &Which,
) -> Result<Option<(AuditRecord, Vec<AuditRecord>)>, StorageError> {
    let filter = AuditFilter {
        account: Some(which.account),
        key: Some(which.key),
        category: Some(Category::ApiActivity),
        from: Some(which.at),
        to: which.at.checked_add_signed(TimeDelta::microseconds(1)),
        limit: Some(LOOKED_THROUGH),
        ..AuditFilter::default()
    };
    let mut found = audit::list(c, &filter)?.into_iter();
    let meant = |entry: &audit::Entry| {
        let record = &entry.record;
        record.id.to_string() == which.record && record.outcome != Outcome::Ok
    };
    let Some(entry) = found.find(meant) else {
        return Ok(None);
    };
    let mut since = changes::of_key(c, which.key, LOOKED_THROUGH)?;
    since.retain(|change| change.at > which.at && change.outcome == Outcome::Ok);
    Ok(Some((entry.record, since)))
}

impl Recorded {
    pub(super) fn of(record: &AuditRecord, since: &[AuditRecord], tables: &[&RouteTable]) -> Self {
        let words = record.outcome.as_str().replace('_', " ");
        let change = |change: &AuditRecord| {
            let step = Step::of(change);
            (step.what, step.at)
        };
        Self {
            at: Moment::at(record.at),
            answer: match record.status {
                Some(status) => format!("{status}, {words}"),
                None => words,
            },
            permission: Some(record)
                .filter(|record| record.outcome == Outcome::MissingPermission)
                .and_then(|record| permission(record, tables)),
            since: since.iter().take(NAMED).map(change).collect(),
            more: since.len().saturating_sub(NAMED),
        }
    }
}

fn permission(record: &AuditRecord, tables: &[&RouteTable]) -> Option<&'static str> {
    let (method, route) = (record.method.as_deref()?, record.route.as_deref()?);
    let mut routes = tables.iter().flat_map(|table| table.routes());
    let asked = routes.find(|one| one.method == method && one.pattern == route)?;
    asked.permission.map(|permission| permission.as_str())
}
