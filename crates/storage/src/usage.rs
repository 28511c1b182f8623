//! Usage of keys, by day.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::upsert::excluded;
use torvus_audit::AuditRecord;
use torvus_domain::{AccountId, Category, KeyId};

use crate::columns::{micros, number, read};
use crate::conn::{each_row, fixed};
use crate::schema::{api_keys, usage_endpoints};
use crate::{Conn, StorageError, usage_addresses, usage_secrets};

pub use crate::usage_addresses::AddressUsage;

const TABLE: &str = "usage_endpoints";
const DAY: i64 = 86_400_000_000;

/// What a key was used for over some days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All requests.
    pub total_requests: u64,
    /// Those that are billed.
    pub billable_requests: u64,
    /// Requests by endpoint, the busiest first.
    pub endpoints: Vec<EndpointUsage>,
    /// Requests by address, the busiest first.
    pub addresses: Vec<AddressUsage>,
    /// Requests from addresses that came when 1,000 of the day were counted by
    /// themselves.
    pub other_addresses: u64,
    /// Requests by day, each day of the span.
    pub days: Vec<DayUsage>,
}

/// Requests to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointUsage {
    /// The method; none where the request had none that counts.
    pub method: Option<String>,
    /// The route; none where no route matched.
    pub route: Option<String>,
    /// How many.
    pub count: u64,
}

/// Requests of one day, by what was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayUsage {
    /// The day, in UTC.
    pub date: NaiveDate,
    /// Below 400.
    pub ok: u64,
    /// 4xx, without 429.
    pub client_errors: u64,
    /// 429.
    pub rate_limited: u64,
    /// 5xx.
    pub server_errors: u64,
}

impl DayUsage {
    /// All of that day.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.ok + self.client_errors + self.rate_limited + self.server_errors
    }
}

impl Usage {
    /// The share of requests that were answered with 4xx or 5xx, 0 to 1.
    #[must_use]
    pub fn error_rate(&self) -> f64 {
        let errors: u64 = self
            .days
            .iter()
            .map(|day| day.client_errors + day.rate_limited + day.server_errors)
            .sum();
        if self.total_requests == 0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a share, for people")]
        let rate = errors as f64 / self.total_requests as f64;
        rate
    }
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = usage_endpoints, treat_none_as_default_value = false)]
struct EndpointRow {
    key_id: String,
    day: i64,
    method: String,
    route: String,
    requests: i64,
    ok: i64,
    client_errors: i64,
    rate_limited: i64,
    server_errors: i64,
    billable: i64,
}

/// The methods of RFC 9110, section 9, and RFC 5789: each is counted by itself.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE",
];

/// The sums of one transaction. Sorted: two of them lock rows in the same order.
#[derive(Default)]
pub(crate) struct Sums {
    endpoints: BTreeMap<(String, i64, String, String), EndpointRow>,
    addresses: usage_addresses::Sums,
    secrets: usage_secrets::Sums,
    last_used: BTreeMap<String, i64>,
}

impl Sums {
    /// Counts a request whose key is known.
    pub(crate) fn add(&mut self, record: &AuditRecord) {
        if let (Category::ApiActivity, Some(key_id)) = (record.category, record.key_id) {
            self.count(&key_id.to_string(), record);
        }
    }

    fn count(&mut self, key_id: &str, record: &AuditRecord) {
        let at = micros(record.at);
        let day = at.div_euclid(DAY);
        // Anybody may invent methods: they share one row.
        let known = |method: &&String| METHODS.contains(&method.as_str());
        let method = match &record.method {
            None => String::new(),
            Some(method) => Some(method)
                .filter(known)
                .cloned()
                .unwrap_or_else(|| "OTHER".to_owned()),
        };
        let route = record.route.clone().unwrap_or_default();
        let sum = self
            .endpoints
            .entry((key_id.to_owned(), day, method.clone(), route.clone()))
            .or_insert_with(|| EndpointRow {
                key_id: key_id.to_owned(),
                day,
                method,
                route,
                requests: 0,
                ok: 0,
                client_errors: 0,
                rate_limited: 0,
                server_errors: 0,
                billable: 0,
            });
        sum.requests += 1;
        sum.billable += i64::from(record.billable);
        match record.status {
            None => {}
            Some(429) => sum.rate_limited += 1,
            Some(..400) => sum.ok += 1,
            Some(..500) => sum.client_errors += 1,
            Some(_) => sum.server_errors += 1,
        }
        if let Some(ip) = record.ip {
            self.addresses.add(key_id, day, ip, at);
        }
        self.secrets.add(key_id, record);
        // A key that was refused as such was not used.
        if record.used_key().is_some() {
            let last = self.last_used.entry(key_id.to_owned()).or_insert(at);
            *last = (*last).max(at);
        }
    }

    /// How many rows it takes to store them.
    pub(crate) fn rows(&self) -> usize {
        self.endpoints.len() + self.addresses.len() + self.last_used.len()
    }

