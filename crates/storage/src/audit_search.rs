//! The audit log is searched: by a filter, and a part of it at a time.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use torvus_audit::{AuditFilter, Cursor};
use torvus_domain::{Category, ChainId};

use crate::audit::{COLUMNS, Entry, Row, TABLE};
use crate::columns::{instant, micros, read};
use crate::schema::audit_log::dsl;
use crate::trail::CHANGES;
use crate::{Conn, StorageError};

/// The condition of the index by which few rows lead to what is done to keys
/// and accounts. It has to be in the statement to the letter.
const NO_REQUESTS: &str = "category <> 'api_activity'";

/// A part of the log that was looked through.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// What of it the filter lets through.
    pub entries: Vec<Entry>,
    /// Behind this place the search goes on; where there is none, it is over.
    pub next: Option<Cursor>,
}

impl Entry {
    /// The place behind which the records come that are read next.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        Cursor {
            at: self.record.at,
            id: self.record.id,
        }
    }
}

/// In the order that is asked for, within the times, and between the places:
/// what an index does by itself.
macro_rules! along {
    ($query:expr, $filter:expr) => {{
        let (mut query, filter) = ($query, $filter);
        query = match filter.oldest_first {
            true => query.order((dsl::at, dsl::id)),
            false => query.order((dsl::at.desc(), dsl::id.desc())),
        };
        if let Some(from) = filter.from {
            query = query.filter(dsl::at.ge(micros(from)));
        }
        if let Some(to) = filter.to {
            query = query.filter(dsl::at.lt(micros(to)));
        }
        // The first condition is there for the index, which can't use the second.
        if let Some(behind) = &filter.behind {
            let (at, id) = (micros(behind.at), behind.id.to_string());
            query = match filter.oldest_first {
                true => query
                    .filter(dsl::at.ge(at))
                    .filter(dsl::at.gt(at).or(dsl::id.gt(id))),
                false => query
                    .filter(dsl::at.le(at))
                    .filter(dsl::at.lt(at).or(dsl::id.lt(id))),
            };
        }
        if let Some(until) = &filter.until {
            let (at, id) = (micros(until.at), until.id.to_string());
            query = match filter.oldest_first {
                true => query
                    .filter(dsl::at.le(at))
                    .filter(dsl::at.lt(at).or(dsl::id.le(id))),
                false => query
                    .filter(dsl::at.ge(at))
                    .filter(dsl::at.gt(at).or(dsl::id.ge(id))),
            };
        }
        query
    }};
}

/// The records that a filter lets through, the newest first, or the oldest
/// first where it says so.
///
/// # Errors
///
/// Those of the database.
pub fn list(c: &mut Conn, filter: &AuditFilter) -> Result<Vec<Entry>, StorageError> {
    select(c, filter, None)
}

/// Of these, those of a chain behind a place and up to another, in their order.
pub(crate) fn of_chain(
    c: &mut Conn,
    filter: &AuditFilter,
    chain: ChainId,
    behind: u64,
    up_to: u64,
) -> Result<Vec<Entry>, StorageError> {
    let filter = AuditFilter {
        oldest_first: true,
        limit: None,
        ..filter.clone()
    };
    select(c, &filter, Some((chain, behind, up_to)))
}

fn select(
    c: &mut Conn,
    filter: &AuditFilter,
    part: Option<(ChainId, u64, u64)>,
) -> Result<Vec<Entry>, StorageError> {
    let mut query = along!(dsl::audit_log.select(COLUMNS).into_boxed(), filter);
    if let Some((chain, behind, up_to)) = part {
        query = query
            .filter(dsl::chain.eq(chain.to_string()))
            .filter(dsl::seq.gt(place(behind)))
            .filter(dsl::seq.le(place(up_to)));
    }
    if let Some(account) = filter.account {
        query = query.filter(dsl::account_id.eq(account.to_string()));
    }
    if let Some(key) = filter.key {
        query = query.filter(dsl::key_id.eq(key.to_string()));
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
        if category != Category::ApiActivity {
            query = query.filter(sql::<Bool>(NO_REQUESTS));
        }
        if category == Category::KeyManagement {
            query = query.filter(sql::<Bool>(CHANGES));
        }
    }
    if let Some(environment) = filter.environment {
        query = query.filter(dsl::environment.eq(environment.as_str()));
    }
    if let Some(method) = &filter.method {
        query = query.filter(dsl::method.eq(method));
    }
    if let Some(route) = &filter.route {
        query = query.filter(dsl::route.eq(route));
    }
    if let Some(path) = &filter.path {
        let column = match c.is_postgres() {
            true => "(line::jsonb ->> 'path') = ",
            false => "json_extract(line, '$.path') = ",
        };
        query = query.filter(sql::<Bool>(column).bind::<Text, _>(path.clone()));
    }
    if let Some(ip) = filter.ip {
        query = query.filter(dsl::ip.eq(ip.to_canonical().to_string()));
    }
    if let Some(request) = filter.request {
        query = query.filter(dsl::request_id.eq(request.to_string()));
    }
    if let Some(limit) = filter.limit {
        query = query.limit(i64::from(limit));
    }
    let rows: Vec<Row> = query.load(&mut c.0)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

fn place(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// Looks through the next `scan` records for those that a filter lets through,
/// and no further: however rare they are, and however long the log, it takes
/// about the same time.
///
/// # Errors
///
/// Those of the database.
pub fn search(c: &mut Conn, filter: &AuditFilter, scan: u32) -> Result<Slice, StorageError> {
    let mut part = filter.clone();
    let bound = match filter.is_sparse() {
        true => bound(c, filter, scan)?,
        false => None,
    };
    part.until = bound.or(filter.until);
    let entries = list(c, &part)?;
    let full = part
        .limit
        .is_some_and(|limit| u32::try_from(entries.len()).is_ok_and(|found| found >= limit));
    let next = match entries.last() {
        Some(last) if full => Some(last.cursor()),
        _ => bound,
    };
    Ok(Slice { entries, next })
}

/// The place of the `scan`th record from where a search begins, by the index
/// that it is going to use; none where there are fewer. Where an account is
/// asked for it is a place of that account's: others are not told of it.
fn bound(c: &mut Conn, filter: &AuditFilter, scan: u32) -> Result<Option<Cursor>, StorageError> {
    let mut query = along!(
        dsl::audit_log.select((dsl::at, dsl::id)).into_boxed(),
        filter
    );
    if let Some(account) = filter.account {
        query = query.filter(dsl::account_id.eq(account.to_string()));
    }
    match (filter.key, filter.account, filter.category) {
        (Some(key), _, category) => {
            query = query.filter(dsl::key_id.eq(key.to_string()));
            if category == Some(Category::KeyManagement) {
                query = query.filter(sql::<Bool>(CHANGES));
            }
        }
        (None, Some(_), category) => {
            if let Some(category) = category.filter(|category| *category != Category::ApiActivity) {
                query = query
                    .filter(dsl::category.eq(category.as_str()))
                    .filter(sql::<Bool>(NO_REQUESTS));
            }
        }
        (None, None, _) => {}
    }
    let last: Option<(i64, String)> = query
        .offset(i64::from(scan.saturating_sub(1)))
        .first(&mut c.0)
        .optional()?;
    last.map(|(at, id)| {
        Ok(Cursor {
            at: instant(TABLE, at)?,
            id: read(TABLE, &id)?,
        })
    })
    .transpose()
}
