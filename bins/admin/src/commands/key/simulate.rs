//! `torvus-admin key simulate`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Value, json};
use torvus_audit::AuditRecord;
use torvus_domain::{IpAllowlist, KeySnapshot, Outcome, Refusal, Timestamp, rfc3339};
use torvus_gate::traffic::{Meter, Place, was_let_in};

use super::replay::Traffic;
use crate::cli::KeyChange;
use crate::context::{Context, value};
use crate::failure::Failure;
use crate::output;

/// How many groups are kept apart; further addresses are counted together.
const GROUPS_MAX: usize = 10_000;

pub(super) fn run(
    context: &Context,
    text: &str,
    change: &KeyChange,
    days: u16,
) -> Result<(), Failure> {
    let traffic = Traffic::of(context, text, days)?;
    let changed = changed(&traffic.key, change)?;
    let mut notes = notes(context, &changed, change);
    let mut meter = change.limit.is_some().then(Meter::default);
    let mut found = Found::default();
    let missing = traffic.each(|record| found.take(&traffic, &changed, record, meter.as_mut()))?;
    notes.extend(traffic.notes(missing));
    found.print(context, &traffic, &changed, &notes)
}

/// The key as it would be.
fn changed(key: &KeySnapshot, change: &KeyChange) -> Result<KeySnapshot, Failure> {
    let mut changed = key.clone();
    if let Some(text) = &change.permissions {
        changed.key.permissions = value("--permissions", text)?;
    }
    if !change.allow_ip.is_empty() {
        changed.key.allowed_ips = IpAllowlist::parse(&change.allow_ip.join(","))
            .map_err(|error| Failure::invalid(format!("--allow-ip: {error}")))?;
    }
    if let Some(text) = &change.limit {
        let limit: u32 = value("--limit", text)?;
        if limit == 0 {
            return Err(Failure::invalid("--limit: use at least 1 request per hour"));
        }
        changed.key.limit = Some(limit);
    }
    Ok(changed)
}

/// What the change itself would run into.
fn notes(context: &Context, changed: &KeySnapshot, change: &KeyChange) -> Vec<String> {
    let mut notes = Vec::new();
    let name = &changed.account.plan;
    let Some(plan) = context.settings.plans.get(name) else {
        return notes;
    };
    if !change.allow_ip.is_empty() && !plan.ip_allowlist {
        notes.push(format!(
            "the plan {name} has no address lists: it would have to be another one"
        ));
    }
    let most = plan.limit(changed.key.environment);
    if changed.key.limit.is_some_and(|limit| limit > most) {
        notes.push(format!(
            "the plan {name} allows {most} requests per hour: more than that was not simulated"
        ));
    }
    if change.limit.is_some() {
        notes.push(
            "the limit is held to from the first request on, as if nothing had been used before"
                .to_owned(),
        );
    }
    notes
}

/// What is told apart of what would break.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    method: String,
    route: String,
    /// None: of all addresses that are not told apart.
    ip: Option<IpAddr>,
    outcome: &'static str,
}

#[derive(Clone, Copy)]
struct Seen {
    count: u64,
    first: Timestamp,
    last: Timestamp,
}

#[derive(Default)]
struct Found {
    requests: u64,
    let_in: u64,
    breaks: BTreeMap<Group, Seen>,
    would_break: u64,
    already_refused: u64,
    would_pass: u64,
    moved: u64,
    unplaced: u64,
    without_address: u64,
}

