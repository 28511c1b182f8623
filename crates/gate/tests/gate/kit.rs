//! A gate over keys in memory, and requests to it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use torvus_authz::RouteTable;
use torvus_domain::{
    Account, AccountId, ApiKey, Credential, FixedMaterial, Instants, IpAllowlist, KeyId, KeyLookup,
    KeyMaterial, KeySnapshot, LookupFuture, LookupUnavailable, PermissionSet, PlanName, Plans,
    Refusal, RequestFacts, RequestId, Secret, Timestamp,
};
use torvus_gate::{Counted, Denied, Gate, Identity, KeyCache, Verdict};
use torvus_key_core::{
    ApiKeyToken, Candidate, Environment, KeyDigest, Pepper, PepperRing, PepperVersion,
};
use torvus_ratelimit::{Limiter, RateSnapshot};

#[derive(Default)]
pub(crate) struct Keys {
    known: Mutex<HashMap<KeyDigest, KeySnapshot>>,
    pub(crate) down: AtomicBool,
    pub(crate) asked: AtomicUsize,
    /// Answers that were read wait until nobody holds this.
    door: tokio::sync::RwLock<()>,
}

impl Keys {
    pub(crate) fn insert(&self, digest: KeyDigest, snapshot: KeySnapshot) {
        self.known.lock().unwrap().insert(digest, snapshot);
    }

    /// Keeps answers that are read from now on from arriving.
    pub(crate) fn hold(&self) -> tokio::sync::RwLockWriteGuard<'_, ()> {
        self.door.try_write().unwrap()
    }
}

impl KeyLookup for Keys {
    fn find<'a>(&'a self, candidates: &'a [Candidate]) -> LookupFuture<'a> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.down.load(Ordering::SeqCst) {
                return Err(LookupUnavailable);
            }
            let read = {
                let known = self.known.lock().unwrap();
                let found = candidates.iter().find_map(|one| known.get(&one.digest));
                found.cloned()
            };
            drop(self.door.read().await);
            Ok(read)
        })
    }
}

/// What a refusal carries: why, who, route, budget.
pub(crate) type Refused = (Refusal, Option<Identity>, Option<String>, Option<Counted>);

pub(crate) struct World {
    pub(crate) gate: Gate,
    pub(crate) cache: KeyCache,
    pub(crate) keys: Arc<Keys>,
    pub(crate) plans: Arc<ArcSwap<Plans>>,
    pub(crate) peppers: Arc<PepperRing>,
    /// Seconds since the start.
    pub(crate) second: u64,
    pub(crate) client_ip: IpAddr,
}

pub(crate) fn start() -> Timestamp {
    Timestamp::from_timestamp_micros(1_790_000_000_000_000).unwrap()
}

pub(crate) fn after(seconds: u64) -> Timestamp {
    start() + Duration::from_secs(seconds)
}

pub(crate) fn account(plan: &str) -> Account {
    Account {
        id: AccountId::new(start()),
        email: "you@example.com".parse().unwrap(),
        plan: plan.parse::<PlanName>().unwrap(),
        created_at: start(),
        suspended_at: None,
    }
}

/// A key that may do everything, and its text.
pub(crate) fn issue(account: &Account, environment: Environment) -> (ApiKeyToken, KeySnapshot) {
    let token = ApiKeyToken::generate(environment).unwrap();
    let key = ApiKey {
        id: KeyId::new(start()),
        account_id: account.id,
        name: "laptop".parse().unwrap(),
        environment,
        permissions: PermissionSet::all(),
        expires_at: None,
        allowed_ips: IpAllowlist::default(),
        limit: None,
        created_at: start(),
        last_used_at: None,
        revoked_at: None,
        revoke_reason: None,
        hint: token.hint(),
    };
    let snapshot = KeySnapshot {
        key,
        account: account.clone(),
        secret: Secret::FIRST,
        spent: Vec::new(),
        changing: false,
    };
    (token, snapshot)
}

