//! Reports of leaked keys, as GitHub's secret scanning sends them: each key
//! that stands in one is revoked.

mod report;
mod signature;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use torvus_domain::{Clock, KeyMaterial, LookupUnavailable, Refusal, Timestamp};
use torvus_key_core::ApiKeyToken;
use torvus_keyring::leaks::Leaked;
use torvus_keyring::{Actor, KeyringError, leaks};
use torvus_storage::Store;
use torvus_web::respond;

use crate::failure::Failure;
use crate::v1;
use report::Report;
use signature::{Claim, SignatureError};

/// Where reports are sent.
pub(crate) const PATH: &str = "/leaks/github";

/// What a report may have at most.
const MAX_BYTES: usize = 1024 * 1024;
/// How many reports are read and worked on at once: anybody may begin to send
/// one, and no more than so many bodies are ever in memory.
const AT_ONCE: usize = 16;
/// When whoever comes beyond that is to try again, in seconds.
const RETRY_SECONDS: &str = "5";
/// GitHub waits for 30 s.
const ANSWER_WAIT: Duration = Duration::from_secs(25);

/// What became of a key, or why it could not be ended.
type Ended = Result<Leaked, KeyringError>;

/// Takes reports.
#[derive(Clone)]
pub(crate) struct Leaks {
    /// The file with GitHub's keys. Read for each report, so that a new file
    /// counts at once.
    pub(crate) keys: PathBuf,
    pub(crate) store: Arc<Store>,
    pub(crate) material: Arc<dyn KeyMaterial>,
    pub(crate) clock: Arc<dyn Clock>,
    /// See [`places`].
    pub(crate) places: Arc<Semaphore>,
}

/// Room for the reports that are taken at once.
pub(crate) fn places() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(AT_ONCE))
}

/// Checks that the file with GitHub's keys can be used.
pub(crate) fn check(keys: &Path) -> Result<(), Failure> {
    signature::check(keys).map_err(|error| {
        let file = keys.display();
        Failure::usage(format!("--github-secret-scanning {file}: {error}"))
    })
}

/// Why a report is not taken.
enum Refused {
    /// It is not GitHub's.
    Signature,
    /// Too many are under way.
    Busy,
    Other(Refusal),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Other(refusal)
    }
}

impl Leaks {
    /// Takes a report, and says of each token in it whether it was a key.
    pub(crate) async fn answer(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> HttpResponse {
        let mut answer = match self.taken(request, payload).await {
            Ok(feedback) => HttpResponse::Ok().json(feedback),
            Err(Refused::Other(refusal)) => respond(&refusal),
            Err(Refused::Busy) => {
                let mut answer = respond(&Refusal::Unavailable);
                let seconds = HeaderValue::from_static(RETRY_SECONDS);
                answer.headers_mut().insert(RETRY_AFTER, seconds);
                answer
            }
            Err(Refused::Signature) => HttpResponse::Forbidden().json(json!({
                "error": "permission_denied",
                "message": "The body is not signed with a key of GitHub's that this server knows",
            })),
        };
        let headers = answer.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }

    async fn taken(&self, request: &HttpRequest, payload: web::Payload) -> Result<Value, Refused> {
        if *request.method() != Method::POST {
            let allow = "POST".to_owned();
            return Err(Refusal::MethodNotAllowed { allow }.into());
        }
        // Whatever can be refused without the body is.
        let claim = self.claimed(request.headers()).await?;
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| Refused::Busy)?;
        let body = v1::collect(payload, MAX_BYTES).await?;
        // What has begun goes on, also where nobody waits for it any more.
        let leaks = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let done = leaks.revoked(&claim, &body);
            drop((body, place));
            done
        });
        match tokio::time::timeout(ANSWER_WAIT, work).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Refusal::Internal.into()),
            Err(_) => Err(Refusal::Unavailable.into()),
        }
    }

    /// Who is said to have signed it, with the keys that are in the file now.
    async fn claimed(&self, headers: &HeaderMap) -> Result<Claim, Refused> {
        let identifier = only(headers, "Github-Public-Key-Identifier")?.to_owned();
        let signature = only(headers, "Github-Public-Key-Signature")?.to_owned();
        let keys = self.keys.clone();
        let read = tokio::task::spawn_blocking(move || Claim::read(&keys, &identifier, &signature));
        let read = read.await.map_err(|_| Refusal::Internal)?;
        read.map_err(unverified)
    }

    fn revoked(&self, claim: &Claim, body: &[u8]) -> Result<Value, Refused> {
        claim.verify(body).map_err(unverified)?;
        let report = Report::parse(body)?;
        let (actor, now) = (Actor::secret_scanning(), self.clock.now().wall);
        let mut results = self.ended(&report.keys(), &actor, now)?.into_iter();
        let mut real = Vec::new();
        for reported in &report.matches {
            // Only what is well-formed was looked for.
            let result = reported.key.as_ref().and_then(|_| results.next());
            real.push(match result {
                None | Some(Ok(Leaked::Unknown)) => false,
                Some(Ok(Leaked::Dead(_))) => true,
                Some(Ok(Leaked::Revoked(revoked))) => {
                    reported.log(&revoked.key);
                    true
                }
                Some(Err(error)) => {
                    // GitHub sends it again, and what is revoked stays so.
                    tracing::error!(%error, "a leaked key could not be revoked");
                    return Err(Refusal::Unavailable.into());
                }
            });
        }
        Ok(report.feedback(&real))
    }

    /// What became of each. One that is not found is looked for once more where
    /// there are peppers by now that it was not looked for with.
    fn ended(
        &self,
        keys: &[&ApiKeyToken],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<Ended>, Refusal> {
        let ring = self.material.peppers();
        let mut results = leaks::revoke(&self.store, &ring, keys, actor, now);
        let unknown: Vec<usize> = (0..results.len())
            .filter(|place| matches!(results.get(*place), Some(Ok(Leaked::Unknown))))
            .collect();
        if unknown.is_empty() {
            return Ok(results);
        }
        // It may be a key: nobody may say no to it where that can't be told.
        let caught_up = Handle::current().block_on(self.material.catch_up(&ring));
        if !caught_up.map_err(|LookupUnavailable| Refusal::Unavailable)? {
            return Ok(results);
        }
        let ring = self.material.peppers();
        let again: Vec<&ApiKeyToken> = unknown
            .iter()
            .filter_map(|place| keys.get(*place).copied())
            .collect();
        let again = leaks::revoke(&self.store, &ring, &again, actor, now);
        for (place, result) in unknown.into_iter().zip(again) {
            if let Some(known) = results.get_mut(place) {
                *known = result;
            }
        }
        Ok(results)
    }
}

fn unverified(error: SignatureError) -> Refused {
    match error {
        SignatureError::Wrong => Refused::Signature,
        error => {
            tracing::error!(%error, "a report of leaked keys could not be checked");
            Refusal::Unavailable.into()
        }
    }
}

/// A header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refused> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| Refused::Signature),
        _ => Err(Refused::Signature),
    }
}
