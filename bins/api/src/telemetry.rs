//! Metrics, in Prometheus' text format.

use chrono::TimeDelta;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use torvus_audit::journal;
use torvus_domain::Timestamp;
use torvus_storage::{Store, keys};

use crate::failure::Failure;
use crate::{http, indexer, lease};

/// Keys that end within 14 days.
const EXPIRING: &str = "torvus_keys_expiring";
/// How near the end of a key is that counts: as for `X-Key-Expires-At`.
const SOON: TimeDelta = TimeDelta::days(14);

/// Bounds of the durations that are told apart, in seconds.
const SECONDS: [f64; 11] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
];

/// Bounds of the batches that are told apart, in bytes.
const BYTES: [f64; 6] = [1e3, 1e4, 3e4, 1e5, 3e5, 1e6];

/// Starts to count, from here on and for the whole process.
pub(crate) fn start() -> Result<PrometheusHandle, Failure> {
    let durations = [torvus_web::REQUEST_DURATION, journal::SYNC_DURATION];
    let mut builder = PrometheusBuilder::new();
    for name in durations {
        let name = Matcher::Full(name.to_owned());
        builder = builder
            .set_buckets_for_metric(name, &SECONDS)
            .map_err(|error| Failure::new(format!("metrics can't be counted: {error}")))?;
    }
    let batches = Matcher::Full(journal::BATCH_BYTES.to_owned());
    let handle = builder
        .set_buckets_for_metric(batches, &BYTES)
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
        http::REJECTED,
        "Connections that were ended before they became a request, by reason"
    );
    describe_counter!(
        journal::LOST,
        "Records that could not be kept; their requests were answered 503"
    );
    describe_histogram!(journal::BATCH_BYTES, Unit::Bytes, "What is written at once");
    describe_histogram!(
        journal::SYNC_DURATION,
        Unit::Seconds,
        "How long the disk took to have a batch, with --audit-durability power"
    );
    describe_counter!(indexer::INDEXED, "Records that were moved into the tables");
    describe_gauge!(
        indexer::JOURNAL_BYTES,
        Unit::Bytes,
        "Journals that are there; at --journal-max requests are answered 503"
    );
    describe_gauge!(
        indexer::LAG,
        Unit::Seconds,
        "Since the journals were last indexed to their end"
    );
    describe_gauge!(
        indexer::WAITING,
        Unit::Count,
        "Answers that wait until their record is safe"
    );
    describe_gauge!(
        lease::HELD,
        "1 while the lease is held; without it each request reads the database"
    );
    describe_counter!(
        lease::LOST,
        "Times that a change gave up waiting for this server, and it had to begin anew"
    );
    describe_gauge!(lease::KEYS, "Keys that are remembered");
    describe_gauge!(
        "torvus_rate_budgets",
        "Budgets of keys and accounts of which something is used"
    );
    describe_gauge!(
        EXPIRING,
        "Keys that can be used and end within 14 days, of all accounts"
    );
    describe_counter!(
        torvus_dashboard::SIGN_INS,
        "Tries to sign in to the dashboard, by result"
    );
    describe_gauge!("torvus_build_info", "1, with the version of the program");
    // There from the start, so that none is told from unknown.
    counter!(torvus_web::UNRECORDED).absolute(0);
    counter!(journal::LOST).absolute(0);
    counter!(lease::LOST).absolute(0);
    counter!(indexer::INDEXED).absolute(0);
    for reason in http::REASONS {
        counter!(http::REJECTED, "reason" => reason).absolute(0);
    }
    for result in torvus_dashboard::RESULTS {
        counter!(torvus_dashboard::SIGN_INS, "result" => result).absolute(0);
    }
    gauge!("torvus_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// Counts the keys that end soon. Where they can't be counted, what was known
/// goes: an old figure would look like a new one.
pub(crate) fn keys(store: &Store, now: Timestamp) {
    match store.read(|c| keys::count_ending(c, now, now + SOON)) {
        Ok(count) => gauge!(EXPIRING).set(count as f64),
        Err(_) => gauge!(EXPIRING).set(f64::NAN),
    }
}

/// Brings the metrics up to date that nothing else changes. Now and then:
/// durations wait in memory until they are sorted into their buckets.
pub(crate) fn tidy(handle: &PrometheusHandle, budgets: usize) {
    let budgets = u32::try_from(budgets).unwrap_or(u32::MAX);
    gauge!("torvus_rate_budgets").set(budgets);
    handle.run_upkeep();
}
