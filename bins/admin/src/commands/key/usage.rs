//! `torvus-admin key usage`.

use chrono::Days;
use serde_json::json;
use torvus_domain::rfc3339;
use torvus_storage::usage;

use super::found;
use super::secrets::Secrets;
use crate::context::Context;
use crate::failure::Failure;
use crate::{output, view};

pub(super) fn run(context: &Context, text: &str, days: u16) -> Result<(), Failure> {
    let store = context.store_with_all_records()?;
    let key = found(&store, text)?;
    let today = context.now().date_naive();
    let from = today
        .checked_sub_days(Days::new(u64::from(days) - 1))
        .unwrap_or(today);
    let usage = store.read(|c| usage::of_key(c, key.id, from, today))?;
    let secrets = Secrets::of(&store, &key)?;
    let days = usage.days.iter().map(|day| {
        json!({
            "date": day.date.to_string(),
            "ok": day.ok,
            "client_errors": day.client_errors,
            "rate_limited": day.rate_limited,
            "server_errors": day.server_errors,
        })
    });
    if context.json {
        return output::json(&json!({
            "total_requests": usage.total_requests,
            "billable_requests": usage.billable_requests,
            "error_rate": usage.error_rate(),
            "last_used_at": key.last_used_at.map(rfc3339),
            "requests_by_endpoint": usage.endpoints.iter().map(|endpoint| json!({
                "method": endpoint.method, "route": endpoint.route, "count": endpoint.count,
            })).collect::<Vec<_>>(),
            "ip_addresses": usage.addresses.iter().map(|address| json!({
                "ip": address.ip, "count": address.count,
                "first_seen": rfc3339(address.first_seen), "last_seen": rfc3339(address.last_seen),
            })).collect::<Vec<_>>(),
            "days": days.collect::<Vec<_>>(),
            "secrets": secrets.json(context.now()),
        }));
    }
    output::fields(&[
        ("total requests", usage.total_requests.to_string()),
        ("billable requests", usage.billable_requests.to_string()),
        ("error rate", format!("{:.1} %", usage.error_rate() * 100.0)),
        ("last used", view::when(key.last_used_at, "never")),
    ])?;
    let none = || "-".to_owned();
    let row = |e: &usage::EndpointUsage| {
        vec![
            e.method.clone().unwrap_or_else(none),
            e.route.clone().unwrap_or_else(none),
            e.count.to_string(),
        ]
    };
    output::table(
        &["method", "endpoint", "requests"],
        usage.endpoints.iter().map(row).collect(),
    )?;
    let row = |a: &usage::AddressUsage| {
        vec![
            a.ip.to_string(),
            a.count.to_string(),
            rfc3339(a.first_seen),
            rfc3339(a.last_seen),
        ]
    };
    output::table(
        &["address", "requests", "first seen", "last seen"],
        usage.addresses.iter().map(row).collect(),
    )?;
    if usage.other_addresses > 0 {
        output::note(&format!(
            "note: {} more requests came from other addresses: each day, the first 1,000 are \
             counted by themselves",
            usage.other_addresses
        ));
    }
    secrets.print(context.now())
}
