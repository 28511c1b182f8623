//! `torvus-admin doctor`: what is wrong with this installation, and what to do.

mod contents;
mod database;
mod files;
mod finding;
mod pepper;
mod servers;

use finding::{Finding, Level};
use torvus_storage::{StorageError, Store};

use crate::context::Context;
use crate::failure::Failure;
use crate::output;

/// Looks for one kind of fault in a database that can be used.
type Check = fn(&Context, &Store) -> Result<Finding, StorageError>;

const CHECKS: [Check; 7] = [
    database::clock,
    servers::journal,
    servers::alive,
    servers::changes,
    contents::plans,
    contents::expiry,
    contents::expiring,
];

pub(super) fn run(context: &Context) -> Result<(), Failure> {
    let findings = look(context);
    let faults = findings
        .iter()
        .filter(|finding| finding.level == Level::Fault)
        .count();
    if context.json {
        output::json_list(findings.iter().map(Finding::json).collect())?;
    } else {
        output::table(
            &["check", "result", "what", "what to do"],
            findings.iter().map(Finding::row).collect(),
        )?;
    }
    if faults == 0 {
        Ok(())
    } else {
        Err(Failure::failed(format!(
            "{faults} of these checks found a fault"
        )))
    }
}

/// Looks at everything, whatever is found on the way.
fn look(context: &Context) -> Vec<Finding> {
    let mut findings = files::look(context);
    findings.push(contents::proxies(context));
    let store = match database::open(context) {
        Ok(store) => {
            findings.push(Finding::ok("database", "reachable, and of this version"));
            Some(store)
        }
        Err(finding) => {
            findings.push(finding);
            None
        }
    };
    findings.push(pepper::look(context, store.as_ref()));
    if let Some(store) = &store {
        let checks = CHECKS.into_iter();
        findings.extend(checks.map(|check| check(context, store).unwrap_or_else(unread)));
    }
    findings
}

/// The database went away while it was looked at, or holds what it should not.
fn unread(error: StorageError) -> Finding {
    Finding::fault(
        "database",
        Failure::from(error).message,
        "check that the database runs, and run doctor again",
    )
}
