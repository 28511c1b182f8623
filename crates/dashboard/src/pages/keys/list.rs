//! The list of an account's keys.

use actix_web::HttpResponse;
use askama::Template;
use torvus_storage::key_pages::{self, Attention, Edge, KeyCounts, KeySort, Place};

use super::LIST;
use super::moment::grouped;
use super::query::{ListQuery, PAGE};
use super::view::{KeyView, PlanView};
use crate::ask::Ask;
use crate::frame::{Frame, Section};
use crate::page::page;
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "keys/list.html")]
struct ListPage {
    frame: Frame,
    query: ListQuery,
    counts: KeyCounts,
    tiles: Vec<Tile>,
    choices: Vec<Choice>,
    /// What goes along with the form though it has no field there.
    kept: Vec<(&'static str, String)>,
    filtered: bool,
    columns: Vec<Column>,
    order: String,
    keys: Vec<KeyView>,
    shown: String,
    previous: Option<String>,
    next: Option<String>,
}

/// A number that leads to the keys that it counts.
struct Tile {
    label: &'static str,
    count: String,
    note: &'static str,
    href: String,
    current: bool,
}

/// A field of the form with its values and their words.
struct Choice {
    name: &'static str,
    label: &'static str,
    value: String,
    options: &'static [(&'static str, &'static str)],
}

struct Column {
    label: &'static str,
    href: Option<String>,
    sorted: Option<&'static str>,
    arrow: Option<&'static str>,
}

/// Shows the list.
pub(crate) async fn show(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let query = ListQuery::read(&ask.query());
    let (account, now) = (visitor.account.id, ask.now);
    let (filter, cut) = (query.filter(), query.page());
    let (mut keys, counts) = site
        .parts
        .store
        .run_read(move |c| {
            let keys = key_pages::list(c, account, &filter, &cut, now)?;
            Ok((keys, key_pages::count(c, account, now)?))
        })
        .await?;
    let more = keys.len() > PAGE;
    let backwards = matches!(query.from, Some(Edge::Before(_)));
    if more && backwards {
        keys.remove(0);
    }
    keys.truncate(PAGE);
    let turn = |edge: Option<Edge>| {
        edge.map(|from| {
            ListQuery {
                from: Some(from),
                ..query.clone()
            }
            .href()
        })
    };
    let first = keys
        .first()
        .map(|key| Edge::Before(Place::of(key, query.sort)));
    let last = keys
        .last()
        .map(|key| Edge::After(Place::of(key, query.sort)));
    let (before, after) = match &query.from {
        None => (false, more),
        Some(Edge::After(_)) => (true, more),
        Some(Edge::Before(_)) => (more, true),
    };
    let plans = site.parts.plans.load();
    let has_lists =
        PlanView::of(&visitor.account, &plans, None).is_ok_and(|plan| plan.ip_allowlist);
    page(&ListPage {
        frame: ask.frame(&visitor, Section::Keys),
        tiles: tiles(&query, &counts, has_lists),
        choices: choices(&query),
        kept: kept(&query),
        filtered: query.filtered(),
        columns: columns(&query),
        order: order(&query),
        shown: shown(keys.len(), &counts),
        keys: keys.iter().map(|key| KeyView::of(key, now)).collect(),
        previous: turn(first.filter(|_| before)),
        next: turn(last.filter(|_| after)),
        query,
        counts,
    })
}

fn tiles(query: &ListQuery, counts: &KeyCounts, has_lists: bool) -> Vec<Tile> {
    let tile = |label, count, note, look| {
        let wanted = ListQuery {
            look: Some(look),
            sort: query.sort,
            descending: query.descending,
            ..ListQuery::default()
        };
        Tile {
            label,
            count: grouped(count),
            note,
            current: query.look == Some(look),
            href: wanted.href(),
        }
    };
    let active = ListQuery {
        state: Some(torvus_domain::KeyState::Active),
        sort: query.sort,
        descending: query.descending,
        ..ListQuery::default()
    };
    let mut tiles = vec![
        Tile {
            label: "Active",
            count: grouped(counts.active),
            note: "can be used now",
            current: query.state == active.state && query.look.is_none(),
            href: active.href(),
        },
        tile(
            "Ending soon",
            counts.ends_soon,
            "within 30 days",
            Attention::EndsSoon,
        ),
        tile(
            "No end",
            counts.never_expires,
            "good until revoked",
            Attention::NeverExpires,
        ),
        tile("Idle", counts.idle, "not used for 90 days", Attention::Idle),
    ];
    if has_lists {
        tiles.push(tile(
            "No IP list",
            counts.any_address,
            "usable from anywhere",
            Attention::AnyAddress,
        ));
    }
    tiles.push(Tile {
        label: "Wider than needed",
        count: "Check".to_owned(),
        note: "by the traffic of 30 days",
        href: format!("{LIST}/wider"),
        current: false,
    });
    tiles
}

fn choices(query: &ListQuery) -> Vec<Choice> {
    let text = |one: Option<String>| one.unwrap_or_default();
    vec![
        Choice {
            name: "environment",
            label: "Environment",
            value: text(query.environment.map(|one| one.to_string())),
            options: &[("", "Any"), ("live", "Live"), ("test", "Test")],
        },
        Choice {
            name: "state",
            label: "Status",
            value: query.state_name().to_owned(),
            options: &[
                ("", "Any"),
                ("active", "Active"),
                ("expired", "Expired"),
                ("revoked", "Revoked"),
            ],
        },
        Choice {
            name: "permission",
            label: "Permission",
            value: text(query.permission.map(|one| one.to_string())),
            options: &[
                ("", "Anything"),
                ("read", "Read"),
                ("write", "Write"),
                ("delete", "Delete"),
            ],
        },
        Choice {
            name: "look",
            label: "Needs attention",
            value: query.look_name().to_owned(),
            options: &[
                ("", "All"),
                ("ending", "Ending soon"),
                ("never-expires", "No end"),
                ("idle", "Idle"),
                ("any-address", "No IP list"),
            ],
        },
    ]
}

fn kept(query: &ListQuery) -> Vec<(&'static str, String)> {
    query.order_pairs()
}

fn columns(query: &ListQuery) -> Vec<Column> {
    let plain = |label| Column {
        label,
        href: None,
        sorted: None,
        arrow: None,
    };
    let sorted = |label, sort| {
        let current = query.sort == sort;
        let natural = matches!(sort, KeySort::Created | KeySort::LastUsed);
        let other = ListQuery {
            sort,
            descending: if current { !query.descending } else { natural },
            from: None,
            ..query.clone()
        };
        let (word, arrow) = match query.descending {
            true => ("descending", "↓"),
            false => ("ascending", "↑"),
        };
        Column {
            label,
            href: Some(other.href()),
            sorted: current.then_some(word),
            arrow: current.then_some(arrow),
        }
    };
    vec![
        sorted("Name", KeySort::Name),
        plain("Key"),
        plain("Permissions"),
        sorted("Last used", KeySort::LastUsed),
        sorted("Expires", KeySort::Expires),
        sorted("Created", KeySort::Created),
        plain("Status"),
    ]
}

/// The order in words.
fn order(query: &ListQuery) -> String {
    let words = match (query.sort, query.descending) {
        (KeySort::Created, true) => "the newest first",
        (KeySort::Created, false) => "the oldest first",
        (KeySort::Name, false) => "by name, from A to Z",
        (KeySort::Name, true) => "by name, from Z to A",
        (KeySort::LastUsed, true) => "the last used first",
        (KeySort::LastUsed, false) => "the last used at the end",
        (KeySort::Expires, false) => "the first to end first",
        (KeySort::Expires, true) => "the last to end first",
    };
    words.to_owned()
}

fn shown(here: usize, counts: &KeyCounts) -> String {
    let keys = |count: u64| match count {
        1 => "1 key".to_owned(),
        count => format!("{} keys", grouped(count)),
    };
    let here = u64::try_from(here).unwrap_or(u64::MAX);
    match here == counts.all {
        true => keys(here),
        false => format!(
            "{} on this page, {} in all",
            keys(here),
            grouped(counts.all)
        ),
    }
}
