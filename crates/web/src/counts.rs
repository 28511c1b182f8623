//! What is counted of each request.

use std::time::Duration;

use metrics::{counter, histogram};
use torvus_audit::AuditRecord;
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
pub(crate) struct Count {
    route: String,
    method: &'static str,
    status: u16,
    outcome: Outcome,
}

impl Count {
    pub(crate) fn of(record: &AuditRecord) -> Self {
        let sent = record.method.as_deref().unwrap_or_default();
        let known = METHODS.iter().find(|method| **method == sent);
        Self {
            route: record.route.clone().unwrap_or_else(|| "none".to_owned()),
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
        histogram!(REQUEST_DURATION, "route" => self.route.clone()).record(took.as_secs_f64());
        counter!(
            REQUESTS,
            "route" => self.route,
            "method" => self.method,
            "status" => self.status.to_string(),
            "outcome" => self.outcome.as_str(),
        )
        .increment(1);
    }
}
