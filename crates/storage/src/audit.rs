//! The audit log: rows are added and read, never changed.

use diesel::prelude::*;
use torvus_audit::{AuditFilter, AuditRecord};

use crate::columns::{instant, micros, number, read, read_opt};
use crate::conn::each;
use crate::schema::audit_log::{self, dsl};
use crate::{Conn, StorageError, budgets, usage};

const TABLE: &str = "audit_log";
/// Rows of one statement: their values stay below what either database takes.
const ROWS: usize = 256;

#[derive(Queryable, Insertable)]
#[diesel(table_name = audit_log, treat_none_as_default_value = false)]
struct AuditRow {
    id: String,
    at: i64,
    category: String,
    request_id: Option<String>,
    client_request_id: Option<String>,
    account_id: Option<String>,
    key_id: Option<String>,
    key_name: Option<String>,
    environment: Option<String>,
    method: Option<String>,
    path: Option<String>,
    route: Option<String>,
    status: Option<i32>,
    outcome: String,
    ip: Option<String>,
    user_agent: Option<String>,
    duration_us: Option<i64>,
    billable: bool,
    actor: Option<String>,
    action: Option<String>,
    detail: Option<String>,
}

/// PostgreSQL takes no NUL in a text, and a record must never fail for what
/// a client sent.
fn text(text: Option<&String>) -> Option<String> {
    text.map(|text| text.replace('\0', "\u{fffd}"))
}

impl From<&AuditRecord> for AuditRow {
    fn from(record: &AuditRecord) -> Self {
        Self {
            id: record.id.to_string(),
            at: micros(record.at),
            category: record.category.as_str().to_owned(),
            request_id: record.request_id.map(|id| id.to_string()),
            client_request_id: text(record.client_request_id.as_ref()),
            account_id: record.account_id.map(|id| id.to_string()),
            key_id: record.key_id.map(|id| id.to_string()),
            key_name: text(record.key_name.as_ref()),
            environment: record.environment.map(|e| e.as_str().to_owned()),
            method: text(record.method.as_ref()),
            path: text(record.path.as_ref()),
            route: text(record.route.as_ref()),
            status: record.status.map(i32::from),
            outcome: record.outcome.as_str().to_owned(),
            ip: record.ip.map(|ip| ip.to_string()),
            user_agent: text(record.user_agent.as_ref()),
            duration_us: record.duration_us,
            billable: record.billable,
            actor: text(record.actor.as_ref()),
            action: text(record.action.as_ref()),
            detail: record.detail.as_ref().map(ToString::to_string),
        }
    }
}

impl TryFrom<AuditRow> for AuditRecord {
    type Error = StorageError;

    fn try_from(row: AuditRow) -> Result<Self, StorageError> {
        let status = row.status.map(|status| number(TABLE, i64::from(status)));
        let detail = row.detail.map(|text| read(TABLE, &text));
        Ok(Self {
            id: read(TABLE, &row.id)?,
            at: instant(TABLE, row.at)?,
            category: read(TABLE, &row.category)?,
            request_id: read_opt(TABLE, row.request_id.as_deref())?,
            client_request_id: row.client_request_id,
            account_id: read_opt(TABLE, row.account_id.as_deref())?,
            key_id: read_opt(TABLE, row.key_id.as_deref())?,
            key_name: row.key_name,
            environment: read_opt(TABLE, row.environment.as_deref())?,
            method: row.method,
            path: row.path,
            route: row.route,
            status: status.transpose()?,
            outcome: read(TABLE, &row.outcome)?,
            ip: read_opt(TABLE, row.ip.as_deref())?,
            user_agent: row.user_agent,
            duration_us: row.duration_us,
            billable: row.billable,
            actor: row.actor,
            action: row.action,
            detail: detail.transpose()?,
            spent: [None, None],
        })
    }
}

/// Adds records, their requests to the usage of their keys, and what they used
/// of their limits. In a write transaction: the three belong together.
///
/// # Errors
///
/// Those of the database.
pub fn append(c: &mut Conn, records: &[AuditRecord]) -> Result<(), StorageError> {
    for some in records.chunks(ROWS) {
        let rows: Vec<AuditRow> = some.iter().map(AuditRow::from).collect();
        each!(c, conn => diesel::insert_into(dsl::audit_log).values(rows).execute(conn))?;
    }
    usage::add(c, records)?;
    budgets::note(c, records)
}

/// The records that a filter lets through, the newest first.
///
/// # Errors
///
/// Those of the database.
pub fn list(c: &mut Conn, filter: &AuditFilter) -> Result<Vec<AuditRecord>, StorageError> {
    let mut query = dsl::audit_log
        .order((dsl::at.desc(), dsl::id.desc()))
        .into_boxed();
    if let Some(account) = filter.account {
        query = query.filter(dsl::account_id.eq(account.to_string()));
    }
    if let Some(key) = filter.key {
        query = query.filter(dsl::key_id.eq(key.to_string()));
    }
    if let Some(from) = filter.from {
        query = query.filter(dsl::at.ge(micros(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(dsl::at.lt(micros(to)));
    }
    if let Some(status) = filter.status {
        let (first, last) = status.range();
        query = query.filter(dsl::status.between(i32::from(first), i32::from(last)));
    }
    if let Some(outcome) = filter.outcome {
        query = query.filter(dsl::outcome.eq(outcome.as_str()));
    }
    if let Some(category) = filter.category {
        query = query.filter(dsl::category.eq(category.as_str()));
    }
    if let Some(before) = &filter.before {
        let at = micros(before.at);
        let earlier = dsl::at.lt(at);
        let same = dsl::at.eq(at).and(dsl::id.lt(before.id.to_string()));
        query = query.filter(earlier.or(same));
    }
    if let Some(limit) = filter.limit {
        query = query.limit(i64::from(limit));
    }
    let rows: Vec<AuditRow> = query.load(&mut c.0)?;
    rows.into_iter().map(TryInto::try_into).collect()
}
