//! A protected request, from its facts to its recorded answer.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use arc_swap::ArcSwap;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use torvus_audit::AuditRecord;
use torvus_audit::journal::Journals;
use torvus_authz::Route;
use torvus_domain::{
    Clock, Instants, Outcome, Refusal, RequestFacts, RequestId, TrustedProxies, URI_BYTES_MAX,
};
use torvus_gate::{Counted, Denied, Gate, Identity, Verdict};

use crate::client_ip::client_ip;
use crate::counts::Count;
use crate::credential::credential;
use crate::problem::respond;
use crate::{Call, Kept, end_headers, rate_headers, record, with_request_id};

/// Headers above this are refused before authentication, counted as they stand
/// on the wire (public contract, section 3).
const HEADER_BYTES_MAX: usize = 16_384;

/// What every protected request needs.
pub struct Guard {
    /// Decides.
    pub gate: Gate,
    /// Records.
    pub journals: Arc<Journals>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Whose word on the client's address counts.
    pub proxies: Arc<ArcSwap<TrustedProxies>>,
}

/// What was decided and done, before it is an answer.
pub(crate) struct Done {
    pub(crate) result: Result<HttpResponse, Refusal>,
    pub(crate) who: Option<Identity>,
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) rate: Option<Counted>,
    pub(crate) let_through: bool,
}

impl Done {
    /// A refusal by the gate, with what was known by then.
    pub(crate) fn denied(denied: Denied) -> Self {
        Self {
            who: denied.who,
            route: denied.route,
            rate: denied.rate,
            ..Self::refused(denied.refusal)
        }
    }

    /// A refusal of somebody unknown.
    pub(crate) fn refused(refusal: Refusal) -> Self {
        Self {
            result: Err(refusal),
            who: None,
            route: None,
            rate: None,
            let_through: false,
        }
    }
}

/// A request on its way from its head to its recorded answer.
pub(crate) struct Incoming {
    id: RequestId,
    now: Instants,
    client_ip: Option<IpAddr>,
    record: AuditRecord,
}

impl Incoming {
    pub(crate) fn of(guard: &Guard, request: &HttpRequest) -> Self {
        let now = guard.clock.now();
        let id = RequestId::new(now.wall);
        let peer = request.peer_addr().map(|peer| peer.ip());
        let client_ip = client_ip(peer, request.headers(), &guard.proxies.load());
        Self {
            id,
            now,
            client_ip,
            record: record::begin(request, id, client_ip, &now),
        }
    }

    /// It is not this request that is decided on, but the one it tells of.
    pub(crate) fn asks_about(&mut self, method: &str, path: &str) {
        record::asks_about(&mut self.record, method, path);
    }

    pub(crate) fn facts<'r>(
        &self,
        request: &'r HttpRequest,
        method: &'r str,
        path: &'r str,
    ) -> RequestFacts<'r> {
        RequestFacts {
            method,
            path,
            client_ip: self.client_ip,
            credential: credential(request.headers()),
            request_id: self.id,
            now: self.now,
        }
    }

    /// Records what is about to be changed; false where that can't be, and
    /// then nothing may be. What only reads changes nothing.
    async fn intend(&self, guard: &Guard, known: &Done) -> bool {
        if matches!(self.record.method.as_deref(), Some("GET" | "HEAD")) {
            return true;
        }
        let mut intent = self.record.clone();
        record::known(&mut intent, known.who.as_ref(), known.route.as_deref());
        guard.journals.intend(&intent).await.is_ok()
    }

    /// Makes the answer of what was done, and gives it once it is recorded.
    /// Where it can't be recorded the answer is 503.
    pub(crate) async fn answer(
        mut self,
        guard: &Guard,
        done: Option<Done>,
        respond_to: impl Fn(&Refusal) -> HttpResponse,
        kept: &Kept,
    ) -> HttpResponse {
        let done = done.unwrap_or_else(|| {
            tracing::error!(request_id = %self.id, "a request ended in a panic");
            Done::refused(Refusal::Internal)
        });
        let (outcome, answer) = match done.result {
            Ok(answer) => (Outcome::Ok, answer),
            Err(refusal) => (refusal.outcome(), respond_to(&refusal)),
        };
        let (who, rate) = (done.who.as_ref(), done.rate.as_ref());
        let mut answer = dress(answer, who, rate, outcome, self.now);
        record::known(&mut self.record, who, done.route.as_deref());
        let status = answer.status().as_u16();
        record::end(&mut self.record, status, outcome, done.let_through);
        self.record.spent = done.rate.map_or([None, None], |rate| rate.spent);
        let (id, now) = (self.id, self.now);
        if !recorded(guard, self.record, done.route, now, kept).await {
            let outcome = Outcome::Unavailable;
            answer = dress(respond(&Refusal::Unavailable), who, rate, outcome, now);
        }
        with_request_id(answer, id)
    }
}

