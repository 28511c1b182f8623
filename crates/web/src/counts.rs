//! What is counted of each request.

use metrics::{counter, histogram};
use torvus_audit::AuditRecord;

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

/// Counts a request, by names of which there are few.
pub(crate) fn request(record: &AuditRecord) {
    let sent = record.method.as_deref().unwrap_or_default();
    let known = METHODS.iter().find(|method| **method == sent);
    let route = record.route.clone().unwrap_or_else(|| "none".to_owned());
    let seconds = record.duration_us.unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a duration, for people")]
    let seconds = seconds as f64 / 1e6;
    histogram!(REQUEST_DURATION, "route" => route.clone()).record(seconds);
    counter!(
        REQUESTS,
        "route" => route,
        "method" => *known.unwrap_or(&"OTHER"),
        "status" => record.status.unwrap_or(0).to_string(),
        "outcome" => record.outcome.as_str(),
    )
    .increment(1);
}

/// Counts a request that has no record.
pub(crate) fn unrecorded() {
    counter!(UNRECORDED).increment(1);
}