    /// Stores them.
    pub(crate) fn store(self, c: &mut Conn) -> Result<(), StorageError> {
        if self.endpoints.is_empty() {
            return Ok(());
        }
        add_endpoints(c, self.endpoints.into_values().collect())?;
        self.addresses.store(c)?;
        self.secrets.store(c)?;
        note_last_used(c, self.last_used)
    }
}

fn note_last_used(c: &mut Conn, last_used: BTreeMap<String, i64>) -> Result<(), StorageError> {
    for (key_id, at) in last_used {
        let older = api_keys::last_used_at
            .is_null()
            .or(api_keys::last_used_at.lt(at));
        let row = api_keys::table
            .filter(api_keys::id.eq(key_id))
            .filter(older);
        let seen = api_keys::last_used_at.eq(Some(at));
        fixed!(c, diesel::update(row).set(seen));
    }
    Ok(())
}

fn add_endpoints(c: &mut Conn, rows: Vec<EndpointRow>) -> Result<(), StorageError> {
    use crate::schema::usage_endpoints::dsl::*;
    each_row!(c, rows, row => diesel::insert_into(usage_endpoints)
    .values(row)
    .on_conflict((key_id, day, method, route))
    .do_update()
    .set((
        requests.eq(requests + excluded(requests)),
        ok.eq(ok + excluded(ok)),
        client_errors.eq(client_errors + excluded(client_errors)),
        rate_limited.eq(rate_limited + excluded(rate_limited)),
        server_errors.eq(server_errors + excluded(server_errors)),
        billable.eq(billable + excluded(billable)),
    )));
    Ok(())
}

/// What a key was used for from one day to another, both included, in UTC.
///
/// # Errors
///
/// Those of the database.
pub fn of_key(
    c: &mut Conn,
    key: KeyId,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Usage, StorageError> {
    let key = key.to_string();
    let (first, last) = (day_number(from), day_number(to));
    let endpoints: Vec<EndpointRow> = usage_endpoints::table
        .filter(usage_endpoints::key_id.eq(&key))
        .filter(usage_endpoints::day.between(first, last))
        .load(&mut c.0)?;
    let (addresses, other_addresses) = usage_addresses::of_key(c, &key, first, last)?;
    let mut usage = Usage {
        addresses,
        other_addresses,
        ..Usage::default()
    };
    let mut days: BTreeMap<i64, DayUsage> = from
        .iter_days()
        .take_while(|date| *date <= to)
        .map(|date| (day_number(date), DayUsage::none(date)))
        .collect();
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for row in endpoints {
        usage.total_requests += count(row.requests)?;
        usage.billable_requests += count(row.billable)?;
        *counts.entry((row.method, row.route)).or_default() += count(row.requests)?;
        if let Some(day) = days.get_mut(&row.day) {
            day.ok += count(row.ok)?;
            day.client_errors += count(row.client_errors)?;
            day.rate_limited += count(row.rate_limited)?;
            day.server_errors += count(row.server_errors)?;
        }
    }
    usage.days = days.into_values().collect();
    let some = |text: String| (!text.is_empty()).then_some(text);
    usage.endpoints = counts
        .into_iter()
        .map(|((method, route), count)| EndpointUsage {
            method: some(method),
            route: some(route),
            count,
        })
        .collect();
    usage
        .endpoints
        .sort_by_key(|endpoint| std::cmp::Reverse(endpoint.count));
    Ok(usage)
}

impl DayUsage {
    fn none(date: NaiveDate) -> Self {
        Self {
            date,
            ok: 0,
            client_errors: 0,
            rate_limited: 0,
            server_errors: 0,
        }
    }
}

fn count(of: i64) -> Result<u64, StorageError> {
    number(TABLE, of)
}

/// Days since 1970-01-01.
fn day_number(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

/// Which endpoints the keys of an account were used for since a day, of those
/// keys that are not revoked and have more than one permission: key, method,
/// route.
///
/// # Errors
///
/// Those of the database.
pub fn endpoints_of_account(
    c: &mut Conn,
    account: AccountId,
    from: NaiveDate,
) -> Result<Vec<(KeyId, String, String)>, StorageError> {
    let keys = api_keys::table
        .filter(api_keys::account_id.eq(account.to_string()))
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::permissions.like("%,%"))
        .select(api_keys::id);
    let rows: Vec<(String, String, String)> = usage_endpoints::table
        .filter(usage_endpoints::key_id.eq_any(keys))
        .filter(usage_endpoints::day.ge(day_number(from)))
        .select((
            usage_endpoints::key_id,
            usage_endpoints::method,
            usage_endpoints::route,
        ))
        .distinct()
        .load(&mut c.0)?;
    rows.into_iter()
        .map(|(key, method, route)| Ok((read(TABLE, &key)?, method, route)))
        .collect()
}
