//! `torvus-admin audit list` and `tail`.

use std::io::IsTerminal;
use std::time::Duration;

use serde_json::Value;
use torvus_audit::{AuditFilter, AuditRecord};
use torvus_domain::rfc3339;
use torvus_storage::audit::{Ends, Entry, added, each, list as list_of};

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

pub(super) fn list(context: &Context, filters: &Filters) -> Result<(), Failure> {
    let mut filter = filter(filters)?;
    filter.limit = Some(filters.limit.unwrap_or(LIST));
    let entries = read(context, filter)?;
    if context.json {
        let records = entries.iter().map(|entry| json(&entry.record));
        return output::json_list(records.collect::<Result<_, _>>()?);
    }
    let rows = entries.iter().map(|entry| row(&entry.record)).collect();
    output::table(&["at", "what", "status", "outcome", "key", "from"], rows)?;
    let changes: Vec<Vec<String>> = entries
        .iter()
        .filter_map(|entry| change(&entry.record))
        .collect();
    if changes.is_empty() {
        return Ok(());
    }
    output::lines(&[String::new()])?;
    output::table(&["at", "what changed", "reason"], changes)
}

/// What was different after something was done to a key or an account, and why.
fn change(record: &AuditRecord) -> Option<Vec<String>> {
    let (action, detail) = (record.action.as_ref()?, record.detail.as_ref()?);
    let after = detail.get("after").and_then(Value::as_object);
    let fields = after.into_iter().flatten().filter_map(|(name, new)| {
        let old = detail.get("before").and_then(|before| before.get(name));
        match old {
            Some(old) if old == new => None,
            Some(old) => Some(format!("{name} {} → {}", plain(old), plain(new))),
            None => Some(format!("{name} {}", plain(new))),
        }
    });
    let fields: Vec<String> = fields.collect();
    let reason = detail.get("reason").filter(|reason| !reason.is_null());
    if fields.is_empty() && reason.is_none() {
        return None;
    }
    Some(vec![
        rfc3339(record.at),
        format!("{action}: {}", fields.join(", ")),
        reason.map_or_else(|| "-".to_owned(), plain),
    ])
}

/// A value of a change, as people read it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(all) if all.is_empty() => "none".to_owned(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// Shows the newest records, and goes on with those that come.
pub(super) fn tail(context: &Context, filters: &Filters, follow: bool) -> Result<(), Failure> {
    let mut filter = filter(filters)?;
    filter.limit = Some(filters.limit.unwrap_or(TAIL));
    let store = context.store_with_all_records()?;
    let mut shown = store.read(Ends::now)?;
    let newest = store.read(|c| list_of(c, &filter))?;
    for entry in newest.iter().rev().filter(|entry| shown.include(entry)) {
        show(context, &entry.record)?;
    }
    if !follow {
        return Ok(());
    }
    loop {
        let store = context.store_with_all_records()?;
        let (entries, more) = store.read(|c| added(c, &filter, &mut shown))?;
        for entry in &entries {
            show(context, &entry.record)?;
        }
        if !more {
            pause();
        }
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