impl Found {
    fn take(
        &mut self,
        traffic: &Traffic<'_>,
        changed: &KeySnapshot,
        record: &AuditRecord,
        meter: Option<&mut Meter>,
    ) {
        self.requests += 1;
        let let_in = was_let_in(record);
        self.let_in += u64::from(let_in);
        let limited = meter.is_some();
        let rules = traffic.rules();
        let Some(place) = rules.place(record) else {
            self.unplaced += u64::from(let_in);
            // The limit comes before the route: what has none uses it up, too.
            if limited {
                let _refused = rules.decide(changed, record, &Place::nowhere(), meter);
            }
            return;
        };
        self.moved += u64::from(let_in && place.moved());
        self.without_address += u64::from(let_in && record.ip.is_none());
        let after = rules.decide(changed, record, &place, meter);
        match after {
            Err(refusal) if let_in => {
                // Where the key of today refuses it, too, it is not the change that does.
                if rules.decide(&traffic.key, record, &place, None).is_err() {
                    self.already_refused += 1;
                } else {
                    self.note(record, &refusal);
                }
            }
            Ok(()) if !let_in => {
                let gained = match record.outcome {
                    Outcome::IpNotAllowed | Outcome::MissingPermission => true,
                    Outcome::RateLimited => limited,
                    _ => false,
                };
                self.would_pass += u64::from(gained);
            }
            _ => {}
        }
    }

    fn note(&mut self, record: &AuditRecord, refusal: &Refusal) {
        self.would_break += 1;
        let mut group = Group {
            method: record.method.clone().unwrap_or_default(),
            route: record.route.clone().unwrap_or_default(),
            ip: record.ip,
            outcome: refusal.outcome().as_str(),
        };
        if self.breaks.len() >= GROUPS_MAX && !self.breaks.contains_key(&group) {
            group.ip = None;
        }
        let at = record.at;
        let seen = self.breaks.entry(group).or_insert(Seen {
            count: 0,
            first: at,
            last: at,
        });
        seen.count += 1;
        seen.last = at;
    }

    fn print(
        self,
        context: &Context,
        traffic: &Traffic<'_>,
        changed: &KeySnapshot,
        notes: &[String],
    ) -> Result<(), Failure> {
        let mut breaks: Vec<(Group, Seen)> = self.breaks.into_iter().collect();
        breaks.sort_by(|a, b| b.1.count.cmp(&a.1.count).then_with(|| a.0.cmp(&b.0)));
        if context.json {
            return output::json(&json!({
                "key_id": traffic.key.key.id,
                "from": rfc3339(traffic.from),
                "to": rfc3339(traffic.to),
                "simulated": {
                    "permissions": changed.key.permissions,
                    "allowed_ips": changed.key.allowed_ips,
                    "limit": changed.key.limit,
                },
                "requests": self.requests,
                "let_in": self.let_in,
                "would_break": self.would_break,
                "already_refused": self.already_refused,
                "would_pass": self.would_pass,
                "route_changed": self.moved,
                "route_unknown": self.unplaced,
                "address_unknown": self.without_address,
                "notes": notes,
                "breaks": breaks.iter().map(group_json).collect::<Vec<_>>(),
            }));
        }
        output::fields(&[
            (
                "requests",
                format!("{}, {} of them let in", self.requests, self.let_in),
            ),
            ("since", rfc3339(traffic.from)),
            ("would be refused", self.would_break.to_string()),
            (
                "refused by the key as it is",
                self.already_refused.to_string(),
            ),
            ("would be let in instead", self.would_pass.to_string()),
            ("route has changed", self.moved.to_string()),
            (
                "route or address unknown",
                (self.unplaced + self.without_address).to_string(),
            ),
        ])?;
        notes
            .iter()
            .for_each(|note| output::note(&format!("note: {note}")));
        if breaks.is_empty() {
            return Ok(());
        }
        output::lines(&[String::new()])?;
        output::table(
            &[
                "method",
                "route",
                "address",
                "would be",
                "requests",
                "first seen",
                "last seen",
            ],
            breaks.iter().map(group_row).collect(),
        )
    }
}

fn group_json((group, seen): &(Group, Seen)) -> Value {
    json!({
        "method": group.method,
        "route": group.route,
        "ip": group.ip,
        "outcome": group.outcome,
        "count": seen.count,
        "first_seen": rfc3339(seen.first),
        "last_seen": rfc3339(seen.last),
    })
}

fn group_row((group, seen): &(Group, Seen)) -> Vec<String> {
    vec![
        group.method.clone(),
        group.route.clone(),
        group
            .ip
            .map_or_else(|| "others".to_owned(), |ip| ip.to_string()),
        group.outcome.to_owned(),
        seen.count.to_string(),
        rfc3339(seen.first),
        rfc3339(seen.last),
    ]
}
