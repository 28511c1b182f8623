//! What is counted of each request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};
use torvus_audit::AuditRecord;
use torvus_authz::Route;
use torvus_domain::Outcome;

/// Requests that were answered: `route`, `method`, `status`, `outcome`.
pub const REQUESTS: &str = "http_requests_total";
/// From the head of a request to its recorded answer, in seconds: `route`.
pub const REQUEST_DURATION: &str = "http_request_duration_seconds";
/// Requests that were answered 503 because they could not be recorded.
pub const UNRECORDED: &str = "torvus_unrecorded_requests_total";

/// The methods of RFC 9110, section 9, and RFC 5789. Anybody may invent more:
/// those share one name.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE",
];

/// A request that is about to be answered, by names of which there are few.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Count {
    route: Option<Arc<Route>>,
    method: &'static str,
    status: u16,
    outcome: Outcome,
}

/// Where requests of one kind are counted.
struct Counters {
    requests: Counter,
    duration: Histogram,
}

thread_local! {
    /// To name a counter costs more than to count: what was named once is kept,
    /// by each thread for itself. There are as many as are exported anyway.
    static KNOWN: RefCell<HashMap<Count, Counters>> = RefCell::default();
}

impl Count {
    pub(crate) fn of(record: &AuditRecord, route: Option<Arc<Route>>) -> Self {
        let sent = record.method.as_deref().unwrap_or_default();
        let known = METHODS.iter().find(|method| **method == sent);
        Self {
            route,
            method: known.unwrap_or(&"OTHER"),
            status: record.status.unwrap_or(0),
            outcome: record.outcome,
        }
    }

    /// It could not be recorded, so the answer is another one.
    pub(crate) fn unrecorded(&mut self) {
        counter!(UNRECORDED).increment(1);
        (self.status, self.outcome) = (503, Outcome::Unavailable);
    }

    /// It is answered, so long after its head.
    pub(crate) fn answered(self, took: Duration) {
        KNOWN.with_borrow_mut(|known| {
            let counters = known.entry(self).or_insert_with_key(Counters::of);
            counters.requests.increment(1);
            counters.duration.record(took.as_secs_f64());
        });
    }
}

impl Counters {
    fn of(count: &Count) -> Self {
        let route = count.route.as_ref();
        let route = route.map_or_else(|| "none".to_owned(), |route| route.pattern.clone());
        Self {
            duration: histogram!(REQUEST_DURATION, "route" => route.clone()),
            requests: counter!(
                REQUESTS,
                "route" => route,
                "method" => count.method,
                "status" => count.status.to_string(),
                "outcome" => count.outcome.as_str(),
            ),
        }
    }
}
