//! Requests with a key that were refused of late.

use chrono::Days;
use torvus_audit::{AuditFilter, AuditRecord, StatusFilter};
use torvus_domain::{Category, KeyId, Outcome, Timestamp, rfc3339};
use torvus_storage::usage::Usage;
use torvus_storage::{Conn, StorageError, audit};

use super::LIST;
use super::moment::Moment;
use super::query::encoded;

/// How many are shown, and how many records are looked through for them.
const ROWS: usize = 5;
const LOOKED_THROUGH: u32 = 100;

pub(super) struct RefusedRow {
    pub(super) at: Moment,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) status: String,
    pub(super) outcome: String,
    pub(super) ip: String,
    pub(super) why: String,
}

/// The last ones, of the last day that had any: its usage tells which day that
/// was, so that not all records of a busy key are looked through.
pub(super) fn of_key(
    c: &mut Conn,
    key: KeyId,
    usage: &Usage,
) -> Result<Vec<AuditRecord>, StorageError> {
    let failed = |day: &&torvus_storage::usage::DayUsage| day.client_errors + day.rate_limited > 0;
    let Some(day) = usage.days.iter().rev().find(failed) else {
        return Ok(Vec::new());
    };
    let begin = |date: chrono::NaiveDate| date.and_time(chrono::NaiveTime::MIN).and_utc();
    let filter = AuditFilter {
        key: Some(key),
        category: Some(Category::ApiActivity),
        status: Some(StatusFilter::Class(4)),
        from: Some(begin(day.date)),
        to: day.date.checked_add_days(Days::new(1)).map(begin),
        limit: Some(LOOKED_THROUGH),
        ..AuditFilter::default()
    };
    let entries = audit::list(c, &filter)?;
    let refused = entries.into_iter().map(|entry| entry.record);
    Ok(refused.filter(by_the_gate).take(ROWS).collect())
}

/// The gate said no, and can say why.
fn by_the_gate(record: &AuditRecord) -> bool {
    matches!(
        record.outcome,
        Outcome::ExpiredKey
            | Outcome::RevokedKey
            | Outcome::SuspendedAccount
            | Outcome::IpNotAllowed
            | Outcome::MissingPermission
            | Outcome::RateLimited
            | Outcome::NotFound
            | Outcome::MethodNotAllowed
    )
}

impl RefusedRow {
    pub(super) fn of(record: &AuditRecord, key: KeyId, now: Timestamp) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (method, path) = (text(&record.method), text(&record.path));
        let ip = record.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let id = record.id.to_string();
        let (at, secret) = (rfc3339(record.at), record.secret.map(|one| one.to_string()));
        let mut asked = vec![
            ("method", &method),
            ("path", &path),
            ("ip", &ip),
            ("at", &at),
            ("record", &id),
        ];
        asked.extend(secret.iter().map(|secret| ("secret", secret)));
        let asked = encoded(asked);
        Self {
            at: Moment::ago(record.at, now),
            status: record
                .status
                .map(|status| status.to_string())
                .unwrap_or_default(),
            outcome: record.outcome.as_str().replace('_', " "),
            why: format!("{LIST}/{key}/explain?{asked}"),
            method,
            path,
            ip,
        }
    }
}
