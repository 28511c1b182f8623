//! The servers on this database, what they are about, and what they recorded.

use chrono::TimeDelta;
use torvus_domain::rfc3339;
use torvus_storage::indexing::{self, IndexError};
use torvus_storage::{StorageError, Store, backlog, leases, nodes};

use super::finding::Finding;
use crate::commands::audit::no_server_writes;
use crate::context::Context;

/// A server tells each minute that it lives.
const SILENT: TimeDelta = TimeDelta::minutes(2);
/// A change takes moments, and at most until the slowest lease has run out.
const CHANGE: TimeDelta = TimeDelta::seconds(10);

pub(super) fn alive(context: &Context, store: &Store) -> Result<Finding, StorageError> {
    let lately = context.now() - SILENT;
    let (all, waited_for) = store.read(|c| Ok((nodes::all(c)?, leases::list(c)?)))?;
    let (live, silent): (Vec<_>, Vec<_>) = all.into_iter().partition(|node| node.seen_at >= lately);
    let live = format!("{} alive within the last two minutes", live.len());
    let Some(last) = silent.iter().max_by_key(|node| node.seen_at) else {
        return Ok(Finding::ok("servers", live));
    };
    let holding = |node: &&nodes::Node| waited_for.iter().any(|(id, _)| *id == node.id);
    let waited = match silent.iter().filter(holding).count() {
        0 => String::new(),
        n => format!("; the next change waits a second for {n} of them"),
    };
    Ok(Finding::warning(
        "servers",
        format!(
            "{live}, {} silent, the last one since {} ({}){waited}",
            silent.len(),
            rfc3339(last.seen_at),
            last.id,
        ),
        "see whether it hangs or lost the database, and start it again; one that was killed is \
         forgotten a day later",
    ))
}

pub(super) fn changes(context: &Context, store: &Store) -> Result<Finding, StorageError> {
    let now = context.now();
    Ok(match store.read(leases::under_way)? {
        Some((count, since)) if now - since > CHANGE => Finding::warning(
            "changes",
            format!("{count} under way, the oldest since {}", rfc3339(since)),
            "a command or server ended in the middle of it: make the change again; a running server \
             ends what was left behind within two minutes",
        ),
        Some((count, _)) => Finding::ok("changes", format!("{count} under way")),
        None => Finding::ok("changes", "none under way"),
    })
}

/// What a server on this machine recorded, and nobody moved into the tables.
pub(super) fn journal(context: &Context, store: &Store) -> Result<Finding, StorageError> {
    let folder = context.settings.journal();
    if !folder.is_dir() {
        return Ok(Finding::ok("journal", "none yet"));
    }
    let unreadable = |error: &dyn std::fmt::Display| {
        let advice = "see who owns the folder `journal`, and whether the disk is well";
        Finding::fault("journal", error, advice)
    };
    let waiting = match backlog::count(store, &folder) {
        Ok(waiting) => waiting,
        Err(IndexError::Storage(error)) => return Err(error),
        Err(error) => return Ok(unreadable(&error)),
    };
    let aside = match indexing::damaged(&folder) {
        Ok(files) => files,
        Err(error) => return Ok(unreadable(&error)),
    };
    let at_work = folder.join("lock").exists() && !no_server_writes(&folder);
    if at_work {
        return Ok(match aside.first() {
            None => Finding::ok(
                "journal",
                format!(
                    "{} records wait for the server to index them",
                    waiting.records
                ),
            ),
            Some(file) => set_aside(&file.display().to_string()),
        });
    }
    Ok(if waiting.broken > 0 {
        Finding::warning(
            "journal",
            format!(
                "{} records wait to be indexed, no server runs, and {} files end in what is no record",
                waiting.records, waiting.broken
            ),
            "start torvus-api: it indexes what is whole, and says what it leaves out",
        )
    } else if waiting.records > 0 {
        Finding::warning(
            "journal",
            format!(
                "{} records wait to be indexed, and no server runs",
                waiting.records
            ),
            "start torvus-api, or let any `torvus-admin audit` command move them",
        )
    } else {
        match aside.first() {
            Some(file) => set_aside(&file.display().to_string()),
            None => Finding::ok("journal", "all of it is indexed"),
        }
    })
}

fn set_aside(file: &str) -> Finding {
    Finding::warning(
        "journal",
        format!("{file} was found damaged and set aside"),
        "keep it elsewhere and find out who changed it: records in it are in no table",
    )
}