/// What `work` gives, or `None` where it panics: the worker lives on, and the
/// request is still recorded.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(work).catch_unwind().await.ok()
}

/// Decides on a request, calls `handler` where it may pass, records what
/// happened, and gives the answer. Where it can't be recorded the answer is
/// 503. A handler that panics is a 500. Run it with [`to_its_end`](crate::to_its_end()).
pub async fn guarded(
    guard: &Guard,
    request: HttpRequest,
    payload: web::Payload,
    handler: impl FnOnce(Call) -> LocalBoxFuture<'static, Result<HttpResponse, Refusal>>,
    kept: Kept,
) -> HttpResponse {
    let incoming = Incoming::of(guard, &request);
    let done = caught(decide(guard, &incoming, request, payload, handler)).await;
    incoming.answer(guard, done, respond, &kept).await
}

async fn decide(
    guard: &Guard,
    incoming: &Incoming,
    request: HttpRequest,
    payload: web::Payload,
    handler: impl FnOnce(Call) -> LocalBoxFuture<'static, Result<HttpResponse, Refusal>>,
) -> Done {
    if let Err(refusal) = sizes(&request) {
        return Done::refused(refusal);
    }
    let (method, path) = (request.method().as_str(), request.uri().path());
    match guard
        .gate
        .check(&incoming.facts(&request, method, path))
        .await
    {
        Verdict::Refuse(denied) => Done::denied(denied),
        Verdict::Allow {
            grant,
            route,
            params,
            rate,
        } => {
            let who = Some(grant.identity());
            let found = Some(Arc::clone(&route));
            let unchanged = Done {
                who: who.clone(),
                route: found.clone(),
                rate: Some(rate),
                ..Done::refused(Refusal::Unavailable)
            };
            if !incoming.intend(guard, &unchanged).await {
                return unchanged;
            }
            let call = Call {
                grant,
                route,
                params,
                request,
                payload,
            };
            let result = caught(async { handler(call).await }).await;
            if result.is_none() {
                tracing::error!(request_id = %incoming.id, "a handler ended in a panic");
            }
            Done {
                result: result.unwrap_or(Err(Refusal::Internal)),
                who,
                route: found,
                rate: Some(rate),
                let_through: true,
            }
        }
    }
}

pub(crate) fn sizes(request: &HttpRequest) -> Result<(), Refusal> {
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

/// Adds what the public contract, section 3, wants on answers under `/v1`.
fn dress(
    mut answer: HttpResponse,
    who: Option<&Identity>,
    rate: Option<&Counted>,
    outcome: Outcome,
    now: Instants,
) -> HttpResponse {
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Authorization"));
    let Some(rate) = rate else {
        return answer;
    };
    rate_headers::add(headers, &rate.snapshot, outcome == Outcome::RateLimited);
    if let Some(who) = who {
        end_headers::add(headers, who, now.wall);
    }
    answer
}

async fn recorded(
    guard: &Guard,
    mut record: AuditRecord,
    route: Option<Arc<Route>>,
    began: Instants,
    kept: &Kept,
) -> bool {
    let now = guard.clock.now();
    let took = now.monotonic.saturating_sub(began.monotonic);
    record.duration_us = i64::try_from(took.as_micros()).ok();
    tracing::debug!(
        request_id = record.request_id.map(tracing::field::display),
        method = record.method.as_deref(),
        route = record.route.as_deref(),
        status = record.status,
        outcome = record.outcome.as_str(),
        "request"
    );
    let mut count = Count::of(&record, route);
    let request_id = record.request_id;
    record.at = now.wall;
    kept.set();
    let safe = guard.journals.record(record).await.is_ok();
    if !safe {
        count.unrecorded();
        tracing::error!(
            request_id = request_id.map(tracing::field::display),
            "a request could not be recorded"
        );
    }
    let took = guard.clock.now().monotonic.saturating_sub(began.monotonic);
    count.answered(took);
    safe
}
