//! What would have become of a request that was recorded.

use std::net::IpAddr;
use std::time::Duration;

use torvus_authz::RouteMatch;
use torvus_domain::{Instants, KeySnapshot, Plans, Refusal, Timestamp};
use torvus_ratelimit::Limiter;

use crate::decision::{Asked, Rules, decide};
use crate::trace::Untraced;

/// A request as a record tells of it.
#[derive(Clone, Debug)]
pub struct Recorded<'a> {
    /// Where it goes.
    pub found: RouteMatch<'a>,
    /// Where it came from.
    pub client_ip: Option<IpAddr>,
    /// When it came.
    pub at: Timestamp,
    /// How long that was after the first one that is replayed with the same
    /// limiter.
    pub elapsed: Duration,
}

/// Decides on a recorded request as if this were its key, by the very rules of
/// [`Gate::check`](crate::Gate::check). It is counted on the limiter that is
/// given; none: its budget is whole.
///
/// # Errors
/// Why it would have been refused.
pub fn replay(
    snapshot: &KeySnapshot,
    request: Recorded<'_>,
    plans: &Plans,
    limiter: Option<&Limiter>,
) -> Result<(), Refusal> {
    let asked = Asked {
        environment: Some(snapshot.key.environment),
        client_ip: request.client_ip,
        now: Instants {
            wall: request.at,
            monotonic: request.elapsed,
        },
        found: request.found,
    };
    let fresh;
    let limiter = match limiter {
        Some(limiter) => limiter,
        None => {
            fresh = Limiter::memory();
            &fresh
        }
    };
    let rules = Rules { plans, limiter };
    match decide(snapshot, asked, rules, &mut Untraced) {
        Ok(_) => Ok(()),
        Err(denied) => Err(denied.refusal),
    }
}