/// New peppers of these versions.
pub(crate) fn ring(versions: &[u32]) -> Arc<PepperRing> {
    let pepper = |version: &u32| Pepper::generate(PepperVersion::new(*version).unwrap()).unwrap();
    Arc::new(PepperRing::new(versions.iter().map(pepper).collect()).unwrap())
}

impl World {
    pub(crate) fn new() -> Self {
        let peppers = ring(&[1, 2]);
        Self::with_material(
            Arc::clone(&peppers),
            Arc::new(FixedMaterial::new(Arc::clone(&peppers))),
        )
    }

    pub(crate) fn with_material(peppers: Arc<PepperRing>, material: Arc<dyn KeyMaterial>) -> Self {
        let keys = Arc::new(Keys::default());
        let plans = Arc::new(ArcSwap::from_pointee(Plans::shipped()));
        let limiter = Arc::new(Limiter::memory());
        let cache = KeyCache::new(Arc::<Keys>::clone(&keys), limiter, 1_000);
        let gate = Gate::new(
            cache.clone(),
            material,
            Arc::new(ArcSwap::from_pointee(RouteTable::torvus())),
            Arc::clone(&plans),
        );
        Self {
            gate,
            cache,
            keys,
            plans,
            peppers,
            second: 0,
            client_ip: "203.0.113.5".parse().unwrap(),
        }
    }

    /// Stores a key, under the oldest pepper.
    pub(crate) fn store(&self, token: &ApiKeyToken, snapshot: KeySnapshot) {
        let (_, digest) = self.peppers.digests(token).last().unwrap();
        self.keys.insert(digest, snapshot);
    }

    /// Changes a stored key where it is stored.
    fn change<T>(&self, token: &ApiKeyToken, change: impl FnOnce(&mut KeySnapshot) -> T) -> T {
        let (_, digest) = self.peppers.digests(token).last().unwrap();
        change(self.keys.known.lock().unwrap().get_mut(&digest).unwrap())
    }

    /// Revokes a stored key, of which the gate is told nothing.
    pub(crate) fn revoke(&self, token: &ApiKeyToken) -> KeyId {
        self.change(token, |snapshot| {
            snapshot.key.revoked_at = Some(start());
            snapshot.key.id
        })
    }

    /// Whose key that is.
    pub(crate) fn account_of(&self, token: &ApiKeyToken) -> AccountId {
        self.change(token, |snapshot| snapshot.account.id)
    }

    /// A stored key of a professional account, changed before it is stored.
    pub(crate) fn with_key(&self, change: impl FnOnce(&mut KeySnapshot)) -> ApiKeyToken {
        let (token, mut snapshot) = issue(&account("professional"), Environment::Live);
        change(&mut snapshot);
        self.store(&token, snapshot);
        token
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        credential: Credential<'_>,
    ) -> Verdict {
        let facts = RequestFacts {
            method,
            path,
            client_ip: Some(self.client_ip),
            credential,
            request_id: RequestId::new(start()),
            now: Instants {
                wall: after(self.second),
                monotonic: Duration::from_secs(self.second),
            },
        };
        self.gate.check(&facts).await
    }

    pub(crate) async fn refused(&self, method: &str, path: &str, token: &ApiKeyToken) -> Refused {
        refused(
            self.ask(method, path, Credential::Bearer(token.expose()))
                .await,
        )
    }

    /// Whether `GET /v1/account` is let through; otherwise why not.
    pub(crate) async fn outcome(&self, token: &ApiKeyToken) -> Result<RateSnapshot, Refusal> {
        match self
            .ask("GET", "/v1/account", Credential::Bearer(token.expose()))
            .await
        {
            Verdict::Allow { rate, .. } => Ok(rate.snapshot),
            Verdict::Refuse(denied) => Err(denied.refusal),
        }
    }
}

pub(crate) fn refused(verdict: Verdict) -> Refused {
    match verdict {
        Verdict::Refuse(Denied {
            refusal,
            who,
            route,
            rate,
        }) => (refusal, who, route.map(|route| route.pattern.clone()), rate),
        Verdict::Allow { .. } => panic!("let through"),
    }
}
