//! Keys with permissions that nobody asked for.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use askama::Template;
use torvus_authz::RouteTable;
use torvus_domain::{ApiKey, KeyId, Permission, PermissionSet};
use torvus_storage::{keys, usage};

use super::moment::grouped;
use super::usage::first_day;
use super::view::word;
use crate::ask::Ask;
use crate::frame::{Frame, Section};
use crate::page::page;
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

/// How many are shown.
const ROWS: usize = 200;

#[derive(Template)]
#[template(path = "keys/wider.html")]
struct WiderPage {
    frame: Frame,
    rows: Vec<Row>,
    more: Option<String>,
}

struct Row {
    id: String,
    name: String,
    has: String,
    asked: String,
    spare: String,
}

/// Shows them.
pub(crate) async fn show(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let (account, now) = (visitor.account.id, ask.now);
    let from = first_day(now.date_naive());
    let (keys, used) = site
        .parts
        .store
        .run_read(move |c| {
            let used = usage::endpoints_of_account(c, account, from)?;
            Ok((keys::list(c, Some(account), false, now)?, used))
        })
        .await?;
    let tables = [
        site.parts.routes.load_full(),
        site.parts.forward.load_full(),
    ];
    let mut asked: BTreeMap<String, Vec<Permission>> = BTreeMap::new();
    for (key, method, route) in used {
        let needs = asked.entry(KeyId::to_string(&key)).or_default();
        needs.extend(
            tables
                .iter()
                .flat_map(|table| needed(table, &method, &route)),
        );
    }
    let mut rows: Vec<Row> = keys
        .iter()
        .filter_map(|key| row(key, asked.get(&key.id.to_string())?))
        .collect();
    rows.sort_by_key(|row| row.name.to_lowercase());
    let more = rows.len().checked_sub(ROWS).filter(|more| *more > 0);
    rows.truncate(ROWS);
    page(&WiderPage {
        frame: ask.frame(&visitor, Section::Keys),
        rows,
        more: more.map(|more| {
            let more = u64::try_from(more).unwrap_or(u64::MAX);
            format!("And {} more.", grouped(more))
        }),
    })
}

/// What a request to this route needs.
fn needed(table: &RouteTable, method: &str, route: &str) -> Option<Permission> {
    let method = if method == "HEAD" { "GET" } else { method };
    let mut routes = table.routes().iter();
    let found = routes.find(|one| one.method == method && one.pattern == route);
    found.and_then(|route| route.permission)
}

fn row(key: &ApiKey, asked: &[Permission]) -> Option<Row> {
    let asked = PermissionSet::new(asked.iter().copied());
    let was_asked = |one: &Permission| asked.is_some_and(|asked| asked.contains(*one));
    let (used, spare): (Vec<_>, Vec<_>) = key.permissions.iter().partition(was_asked);
    if spare.is_empty() {
        return None;
    }
    let told = |some: &[Permission]| match some {
        [] => "None".to_owned(),
        some => some
            .iter()
            .map(|one| word(*one))
            .collect::<Vec<_>>()
            .join(", "),
    };
    Some(Row {
        id: key.id.to_string(),
        name: key.name.to_string(),
        has: told(&key.permissions.iter().collect::<Vec<_>>()),
        asked: told(&used),
        spare: told(&spare),
    })
}
