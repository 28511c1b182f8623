//! The database: whether it can be used, and whether its clock is ours.

use chrono::TimeDelta;
use torvus_audit::AuditFilter;
use torvus_domain::rfc3339;
use torvus_storage::{Schema, StorageError, Store, audit, clock};

use super::files::sqlite_file;
use super::finding::Finding;
use crate::context::Context;
use crate::failure::Failure;

/// What the way to the database and back may take.
const APART_MAX: TimeDelta = TimeDelta::seconds(2);
/// From here on keys end noticeably early or late.
const APART_FAULT: TimeDelta = TimeDelta::seconds(30);

pub(super) fn open(context: &Context) -> Result<Store, Finding> {
    if let Some(file) = sqlite_file(context)
        && !file.exists()
    {
        return Err(Finding::warning(
            "database",
            format!("{} is not there", file.display()),
            "the first start makes it",
        ));
    }
    let unreachable = |error: Failure| {
        Finding::fault(
            "database",
            error.message,
            "check --database-url, and that the database runs",
        )
    };
    let store = context.raw_store().map_err(unreachable)?;
    match store.schema().map_err(|error| unreachable(error.into()))? {
        Schema::Current => Ok(store),
        Schema::Empty(_) => Err(Finding::warning(
            "database",
            "it is empty",
            "torvus-admin migrate run",
        )),
        Schema::Behind(missing) => Err(Finding::fault(
            "database",
            format!("{} migrations behind", missing.len()),
            "torvus-admin migrate run",
        )),
        Schema::Newer => Err(Finding::fault(
            "database",
            "made by a newer version",
            "use that version",
        )),
    }
}

/// Our clock against that of the database server, and against the newest
/// record: nothing can have been recorded in the future.
pub(super) fn clock(context: &Context, store: &Store) -> Result<Finding, StorageError> {
    let newest = AuditFilter {
        limit: Some(1),
        ..AuditFilter::default()
    };
    let (newest, server) = store.read(|c| Ok((audit::list(c, &newest)?, clock::of_server(c)?)))?;
    let now = context.now();
    let advice = "set the clocks right (NTP) on every machine: keys and graces end by them; after a \
                  clock was set back this passes by itself";
    let judged = |apart: TimeDelta, detail: String| {
        if apart >= APART_FAULT {
            Some(Finding::fault("clock", detail, advice))
        } else if apart >= APART_MAX {
            Some(Finding::warning("clock", detail, advice))
        } else {
            None
        }
    };
    let against_server = server.and_then(|server| {
        let (apart, which) = match now >= server {
            true => (now - server, "ahead of"),
            false => (server - now, "behind"),
        };
        let detail = format!(
            "this machine's clock is {} s {which} the database server's",
            apart.num_seconds()
        );
        judged(apart, detail)
    });
    let against_log = newest.first().and_then(|entry| {
        let detail = format!(
            "the newest record of the audit log is from the future: {}",
            rfc3339(entry.record.at)
        );
        judged(entry.record.at - now, detail)
    });
    let well = match server {
        Some(_) => "that of the database server, and behind no record",
        None => "behind no record",
    };
    Ok(against_server
        .or(against_log)
        .unwrap_or_else(|| Finding::ok("clock", well)))
}
