//! What becomes of a request when something behind the door goes wrong.
#![cfg(test)]

use std::path::Path;
use std::sync::Arc;

use actix_web::http::header::AUTHORIZATION;
use actix_web::test::TestRequest;
use actix_web::{FromRequest, HttpResponse, web};
use arc_swap::ArcSwap;
use futures_util::future::LocalBoxFuture;
use torvus_audit::AuditRecord;
use torvus_audit::journal::{Durability, Found, Frame, Journals, SegmentReader, segments};
use torvus_authz::RouteTable;
use torvus_domain::{
    Account, AccountId, ApiKey, FixedMaterial, IpAllowlist, KeyId, KeyLookup, KeySnapshot,
    LookupFuture, LookupUnavailable, Outcome, PermissionSet, PlanName, Plans, Refusal, Secret,
    SystemClock, Timestamp,
};
use torvus_gate::{Gate, KeyCache};
use torvus_key_core::{ApiKeyToken, Candidate, Environment, Pepper, PepperRing, PepperVersion};
use torvus_ratelimit::Limiter;
use torvus_web::{Guard, Kept, guarded};

/// What the look-up does.
#[derive(Clone, Copy)]
enum Store {
    Works,
    IsDown,
    Panics,
}

struct Keys {
    store: Store,
    snapshot: KeySnapshot,
}

impl KeyLookup for Keys {
    fn find<'a>(&'a self, _candidates: &'a [Candidate]) -> LookupFuture<'a> {
        Box::pin(async move {
            match self.store {
                Store::Works => Ok(Some(self.snapshot.clone())),
                Store::IsDown => Err(LookupUnavailable),
                Store::Panics => panic!("as it was told to"),
            }
        })
    }
}

fn snapshot(token: &ApiKeyToken) -> KeySnapshot {
    let account = Account {
        id: AccountId::new(Timestamp::UNIX_EPOCH),
        email: "you@example.com".parse().unwrap(),
        plan: PlanName::professional(),
        created_at: Timestamp::UNIX_EPOCH,
        suspended_at: None,
    };
    let key = ApiKey {
        id: KeyId::new(Timestamp::UNIX_EPOCH),
        account_id: account.id,
        name: "key".parse().unwrap(),
        environment: Environment::Live,
        permissions: PermissionSet::all(),
        expires_at: None,
        allowed_ips: IpAllowlist::default(),
        limit: None,
        created_at: Timestamp::UNIX_EPOCH,
        last_used_at: None,
        revoked_at: None,
        revoke_reason: None,
        hint: token.hint(),
    };
    KeySnapshot {
        key,
        account,
        secret: Secret::FIRST,
        spent: Vec::new(),
        changing: false,
    }
}

/// Sends one request through a guard: the answer, and what was recorded.
async fn send(
    store: Store,
    broken_log: bool,
    handler: impl FnOnce() -> Result<HttpResponse, Refusal> + 'static,
) -> (HttpResponse, Vec<AuditRecord>) {
    let token = ApiKeyToken::generate(Environment::Live).unwrap();
    let pepper = Pepper::generate(PepperVersion::new(1).unwrap()).unwrap();
    let peppers = PepperRing::new(vec![pepper]).unwrap();
    let keys = Keys {
        store,
        snapshot: snapshot(&token),
    };
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let journals = Journals::open(&journal, Durability::Process, 1, 1 << 30).unwrap();
    if broken_log {
        // Whoever is root may write anywhere, but not where nothing is.
        std::fs::rename(&journal, folder.path().join("elsewhere")).unwrap();
    }
    let guard = Guard {
        gate: Gate::new(
            KeyCache::new(Arc::new(keys), Arc::new(Limiter::memory()), 10),
            Arc::new(FixedMaterial::new(Arc::new(peppers))),
            Arc::new(ArcSwap::from_pointee(RouteTable::torvus())),
            Arc::new(ArcSwap::from_pointee(Plans::shipped())),
        ),
        journals: Arc::new(journals),
        clock: Arc::new(SystemClock::new()),
        proxies: Arc::default(),
    };
    let (request, mut payload) = TestRequest::get()
        .uri("/v1/account")
        .peer_addr("203.0.113.5:4711".parse().unwrap())
        .insert_header((AUTHORIZATION, format!("Bearer {}", token.expose())))
        .to_http_parts();
    let payload = web::Payload::from_request(&request, &mut payload)
        .await
        .unwrap();
    let handle = |_call| Box::pin(async { handler() }) as LocalBoxFuture<'static, _>;
    let answer = guarded(&guard, request, payload, handle, Kept::default()).await;
    (answer, recorded(&journal))
}

/// What stands in the journals.
fn recorded(folder: &Path) -> Vec<AuditRecord> {
    let mut records = Vec::new();
    for name in segments(folder).unwrap() {
        let mut reader = SegmentReader::open(folder, name, 0, u64::MAX).unwrap();
        while let Found::Frame(frame) = reader.next_frame().unwrap() {
            if let Frame::Record { line, .. } = frame {
                records.push(AuditRecord::from_line(&line).unwrap());
            }
        }
    }
    records
}

fn fine() -> Result<HttpResponse, Refusal> {
    Ok(HttpResponse::Ok().finish())
}

#[actix_web::test]
async fn what_goes_well_is_recorded() {
    let (answer, records) = send(Store::Works, false, fine).await;
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(records.len(), 1);
    assert_eq!(
        (records[0].status, records[0].outcome),
        (Some(200), Outcome::Ok)
    );
    assert!(records[0].billable);
    assert_eq!(records[0].route.as_deref(), Some("/v1/account"));
}

#[actix_web::test]
async fn a_handler_that_panics_is_a_recorded_500() {
    let (answer, records) = send(Store::Works, false, || panic!("as it was told to")).await;
    assert_eq!(answer.status().as_u16(), 500);
    assert!(answer.headers().contains_key("x-request-id"));
    assert!(answer.headers().contains_key("x-ratelimit-limit"));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].outcome, Outcome::InternalError);
    assert_eq!(records[0].status, Some(500));
    assert!(records[0].key_id.is_some() && !records[0].billable);
}

#[actix_web::test]
async fn a_gate_that_panics_is_a_recorded_500() {
    let (answer, records) = send(Store::Panics, false, fine).await;
    assert_eq!(answer.status().as_u16(), 500);
    assert_eq!(
        (records.len(), records[0].outcome),
        (1, Outcome::InternalError)
    );
}

#[actix_web::test]
async fn a_look_up_that_fails_is_503_and_never_a_yes() {
    let (answer, records) = send(Store::IsDown, false, fine).await;
    assert_eq!(answer.status().as_u16(), 503);
    assert_eq!(
        (records.len(), records[0].outcome),
        (1, Outcome::Unavailable)
    );
}

#[actix_web::test]
async fn what_cannot_be_recorded_is_503() {
    let (answer, records) = send(Store::Works, true, fine).await;
    assert_eq!(answer.status().as_u16(), 503);
    assert!(records.is_empty());
}
