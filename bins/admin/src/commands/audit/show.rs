//! `torvus-admin audit list` and `tail`.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use torvus_audit::{AuditFilter, AuditRecord};
use torvus_domain::{ChainId, rfc3339};
use torvus_storage::audit::{Entry, each};

use super::filters::filter;
use crate::cli::Filters;
use crate::context::Context;
use crate::failure::Failure;
use crate::output;

/// How many records a list shows where nothing is said.
const LIST: u32 = 50;
/// How many records a tail begins with.
const TAIL: u32 = 10;
/// How often a tail looks for more.
const PAUSE: Duration = Duration::from_millis(250);
/// Records of several chains come in by and by: how far a tail looks back.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);

pub(super) fn list(context: &Context, filters: &Filters) -> Result<(), Failure> {
    let mut filter = filter(filters)?;
    filter.limit = Some(filters.limit.unwrap_or(LIST));
    let entries = read(context, filter)?;
    if context.json {
        let records = entries.iter().map(|entry| json(&entry.record));
        return output::json_list(records.collect::<Result<_, _>>()?);
    }
    let rows = entries.iter().map(|entry| row(&entry.record)).collect();
    output::table(&["at", "what", "status", "outcome", "key", "from"], rows)
}

/// Shows the newest records, and goes on with those that come.
pub(super) fn tail(context: &Context, filters: &Filters, follow: bool) -> Result<(), Failure> {
    let mut filter = filter(filters)?;
    filter.limit = Some(filters.limit.unwrap_or(TAIL));
    let mut shown: HashMap<ChainId, u64> = HashMap::new();
    let mut newest = read(context, filter.clone())?;
    newest.reverse();
    // What is older than the first one is not to come behind it.
    let first = newest.first().map(|entry| entry.record.at);
    filter.from = filter.from.max(first);
    filter.limit = None;
    filter.oldest_first = true;
    loop {
        for entry in &newest {
            let seq = shown.entry(entry.chain).or_default();
            if entry.head.seq > *seq {
                *seq = entry.head.seq;
                show(context, &entry.record)?;
            }
        }
        if !follow {
            return Ok(());
        }
        if let Some(last) = newest.last() {
            let from = last.record.at - OVERLAP;
            filter.from = Some(filter.from.map_or(from, |known| known.max(from)));
        }
        pause();
        newest = read(context, filter.clone())?;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "another process writes the log: there is no event to wait for"
)]
fn pause() {
    std::thread::sleep(PAUSE);
}

fn read(context: &Context, filter: AuditFilter) -> Result<Vec<Entry>, Failure> {
    let store = context.store_with_all_records()?;
    let mut entries = Vec::new();
    each(&store, filter, |entry| {
        entries.push(entry.clone());
        Ok::<_, Failure>(())
    })??;
    Ok(entries)
}

fn show(context: &Context, record: &AuditRecord) -> Result<(), Failure> {
    if context.json {
        return output::json(&json(record)?);
    }
    let line = row(record).join("  ");
    let colour = match record.status {
        Some(500..) | None if record.method.is_some() => "\u{1b}[35m",
        Some(400..) => "\u{1b}[31m",
        Some(_) => "\u{1b}[32m",
        None => "",
    };
    if colour.is_empty() || !std::io::stdout().is_terminal() || output::no_colour() {
        return output::lines(&[line]);
    }
    output::lines(&[format!("{colour}{line}\u{1b}[0m")])
}

fn json(record: &AuditRecord) -> Result<Value, Failure> {
    serde_json::to_value(record).map_err(Failure::failed)
}

fn row(record: &AuditRecord) -> Vec<String> {
    let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let what = record.action.clone().unwrap_or_else(|| {
        format!(
            "{} {}",
            record.method.as_deref().unwrap_or("-"),
            record.path.as_deref().unwrap_or("-")
        )
    });
    vec![
        rfc3339(record.at),
        what,
        text(record.status.map(|status| status.to_string())),
        record.outcome.to_string(),
        text(record.key_id.map(|id| id.to_string())),
        record.ip.map_or_else(
            || record.actor.clone().unwrap_or_default(),
            |ip| ip.to_string(),
        ),
    ]
}
