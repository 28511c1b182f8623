//! `torvus-admin audit`.

use std::io::Write;

use torvus_audit::csv::CsvWriter;
use torvus_audit::{AuditFilter, AuditRecord, Cursor};
use torvus_domain::{Timestamp, rfc3339};
use torvus_storage::{Store, audit as rows};

use crate::cli::{Audit, Filters, Format};
use crate::context::{Context, id, value};
use crate::failure::Failure;
use crate::output;

/// How many records are read at once: what an export holds in memory.
const PAGE: u32 = 500;
/// How many records a list shows where nothing is said.
const LIST: u32 = 50;

pub(super) fn run(context: &Context, command: &Audit) -> Result<(), Failure> {
    match command {
        Audit::List(filters) => list(context, filters),
        Audit::Export { format, filters } => export(context, *format, filters),
    }
}

fn filter(filters: &Filters) -> Result<AuditFilter, Failure> {
    fn read<T: std::str::FromStr>(name: &str, text: Option<&String>) -> Result<Option<T>, Failure>
    where
        T::Err: std::fmt::Display,
    {
        text.map(|text| value(name, text)).transpose()
    }
    Ok(AuditFilter {
        account: filters
            .account
            .as_ref()
            .map(|text| id("account", text))
            .transpose()?,
        key: filters
            .key
            .as_ref()
            .map(|text| id("key", text))
            .transpose()?,
        from: instant("--from", filters.from.as_ref())?,
        to: instant("--to", filters.to.as_ref())?,
        status: read("--status", filters.status.as_ref())?,
        outcome: read("--outcome", filters.outcome.as_ref())?,
        category: read("--category", filters.category.as_ref())?,
        limit: filters.limit,
        ..AuditFilter::default()
    })
}

fn instant(name: &str, text: Option<&String>) -> Result<Option<Timestamp>, Failure> {
    let read = |text: &String| {
        text.parse().map_err(|_| {
            let like = "use an instant such as 2026-11-24T00:00:00Z";
            Failure::invalid(format!("{name} {text:?}: {like}"))
        })
    };
    text.map(read).transpose()
}

/// Hands over each record that is wanted, newest first, a page at a time.
fn each(
    store: &Store,
    mut filter: AuditFilter,
    mut take: impl FnMut(&AuditRecord) -> std::io::Result<()>,
) -> Result<std::io::Result<()>, Failure> {
    let mut left = filter.limit.unwrap_or(u32::MAX);
    while left > 0 {
        let asked = left.min(PAGE);
        filter.limit = Some(asked);
        let page = store.read(|c| rows::list(c, &filter))?;
        for record in &page {
            if let Err(error) = take(&record.record) {
                return Ok(Err(error));
            }
        }
        let got = u32::try_from(page.len()).unwrap_or(u32::MAX);
        match page.last() {
            Some(last) if got >= asked => {
                filter.behind = Some(Cursor {
                    at: last.record.at,
                    id: last.record.id,
                })
            }
            _ => break,
        }
        left -= asked;
    }
    Ok(Ok(()))
}

fn list(context: &Context, filters: &Filters) -> Result<(), Failure> {
    let mut filter = filter(filters)?;
    filter.limit = Some(filters.limit.unwrap_or(LIST));
    let mut records = Vec::new();
    let store = context.store_with_all_records()?;
    each(&store, filter, |record| {
        records.push(record.clone());
        Ok(())
    })??;
    if context.json {
        let json = |record: &AuditRecord| serde_json::to_value(record).map_err(Failure::failed);
        return output::json_list(records.iter().map(json).collect::<Result<_, _>>()?);
    }
    let row = |record: &AuditRecord| {
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
            record
                .status
                .map_or_else(|| "-".to_owned(), |status| status.to_string()),
            record.outcome.to_string(),
            record
                .key_id
                .map_or_else(|| "-".to_owned(), |id| id.to_string()),
            record.ip.map_or_else(
                || record.actor.clone().unwrap_or_default(),
                |ip| ip.to_string(),
            ),
        ]
    };
    output::table(
        &["at", "what", "status", "outcome", "key", "from"],
        records.iter().map(row).collect(),
    )
}

fn export(context: &Context, format: Format, filters: &Filters) -> Result<(), Failure> {
    let (filter, store) = (filter(filters)?, context.store_with_all_records()?);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = match format {
        Format::Csv => {
            let mut csv = CsvWriter::new(&mut out)?;
            let written = each(&store, filter, |record| csv.write(record))?;
            written.and_then(|()| csv.flush())
        }
        Format::Jsonl => each(&store, filter, |record| {
            serde_json::to_writer(&mut out, record)?;
            out.write_all(b"\n")
        })?,
    };
    output::quiet(written.and_then(|()| out.flush()))
}
