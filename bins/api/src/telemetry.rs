//! Metrics, in Prometheus' text format.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::failure::Failure;

/// Bounds of the durations that are told apart, in seconds.
const SECONDS: [f64; 11] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
];

/// Starts to count, from here on and for the whole process.
pub(crate) fn start() -> Result<PrometheusHandle, Failure> {
    let duration = Matcher::Full(torvus_web::REQUEST_DURATION.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(duration, &SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::new(format!("metrics can't be counted: {error}")))?;
    describe_counter!(
        torvus_web::REQUESTS,
        "Requests that were answered, by route, method, status and outcome"
    );
    describe_histogram!(
        torvus_web::REQUEST_DURATION,
        Unit::Seconds,
        "From the head of a request to its recorded answer, by route"
    );
    describe_counter!(
        torvus_web::UNRECORDED,
        "Requests that were answered 503 because they could not be recorded"
    );
    describe_counter!(
        "torvus_http_rejected_total",
        "Connections that were ended before they became a request, by reason"
    );
    describe_gauge!(
        "torvus_rate_budgets",
        "Budgets of keys and accounts of which something is used"
    );
    describe_gauge!("torvus_build_info", "1, with the version of the program");
    gauge!("torvus_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// Brings the metrics up to date that nothing else changes. Now and then:
/// durations wait in memory until they are sorted into their buckets.
pub(crate) fn tidy(handle: &PrometheusHandle, budgets: usize) {
    let budgets = u32::try_from(budgets).unwrap_or(u32::MAX);
    gauge!("torvus_rate_budgets").set(budgets);
    handle.run_upkeep();
}
