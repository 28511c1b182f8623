//! The recorded requests of a key, decided anew.

use std::time::Duration;

use chrono::TimeDelta;
use torvus_audit::{AuditFilter, AuditRecord};
use torvus_authz::{Route, RouteMatch, RouteTable};
use torvus_domain::{Category, KeyId, KeySnapshot, Outcome, Plans, Refusal, Secret, Timestamp};
use torvus_gate::{Recorded, replay};
use torvus_ratelimit::Limiter;
use torvus_storage::{Store, snapshots};

use crate::context::{Context, id};
use crate::failure::Failure;
use crate::progress::Progress;

/// The recorded requests of one key, within a span of time.
pub(super) struct Traffic<'a> {
    store: Store,
    /// The key in force, whatever became of it: what it may do is asked, not
    /// whether it is alive.
    pub(super) key: KeySnapshot,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    own: RouteTable,
    forward: &'a RouteTable,
    plans: &'a Plans,
}

impl<'a> Traffic<'a> {
    pub(super) fn of(context: &'a Context, text: &str, days: u16) -> Result<Self, Failure> {
        let key: KeyId = id("key", text)?;
        // What comes in from now on is left aside, so that each reading is of the same.
        let to = context.now();
        let store = context.store_with_all_records()?;
        let found = store.read(|c| snapshots::of_key(c, key, to))?;
        let none = || Failure::not_found(format!("there is no key {text}"));
        let plans = &context.settings.plans;
        let key = in_force(found.into_iter().next().ok_or_else(none)?);
        if plans.get(&key.account.plan).is_none() {
            let plan = &key.account.plan;
            return Err(Failure::failed(format!("the settings have no plan {plan}")));
        }
        Ok(Self {
            store,
            key,
            from: to - TimeDelta::days(i64::from(days)),
            to,
            own: RouteTable::torvus(),
            forward: &context.settings.routes,
            plans,
        })
    }

    /// Hands over each request, the oldest first; few are in memory at once.
    pub(super) fn each(&self, mut take: impl FnMut(&AuditRecord)) -> Result<(), Failure> {
        let filter = AuditFilter {
            key: Some(self.key.key.id),
            from: Some(self.from),
            to: Some(self.to),
            category: Some(Category::ApiActivity),
            oldest_first: true,
            ..AuditFilter::default()
        };
        let mut progress = Progress::start("replayed");
        let read = torvus_storage::audit::each(&self.store, filter, |entry| {
            progress.advance();
            take(&entry.record);
            Ok::<_, Failure>(())
        })?;
        progress.end();
        read
    }

    /// Where a request goes. A record does not say whether it was to Torvus
    /// itself or to the API behind the proxies: the template that it names
    /// tells, and where both have it, both are meant.
    pub(super) fn place(&self, record: &AuditRecord) -> Option<Place<'_>> {
        let (method, path) = (record.method.as_ref()?, record.path.as_ref()?);
        let pattern = record.route.as_ref()?;
        let tables = [&self.own, self.forward];
        let named = |found: &RouteMatch<'_>| match found {
            RouteMatch::Found { route, .. } => route.pattern == *pattern,
            _ => false,
        };
        let place = |found, moved| Some(Place { found, moved });
        let matches = tables.map(|table| table.find(method, path));
        let found: Vec<RouteMatch<'_>> = matches.into_iter().filter(named).collect();
        if !found.is_empty() {
            return place(found, false);
        }
        // A path is kept without what looks like a key: then the template decides.
        let wanted = if method == "HEAD" { "GET" } else { method };
        let routes = tables.into_iter().flat_map(RouteTable::routes);
        let found: Vec<RouteMatch<'_>> = routes
            .filter(|route| route.pattern == *pattern && route.method == wanted)
            .map(|route| RouteMatch::Found {
                route,
                params: Vec::new(),
            })
            .collect();
        match found.is_empty() {
            true => place(vec![self.own.find(method, path)], true),
            false => place(found, false),
        }
    }

    /// Decides on a request as if this were its key. The limit is held to
    /// where a meter is given.
    pub(super) fn decide(
        &self,
        key: &KeySnapshot,
        record: &AuditRecord,
        place: &Place<'_>,
        meter: Option<&mut Meter>,
    ) -> Result<(), Refusal> {
        let at = began(record);
        let (limiter, elapsed) = match meter {
            Some(meter) => meter.read(at),
            None => (None, Duration::ZERO),
        };
        let request = Recorded {
            found: place.strictest(key),
            client_ip: record.ip,
            at,
            elapsed,
        };
        replay(key, request, self.plans, limiter)
    }
}

