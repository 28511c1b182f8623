//! Which records are wanted, as it stands on the command line.

use std::str::FromStr;

use torvus_audit::AuditFilter;

use crate::cli::Filters;
use crate::context::{id, instant, value};
use crate::failure::Failure;

pub(super) fn filter(filters: &Filters) -> Result<AuditFilter, Failure> {
    Ok(AuditFilter {
        account: named("account", filters.account.as_ref())?,
        key: named("key", filters.key.as_ref())?,
        from: instant("--from", filters.from.as_ref())?,
        to: instant("--to", filters.to.as_ref())?,
        status: read("--status", filters.status.as_ref())?,
        outcome: read("--outcome", filters.outcome.as_ref())?,
        category: read("--category", filters.category.as_ref())?,
        method: filters.method.as_deref().map(str::to_ascii_uppercase),
        environment: read("--environment", filters.environment.as_ref())?,
        route: filters.route.clone(),
        path: filters.path.clone(),
        ip: read("--ip", filters.ip.as_ref())?,
        request: named("request", filters.request_id.as_ref())?,
        limit: filters.limit,
        oldest_first: false,
        behind: None,
        until: None,
    })
}

fn read<T: FromStr>(name: &str, text: Option<&String>) -> Result<Option<T>, Failure>
where
    T::Err: std::fmt::Display,
{
    text.map(|text| value(name, text)).transpose()
}

fn named<T: FromStr>(what: &str, text: Option<&String>) -> Result<Option<T>, Failure> {
    text.map(|text| id(what, text)).transpose()
}
