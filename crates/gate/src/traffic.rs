//! The recorded requests of a key, decided anew: what a change would break, and
//! what the key could do without.

use std::time::Duration;

use chrono::TimeDelta;
use torvus_audit::AuditRecord;
use torvus_authz::{Route, RouteMatch, RouteTable};
use torvus_domain::{KeySnapshot, Outcome, Plans, Refusal, Secret, Timestamp};
use torvus_ratelimit::Limiter;

use crate::{Recorded, replay};

/// What recorded requests are decided by.
#[derive(Clone, Copy, Debug)]
pub struct Traffic<'a> {
    /// The routes of Torvus itself.
    pub own: &'a RouteTable,
    /// Those of the API behind the proxies.
    pub forward: &'a RouteTable,
    /// The plans.
    pub plans: &'a Plans,
}

impl<'a> Traffic<'a> {
    /// Where a request goes. A record does not say whether it was to Torvus
    /// itself or to the API behind the proxies: the template that it names
    /// tells, and where both have it, both are meant.
    #[must_use]
    pub fn place(&self, record: &AuditRecord) -> Option<Place<'a>> {
        let (method, path) = (record.method.as_ref()?, record.path.as_ref()?);
        let pattern = record.route.as_ref()?;
        let tables = [self.own, self.forward];
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
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn decide(
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
#[derive(Clone, Debug)]
pub struct Place<'t> {
    /// At least one; more where the record does not tell which.
    found: Vec<RouteMatch<'t>>,
    moved: bool,
}

impl<'t> Place<'t> {
    /// It is not where it went: the routes have changed.
    #[must_use]
    pub const fn moved(&self) -> bool {
        self.moved
    }

    /// All routes that it may go to.
    pub fn routes(&self) -> impl Iterator<Item = &'t Route> {
        self.found.iter().filter_map(|found| match found {
            RouteMatch::Found { route, .. } => Some(&***route),
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
pub struct Meter {
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
#[must_use]
pub const fn was_let_in(record: &AuditRecord) -> bool {
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

/// The key as if it were alive and unused, whatever became of it: what it may
/// do is asked.
#[must_use]
pub fn in_force(mut found: KeySnapshot) -> KeySnapshot {
    found.key.revoked_at = None;
    found.key.expires_at = None;
    found.secret = Secret::FIRST;
    found.account.suspended_at = None;
    found.spent = Vec::new();
    found
}
