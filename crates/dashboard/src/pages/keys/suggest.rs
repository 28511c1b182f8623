//! The least that a key's recorded requests needed.

use std::sync::Arc;

use actix_web::HttpResponse;
use askama::Template;
use chrono::TimeDelta;
use torvus_audit::{AuditFilter, AuditRecord, Cursor};
use torvus_authz::RouteTable;
use torvus_domain::{Category, KeyId, KeySnapshot, Plans, Timestamp};
use torvus_gate::span::{Recorded, Span};
use torvus_gate::suggest::{Needed, Proof};
use torvus_gate::traffic::{Traffic, in_force};
use torvus_keyring::KeyringError;
use torvus_storage::{Store, audit, chains, snapshots, usage};

use super::moment::grouped;
use super::query::encoded;
use super::view::{addresses, sentence, words};
use super::{LIST, own};
use crate::ask::Ask;
use crate::frame::{Frame, Section};
use crate::page::page;
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

/// How far back requests are looked at, and how many of them at most: somebody
/// waits for the answer.
const DAYS: i64 = 30;
const RECORDS_MAX: u64 = 20_000;
/// Records of one reading.
const AT_ONCE: u32 = 2_000;

#[derive(Template)]
#[template(path = "keys/suggest.html")]
struct SuggestPage {
    frame: Frame,
    id: String,
    name: String,
    basis: String,
    proposal: Option<Proposal>,
    proof: String,
    notes: Vec<String>,
    edit: Option<String>,
}

struct Proposal {
    permissions: String,
    had_permissions: String,
    addresses: String,
    had_addresses: String,
}

/// What came of looking at the traffic.
struct Found {
    key: KeySnapshot,
    narrowed: KeySnapshot,
    needed: Needed,
    proof: Proof,
    notes: Vec<String>,
    /// How many requests were counted and are not in the log.
    missing: u64,
    /// There were more than are looked at.
    cut: bool,
}

/// By what it is decided.
struct Rules {
    own: Arc<RouteTable>,
    forward: Arc<RouteTable>,
    plans: Arc<Plans>,
}

impl Found {
    fn of(store: &Store, rules: &Rules, id: KeyId, now: Timestamp) -> Result<Self, KeyringError> {
        let asked = now - TimeDelta::days(DAYS);
        let (found, pruned, counted) = store.read(|c| {
            let counted = usage::of_key(c, id, asked.date_naive(), now.date_naive())?;
            Ok((snapshots::of_key(c, id, now)?, chains::pruned(c)?, counted))
        })?;
        let pruned = pruned.iter().map(|pruned| pruned.before);
        let counted = counted.days.iter().map(|day| (day.date, day.all()));
        let mut span = Span::new(asked, now, pruned, counted);
        let none = || KeyringError::NotFound(format!("key {id}"));
        let key = in_force(found.into_iter().next().ok_or_else(none)?);
        let traffic = Traffic {
            own: &rules.own,
            forward: &rules.forward,
            plans: &rules.plans,
        };
        let (mut needed, mut proof) = (Needed::default(), Proof::default());
        let (recorded, read_from) = each(store, id, &span, |record| needed.add(&traffic, record))?;
        if let Some(at) = read_from {
            span.read_from(at);
        }
        let missing = span.missing(&recorded);
        let mut notes = span.notes(missing);
        notes.extend(needed.notes());
        let narrowed = needed.narrowed(&rules.plans, &key, &mut notes);
        each(store, id, &span, |record| {
            proof.add(&traffic, &narrowed, record)
        })?;
        Ok(Self {
            key,
            narrowed,
            needed,
            proof,
            notes,
            missing,
            cut: read_from.is_some(),
        })
    }

    /// Something is proposed: there was traffic, all of it is known, and passes.
    const fn proposes(&self) -> bool {
        self.needed.let_in() > 0 && self.missing == 0 && self.proof.refused() == 0
    }
}

/// Hands over the requests of a key, the newest first. What comes in after the
/// span's end is left aside, so that each reading is of the same. Says what was
/// recorded, and from where on that was read if not all of it was.
fn each(
    store: &Store,
    id: KeyId,
    span: &Span,
    mut take: impl FnMut(&AuditRecord),
) -> Result<(Recorded, Option<Timestamp>), KeyringError> {
    let mut recorded = Recorded::default();
    let mut filter = AuditFilter {
        key: Some(id),
        from: Some(span.from()),
        to: Some(span.counted_to()),
        category: Some(Category::ApiActivity),
        limit: Some(AT_ONCE),
        ..AuditFilter::default()
    };
    for _ in 0..RECORDS_MAX / u64::from(AT_ONCE) {
        let entries = store.read(|c| audit::list(c, &filter))?;
        for entry in &entries {
            recorded.add(entry.record.at);
            if entry.record.at < span.to() {
                take(&entry.record);
            }
        }
        match entries.last() {
            Some(last) if entries.len() >= AT_ONCE as usize => {
                filter.behind = Some(Cursor {
                    at: last.record.at,
                    id: last.record.id,
                });
            }
            _ => return Ok((recorded, None)),
        }
    }
    Ok((recorded, filter.behind.map(|behind| behind.at)))
}

/// Shows what would do.
pub(crate) async fn show(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let (key, now) = (own(site, &visitor, &ask).await?, ask.now);
    let id = key.id;
    let rules = Rules {
        own: site.parts.routes.load_full(),
        forward: site.parts.forward.load_full(),
        plans: site.parts.plans.load_full(),
    };
    site.settle().await;
    let turn = site.looking.soon().await?;
    let found = site
        .change(move |store| {
            let _turn = turn;
            Found::of(store, &rules, id, now)
        })
        .await?;
    let (was, is) = (&found.key.key, &found.narrowed.key);
    let proposed = found.proposes();
    let mut notes = found.notes.clone();
    if found.missing > 0 {
        notes.push("what they needed can't be known: nothing is proposed".to_owned());
    } else if found.proof.refused() > 0 {
        notes.push("some of its traffic can't be replayed: nothing is proposed".to_owned());
    }
    let same = was.permissions == is.permissions
        && was.allowed_ips.covers(&is.allowed_ips)
        && is.allowed_ips.covers(&was.allowed_ips);
    if proposed && same {
        notes.push("the key is as narrow as its traffic already".to_owned());
    }
    if found.cut {
        notes.push(format!(
            "it had more: these are its last {}; `torvus-admin key suggest` looks at all",
            grouped(RECORDS_MAX)
        ));
    }
    let editable = key.revoked_at.is_none();
    page(&SuggestPage {
        frame: ask.frame(&visitor, Section::Keys),
        id: id.to_string(),
        name: key.name.to_string(),
        basis: format!(
            "{} requests that were let in, on {} of the last {DAYS} days",
            grouped(found.needed.let_in()),
            found.needed.days()
        ),
        proposal: proposed.then(|| Proposal {
            permissions: words(is.permissions).join(", "),
            had_permissions: words(was.permissions).join(", "),
            addresses: addresses(&is.allowed_ips),
            had_addresses: addresses(&was.allowed_ips),
        }),
        proof: format!(
            "{} requests were decided on anew; {} of them would have been refused",
            grouped(found.proof.replayed()),
            grouped(found.proof.refused())
        ),
        notes: notes.iter().map(sentence).collect(),
        edit: (proposed && !same && editable).then(|| {
            let mut pairs = vec![("allowed_ips", is.allowed_ips.entries().join("\n"))];
            pairs.extend(
                is.permissions
                    .iter()
                    .map(|one| ("permissions", one.to_string())),
            );
            format!("{LIST}/{id}/edit?{}", encoded(pairs))
        }),
    })
}
