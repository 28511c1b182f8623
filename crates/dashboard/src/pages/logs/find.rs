//! A page of the log is looked for.

use std::time::Duration;

use chrono::TimeDelta;
use torvus_audit::{AuditFilter, Cursor};
use torvus_domain::{KeyId, Timestamp};
use torvus_storage::audit::{self, Entry, Slice};
use torvus_storage::{StorageError, Store, keys};

use super::asked::{Asked, Place};
use super::row::Row;
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::turns::Turn;

/// How many records a page shows: with all their fields they are no light load.
pub(super) const PAGE: usize = 20;
/// How many records are looked through at once.
pub(super) const SCAN: u32 = 20_000;
/// For so long a page is filled: what is rarer is looked for from the next one.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was found for a page.
#[derive(Default)]
pub(super) struct Found {
    /// The newest first.
    pub(super) rows: Vec<Row>,
    /// Where the older ones begin.
    pub(super) older: Option<Cursor>,
    /// Where the newer ones begin.
    pub(super) newer: Option<Cursor>,
    /// Nobody has looked yet whether there are any beyond the page's end.
    pub(super) cut_short: bool,
}

/// A clock that was set back by more than this leaves records in the future.
const FUTURE: TimeDelta = TimeDelta::seconds(5);

/// Ends a filter at what was recorded when it was asked for: nothing that comes
/// in later may come before its end. The newest record of all is its last one.
pub(super) async fn ended(
    site: &Dashboard,
    mut filter: AuditFilter,
    now: Timestamp,
) -> Result<AuditFilter, StorageError> {
    site.settle().await;
    let newest = AuditFilter {
        account: filter.account,
        limit: Some(1),
        ..AuditFilter::default()
    };
    let store = &site.parts.store;
    let newest = store.run_read(move |c| audit::list(c, &newest)).await?;
    let newest = newest.first().map_or(now, |newest| newest.record.at);
    // Workers are read one after the other: of the first nobody knows what it
    // recorded while the last one was read.
    let end = match newest - now > FUTURE {
        true => newest + TimeDelta::microseconds(1),
        false => now,
    };
    filter.to = Some(filter.to.map_or(end, |to| to.min(end)));
    Ok(filter)
}

/// What is asked of a key is asked of the account's own key: another's is like
/// one that there never was, and nobody looks through its records to find none.
pub(super) async fn owned(
    site: &Dashboard,
    mut filter: AuditFilter,
) -> Result<AuditFilter, StorageError> {
    if let Some(key) = filter.key {
        let store = &site.parts.store;
        let found = store.run_read(move |c| keys::find(c, key)).await?;
        let own = found.is_some_and(|found| Some(found.account_id) == filter.account);
        filter.key = Some(if own { key } else { KeyId::nil() });
    }
    Ok(filter)
}

/// Looks through a part of the log, in one's turn.
pub(super) async fn searched(
    store: &Store,
    filter: AuditFilter,
    turn: Turn,
) -> Result<Slice, StorageError> {
    store
        .run_read(move |c| {
            let _turn = turn;
            audit::search(c, &filter, SCAN)
        })
        .await
}

/// Looks for a page.
pub(super) async fn find(
    site: &Dashboard,
    asked: &Asked,
    now: Timestamp,
) -> Result<Found, Problem> {
    let asked_for = owned(site, asked.filter.clone()).await?;
    match asked.place {
        Place::Top => older(site, ended(site, asked_for, now).await?).await,
        Place::Older(place) => {
            let behind = Some(place);
            let filter = AuditFilter {
                behind,
                ..asked_for
            };
            let mut found = older(site, filter).await?;
            found.newer = found.newer.or(behind);
            Ok(found)
        }
        Place::Newer(place) => {
            let filter = ended(site, asked_for, now).await?;
            newer(site, filter, place).await
        }
    }
}

async fn older(site: &Dashboard, filter: AuditFilter) -> Result<Found, Problem> {
    let behind = filter.behind;
    let (mut entries, next) = filled(site, filter).await?;
    let more = entries.len() > PAGE;
    entries.truncate(PAGE);
    let last = entries.last().filter(|_| more).map(Entry::cursor);
    Ok(Found {
        newer: behind.and_then(|_| entries.first().map(Entry::cursor)),
        older: last.or(next),
        cut_short: !more && next.is_some(),
        rows: entries.iter().map(Row::from).collect(),
    })
}

async fn newer(site: &Dashboard, filter: AuditFilter, place: Cursor) -> Result<Found, Problem> {
    let upwards = AuditFilter {
        behind: Some(place),
        oldest_first: true,
        ..filter.clone()
    };
    let (mut entries, next) = filled(site, upwards).await?;
    let more = entries.len() > PAGE;
    if !more && next.is_none() {
        // There is nothing newer than these: this is the first page.
        return older(site, filter).await;
    }
    entries.truncate(PAGE);
    entries.reverse();
    let first = entries.first().filter(|_| more).map(Entry::cursor);
    Ok(Found {
        older: entries.last().map(Entry::cursor).or(Some(place)),
        newer: first.or(next),
        cut_short: !more,
        rows: entries.iter().map(Row::from).collect(),
    })
}

/// One record more than a page shows, if there are so many, and where to go on
/// if nobody knows.
async fn filled(
    site: &Dashboard,
    mut filter: AuditFilter,
) -> Result<(Vec<Entry>, Option<Cursor>), Problem> {
    let clock = &site.parts.clock;
    let begun = clock.now().monotonic;
    let mut entries = Vec::new();
    loop {
        filter.limit = u32::try_from(PAGE + 1 - entries.len()).ok();
        let turn = site.looking.soon().await?;
        let slice = searched(&site.parts.store, filter.clone(), turn).await?;
        entries.extend(slice.entries);
        let late = clock.now().monotonic.saturating_sub(begun) >= PATIENCE;
        match slice.next {
            Some(_) if late || entries.len() > PAGE => return Ok((entries, slice.next)),
            Some(next) => filter.behind = Some(next),
            None => return Ok((entries, None)),
        }
    }
}