/// Where a recorded request goes today.
pub(super) struct Place<'t> {
    /// At least one; more where the record does not tell which.
    found: Vec<RouteMatch<'t>>,
    /// It is not where it went: the routes have changed.
    pub(super) moved: bool,
}

impl<'t> Place<'t> {
    /// All routes that it may go to.
    pub(super) fn routes(&self) -> impl Iterator<Item = &'t Route> {
        self.found.iter().filter_map(|found| match found {
            RouteMatch::Found { route, .. } => Some(*route),
            _ => None,
        })
    }

    /// The one of them that asks for most.
    fn strictest(&self, key: &KeySnapshot) -> RouteMatch<'t> {
        let refuses = |found: &&RouteMatch<'_>| match found {
            RouteMatch::Found { route, .. } => route.permits(key.key.permissions).is_err(),
            _ => true,
        };
        let found = self.found.iter().find(refuses);
        let found = found.or_else(|| self.found.first());
        found.cloned().unwrap_or(RouteMatch::NotFound)
    }
}

/// Counts replayed requests against the limit, at the instants they came.
#[derive(Default)]
pub(super) struct Meter {
    limiter: Option<Limiter>,
    first: Option<Timestamp>,
    elapsed: Duration,
}

impl Meter {
    fn read(&mut self, at: Timestamp) -> (Option<&Limiter>, Duration) {
        let first = *self.first.get_or_insert(at);
        // Records are in the order of their ends; the clock does not run backwards.
        let since = (at - first).to_std().unwrap_or_default();
        self.elapsed = self.elapsed.max(since);
        let limiter = self.limiter.get_or_insert_with(Limiter::memory);
        (Some(limiter), self.elapsed)
    }
}

/// When the request of a record came in: the record is of its end.
fn began(record: &AuditRecord) -> Timestamp {
    let took = TimeDelta::microseconds(record.duration_us.unwrap_or(0));
    record.at.checked_sub_signed(took).unwrap_or(record.at)
}

/// Whether the gate let the request in. An answer that was cut off, or was a
/// fault of ours, counts as let in: its client had reason to ask.
pub(super) const fn was_let_in(record: &AuditRecord) -> bool {
    match record.outcome {
        Outcome::Ok
        | Outcome::NotOwner
        | Outcome::InvalidRequest
        | Outcome::Conflict
        | Outcome::PayloadTooLarge
        | Outcome::UnsupportedMediaType
        | Outcome::InternalError
        | Outcome::Unavailable
        | Outcome::Unknown => true,
        // By a handler, or because there is no route.
        Outcome::NotFound | Outcome::MethodNotAllowed => record.route.is_some(),
        Outcome::MissingKey
        | Outcome::MalformedKey
        | Outcome::UnknownKey
        | Outcome::ExpiredKey
        | Outcome::RevokedKey
        | Outcome::SuspendedAccount
        | Outcome::IpNotAllowed
        | Outcome::MissingPermission
        | Outcome::UntrustedProxy
        | Outcome::AmbiguousRequest
        | Outcome::WrongCredentials
        | Outcome::RateLimited
        | Outcome::UriTooLong
        | Outcome::HeadersTooLarge => false,
    }
}

fn in_force(mut found: KeySnapshot) -> KeySnapshot {
    found.key.revoked_at = None;
    found.key.expires_at = None;
    found.secret = Secret::FIRST;
    found.account.suspended_at = None;
    found.spent = Vec::new();
    found
}
