//! A protected request, from its facts to its recorded answer.

use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::TimeDelta;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use torvus_audit::{AuditRecord, Recorder};
use torvus_domain::{Clock, Instants, Outcome, Refusal, RequestFacts, RequestId, rfc3339};
use torvus_gate::{Gate, Identity, Verdict};
use torvus_ratelimit::RateSnapshot;

use crate::credential::credential;
use crate::problem::respond;
use crate::{Call, rate_headers, record, with_request_id};

/// A URI above this is refused before authentication (public contract, section 3).
const URI_BYTES_MAX: usize = 2_048;
/// So are headers above this, counted as they stand on the wire.
const HEADER_BYTES_MAX: usize = 16_384;
/// How long before its end a key's answers say so.
const EXPIRY_NOTICE: TimeDelta = TimeDelta::days(14);

/// What every protected request needs.
pub struct Guard {
    /// Decides.
    pub gate: Gate,
    /// Records.
    pub recorder: Arc<Recorder>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// What was decided and done, before it is an answer.
struct Done {
    result: Result<HttpResponse, Refusal>,
    who: Option<Identity>,
    route: Option<String>,
    rate: Option<RateSnapshot>,
    let_through: bool,
}

impl Done {
    /// A refusal of somebody unknown.
    fn refused(refusal: Refusal) -> Self {
        Self {
            result: Err(refusal),
            who: None,
            route: None,
            rate: None,
            let_through: false,
        }
    }
}

/// What `work` gives, or `None` where it panics: the worker lives on, and the
/// request is still recorded.
async fn caught<T>(id: RequestId, work: impl Future<Output = T>) -> Option<T> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(value) => Some(value),
        Err(_) => {
            tracing::error!(request_id = %id, "a request ended in a panic");
            None
        }
    }
}

/// Decides on a request, calls `handler` where it may pass, records what
/// happened, and gives the answer. Where it can't be recorded the answer is
/// 503. A handler that panics is a 500.
pub async fn guarded(
    guard: &Guard,
    request: HttpRequest,
    payload: web::Payload,
    handler: impl FnOnce(Call) -> LocalBoxFuture<'static, Result<HttpResponse, Refusal>>,
) -> HttpResponse {
    let now = guard.clock.now();
    let id = RequestId::new(now.wall);
    let ip = client_ip(&request);
    let mut record = record::begin(&request, id, ip, &now);
    let done = caught(id, decide(guard, request, payload, handler, id, ip, now))
        .await
        .unwrap_or_else(|| Done::refused(Refusal::Internal));
    let (outcome, answer) = match done.result {
        Ok(answer) => (Outcome::Ok, answer),
        Err(refusal) => (refusal.outcome(), respond(&refusal)),
    };
    let mut answer = dress(answer, done.who.as_ref(), done.rate, outcome, now);
    record::end(
        &mut record,
        done.who.as_ref(),
        done.route,
        answer.status().as_u16(),
        outcome,
        done.let_through,
    );
    if !recorded(guard, record, now).await {
        answer = dress(
            respond(&Refusal::Unavailable),
            done.who.as_ref(),
            done.rate,
            Outcome::Unavailable,
            now,
        );
    }
    with_request_id(answer, id)
}

async fn decide(
    guard: &Guard,
    request: HttpRequest,
    payload: web::Payload,
    handler: impl FnOnce(Call) -> LocalBoxFuture<'static, Result<HttpResponse, Refusal>>,
    id: RequestId,
    ip: IpAddr,
    now: Instants,
) -> Done {
    if let Err(refusal) = sizes(&request) {
        return Done::refused(refusal);
    }
    let facts = RequestFacts {
        method: request.method().as_str(),
        path: request.uri().path(),
        client_ip: ip,
        credential: credential(request.headers()),
        request_id: id,
        now,
    };
    match guard.gate.check(&facts).await {
        Verdict::Refuse {
            refusal,
            who,
            route,
            rate,
        } => Done {
            who,
            route,
            rate,
            ..Done::refused(refusal)
        },
        Verdict::Allow {
            grant,
            route,
            params,
            rate,
        } => {
            let who = Some(grant.identity());
            let pattern = Some(route.pattern.clone());
            let call = Call {
                grant,
                route,
                params,
                request,
                payload,
            };
            let result = caught(id, async { handler(call).await })
                .await
                .unwrap_or(Err(Refusal::Internal));
            Done {
                result,
                who,
                route: pattern,
                rate: Some(rate),
                let_through: true,
            }
        }
    }
}

fn sizes(request: &HttpRequest) -> Result<(), Refusal> {
    let uri = request
        .uri()
        .path_and_query()
        .map_or(0, |text| text.as_str().len());
    if uri > URI_BYTES_MAX {
        return Err(Refusal::UriTooLong);
    }
    // A line is the name, a colon, a blank, the value and its end.
    let headers: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if headers > HEADER_BYTES_MAX {
        return Err(Refusal::HeadersTooLarge);
    }
    Ok(())
}

/// The peer's address; an IPv4-mapped one as IPv4.
fn client_ip(request: &HttpRequest) -> IpAddr {
    request
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
            peer.ip().to_canonical()
        })
}

/// Adds what the public contract, section 3, wants on answers under `/v1`.
fn dress(
    mut answer: HttpResponse,
    who: Option<&Identity>,
    rate: Option<RateSnapshot>,
    outcome: Outcome,
    now: Instants,
) -> HttpResponse {
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let Some(rate) = rate else {
        return answer;
    };
    rate_headers::add(headers, &rate, outcome == Outcome::RateLimited);
    let soon = who
        .and_then(|who| who.key_expires_at)
        .filter(|end| *end - now.wall <= EXPIRY_NOTICE)
        .and_then(|end| HeaderValue::try_from(rfc3339(end)).ok());
    if let Some(end) = soon {
        headers.insert(HeaderName::from_static("x-key-expires-at"), end);
    }
    answer
}

async fn recorded(guard: &Guard, mut record: AuditRecord, began: Instants) -> bool {
    let took = guard.clock.now().monotonic.saturating_sub(began.monotonic);
    record.duration_us = i64::try_from(took.as_micros()).ok();
    tracing::debug!(
        request_id = record.request_id.map(tracing::field::display),
        method = record.method.as_deref(),
        route = record.route.as_deref(),
        status = record.status,
        outcome = record.outcome.as_str(),
        "request"
    );
    let request_id = record.request_id;
    let safe = guard.recorder.record(record).await.is_ok();
    if !safe {
        tracing::error!(
            request_id = request_id.map(tracing::field::display),
            "a request could not be recorded"
        );
    }
    safe
}
