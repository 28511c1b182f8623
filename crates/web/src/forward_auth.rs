//! The check for another API: a proxy asks, and passes the request on or not
//! (public contract, section 5).

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use torvus_domain::Refusal;
use torvus_gate::{Grant, Verdict};

use crate::guard::{Done, Incoming, caught, sizes};
use crate::original::{Told, original};
use crate::{Guard, Kept, respond};

/// What a name keeps as it is: the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Decides on the request that a trusted proxy asks about, records it, and
/// answers: 200 with who is asking, or the refusal for the proxy to hand on.
/// Run it with [`to_its_end`](crate::to_its_end()).
pub async fn forward_auth(
    guard: &Guard,
    request: HttpRequest,
    told: Told<'_>,
    kept: Kept,
) -> HttpResponse {
    let mut incoming = Incoming::of(guard, &request);
    let work = decide(guard, &request, &mut incoming, told);
    let done = caught(work).await;
    incoming.answer(guard, done, respond_to_proxy, &kept).await
}

async fn decide(
    guard: &Guard,
    request: &HttpRequest,
    incoming: &mut Incoming,
    told: Told<'_>,
) -> Done {
    if let Err(refusal) = sizes(request) {
        return Done::refused(refusal);
    }
    let peer = request.peer_addr().map(|peer| peer.ip());
    if !peer.is_some_and(|peer| guard.proxies.load().contains(peer)) {
        return Done::refused(Refusal::UntrustedProxy);
    }
    let (method, path) = match original(request, told) {
        Ok(asked) => asked,
        Err(refusal) => return Done::refused(refusal),
    };
    incoming.asks_about(method, path);
    match guard
        .gate
        .check(&incoming.facts(request, method, path))
        .await
    {
        Verdict::Refuse(denied) => Done::denied(denied),
        Verdict::Allow {
            grant, route, rate, ..
        } => Done {
            result: Ok(identity(&grant)),
            who: Some(grant.identity()),
            route: Some(route),
            rate: Some(rate),
            let_through: true,
        },
    }
}

/// An empty 200 that tells the API behind the proxy who is asking.
fn identity(grant: &Grant) -> HttpResponse {
    let key = grant.key();
    let name = utf8_percent_encode(key.name.as_str(), ESCAPED).to_string();
    let mut answer = HttpResponse::Ok().finish();
    for (header, value) in [
        ("x-torvus-account-id", grant.account().id.to_string()),
        ("x-torvus-key-id", key.id.to_string()),
        ("x-torvus-key-name", name),
        ("x-torvus-environment", key.environment.to_string()),
        ("x-torvus-plan", grant.account().plan.to_string()),
        ("x-torvus-permissions", key.permissions.to_string()),
    ] {
        // Each is ASCII by its making.
        if let Ok(value) = HeaderValue::try_from(value) {
            answer
                .headers_mut()
                .insert(HeaderName::from_static(header), value);
        }
    }
    answer
}

/// A proxy can hand on 401, 403 and 429. What is not in the table of routes, or
/// too large to be read, is refused like what is not permitted.
fn respond_to_proxy(refusal: &Refusal) -> HttpResponse {
    match refusal {
        Refusal::NotFound
        | Refusal::MethodNotAllowed { .. }
        | Refusal::UriTooLong
        | Refusal::HeadersTooLarge => respond(&Refusal::AmbiguousRequest),
        refusal => respond(refusal),
    }
}
