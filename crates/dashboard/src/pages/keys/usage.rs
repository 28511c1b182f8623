//! What a key was used for, as its page shows it.

use chrono::{Days, NaiveDate};
use torvus_domain::{KeySnapshot, LimitScope, Plans, Timestamp};
use torvus_storage::usage::{AddressUsage, DayUsage, EndpointUsage, Usage};

use super::moment::{Moment, grouped, span};

/// How many days are shown, today included.
const DAYS: u64 = 30;
/// How many rows of a list are shown; what comes after them is summed up.
const ROWS: usize = 25;

/// The first of the days that are shown.
pub(super) fn first_day(today: NaiveDate) -> NaiveDate {
    let first = today.checked_sub_days(Days::new(DAYS - 1));
    first.unwrap_or(today)
}

pub(super) struct UsageView {
    pub(super) total: String,
    pub(super) billable: String,
    pub(super) error_rate: String,
    pub(super) endpoints: Vec<EndpointRow>,
    pub(super) more_endpoints: Option<String>,
    pub(super) addresses: Vec<AddressRow>,
    pub(super) more_addresses: Option<String>,
    pub(super) days: Vec<DayRow>,
}

pub(super) struct EndpointRow {
    pub(super) method: String,
    pub(super) route: String,
    pub(super) count: String,
}

pub(super) struct AddressRow {
    pub(super) ip: String,
    pub(super) count: String,
    pub(super) first: Moment,
    pub(super) last: Moment,
}

pub(super) struct DayRow {
    pub(super) date: String,
    pub(super) ok: String,
    pub(super) client_errors: String,
    pub(super) rate_limited: String,
    pub(super) server_errors: String,
}

impl UsageView {
    pub(super) fn of(usage: &Usage, now: Timestamp) -> Self {
        let endpoint = |row: &EndpointUsage| EndpointRow {
            method: row.method.clone().unwrap_or_else(|| "–".to_owned()),
            route: row
                .route
                .clone()
                .unwrap_or_else(|| "No such route".to_owned()),
            count: grouped(row.count),
        };
        let address = |row: &AddressUsage| AddressRow {
            ip: row.ip.to_string(),
            count: grouped(row.count),
            first: Moment::ago(row.first_seen, now),
            last: Moment::ago(row.last_seen, now),
        };
        let day = |day: &DayUsage| DayRow {
            date: day.date.format("%a, %-d %b %Y").to_string(),
            ok: grouped(day.ok),
            client_errors: grouped(day.client_errors),
            rate_limited: grouped(day.rate_limited),
            server_errors: grouped(day.server_errors),
        };
        let rest = |counts: &[u64], what: &str| {
            let rest = counts.get(ROWS..).filter(|rest| !rest.is_empty())?;
            let requests = grouped(rest.iter().sum());
            Some(format!(
                "And {} more {what} with {requests} requests together.",
                rest.len()
            ))
        };
        let by_endpoint: Vec<u64> = usage.endpoints.iter().map(|row| row.count).collect();
        let by_address: Vec<u64> = usage.addresses.iter().map(|row| row.count).collect();
        Self {
            total: grouped(usage.total_requests),
            billable: grouped(usage.billable_requests),
            error_rate: match usage.total_requests {
                0 => "–".to_owned(),
                _ => format!("{:.1}%", usage.error_rate() * 100.0),
            },
            endpoints: usage.endpoints.iter().take(ROWS).map(endpoint).collect(),
            more_endpoints: rest(&by_endpoint, "endpoints"),
            addresses: usage.addresses.iter().take(ROWS).map(address).collect(),
            more_addresses: rest(&by_address, "addresses"),
            days: usage.days.iter().rev().map(day).collect(),
        }
    }
}

/// What is left of the limit.
pub(super) struct LimitView {
    pub(super) label: &'static str,
    pub(super) left: String,
    pub(super) all: String,
    pub(super) note: String,
    pub(super) rule: String,
}

impl LimitView {
    pub(super) fn of(found: &KeySnapshot, plans: &Plans, now: Timestamp) -> Self {
        let key = &found.key;
        let Some(left) = torvus_gate::left(found, plans, now) else {
            return Self {
                label: "Limit",
                left: "–".to_owned(),
                all: "–".to_owned(),
                note: "the plan is not in the settings".to_owned(),
                rule: format!(
                    "The plan {} is not in the settings of this server",
                    found.account.plan
                ),
            };
        };
        let shared = match left.scope {
            LimitScope::Key => "",
            LimitScope::Account => ", shared by all keys of the account and environment",
        };
        let whose = match key.limit {
            Some(_) => "its own limit".to_owned(),
            None => format!("as the plan {} allows", found.account.plan),
        };
        let whole = Timestamp::from_timestamp(left.reset_at_unix, 0).filter(|at| *at > now);
        Self {
            label: "Remaining now",
            left: grouped(u64::from(left.remaining)),
            all: grouped(u64::from(left.limit)),
            note: match whole.filter(|_| left.remaining < left.limit) {
                Some(at) => format!("all again in {}", span(at - now)),
                None => "requests of this hour".to_owned(),
            },
            rule: format!(
                "{} requests an hour, {whose}{shared}",
                grouped(u64::from(left.limit))
            ),
        }
    }
}
