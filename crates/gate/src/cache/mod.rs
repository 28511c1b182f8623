//! Keys that were looked up, remembered only under a lease
//! (`docs/adr/0010-leases.md`).

mod flights;
mod index;

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, UnitWeighter};
use sha2::{Digest, Sha256};
use torvus_domain::{Change, Instants, KeyLookup, KeySnapshot, LookupUnavailable};
use torvus_key_core::{Candidate, KeyDigest};
use torvus_ratelimit::Limiter;

use self::flights::Flights;
use self::index::Index;

/// What a look-up gives in the end.
type Found = Result<Option<Arc<KeySnapshot>>, LookupUnavailable>;

/// How the gate comes by keys: from the store, or, while a lease is held, from
/// memory. Clones share what is remembered.
///
/// What is remembered is bounded, and is looked up once however many ask at the
/// same time. Only keys that exist are remembered: what an attacker makes up
/// pushes nothing out. The lease is kept by a [`LeaseKeeper`](crate::LeaseKeeper);
/// without one every request reads the store.
#[derive(Clone)]
pub struct KeyCache(Arc<Inner>);

struct Inner {
    lookup: Arc<dyn KeyLookup>,
    limiter: Arc<Limiter>,
    entries: Entries,
    index: Mutex<Index>,
    flights: Flights,
    /// Counts what may have made an answer that is on its way an old one. Only
    /// changed, and compared for an insertion, by who holds `index`.
    generation: AtomicU64,
    /// Until when the lease is held, in nanoseconds of the monotonic clock; 0
    /// where it is not.
    until: AtomicU64,
}

type Entries =
    Cache<KeyDigest, Arc<KeySnapshot>, UnitWeighter, BuildHasherDefault<Spread>, Evictions>;

impl KeyCache {
    /// Over this store, for at most so many keys. What the store has recorded
    /// of the budgets of a key is told to the limiter when the key is looked up.
    #[must_use]
    pub fn new(lookup: Arc<dyn KeyLookup>, limiter: Arc<Limiter>, capacity: usize) -> Self {
        Self(Arc::new(Inner {
            lookup,
            limiter,
            entries: entries(capacity),
            index: Mutex::default(),
            flights: Flights::default(),
            generation: AtomicU64::new(0),
            until: AtomicU64::new(0),
        }))
    }

    /// The limiter that is told of budgets.
    pub(crate) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }

    /// The key that is one of these candidates; it is remembered by all of them
    /// together, since any of them may be the one that decides.
    ///
    /// The lease is looked at before the memory: what is found there under a
    /// lease was true when the lease was held, and `now` is not before the
    /// request began.
    pub(crate) async fn find(&self, candidates: &[Candidate], now: &Instants) -> Found {
        let Some(digest) = question(candidates) else {
            return Ok(None);
        };
        let inner = &self.0;
        if !self.holds_lease(now.monotonic) {
            return inner.look_up(candidates, now).await;
        }
        if let Some(known) = inner.entries.get(&digest) {
            return Ok(Some(known));
        }
        let generation = inner.generation.load(Ordering::SeqCst);
        let flight = inner.flights.join(&digest, generation, || {
            let digest = digest.clone();
            let (inner, candidates, now) = (Arc::clone(inner), candidates.to_vec(), *now);
            Box::pin(async move {
                let found = inner.look_up(&candidates, &now).await;
                if let Ok(Some(snapshot)) = &found
                    && !snapshot.changing
                {
                    inner.remember(&digest, snapshot, generation);
                }
                found
            })
        });
        match flight.landed().await {
            // A change under way is not told of, and a key that was not there may
            // have come meanwhile: whoever asked later than that looks again.
            Ok(found) if flight.joined && found.as_ref().is_none_or(|key| key.changing) => {
                inner.look_up(candidates, now).await
            }
            landed => landed,
        }
    }

    /// Whether what is remembered may be used at this reading of the clock.
    #[must_use]
    pub fn holds_lease(&self, monotonic: Duration) -> bool {
        nanos(monotonic) < self.0.until.load(Ordering::SeqCst)
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.0.entries.len()
    }

    /// Lets what is remembered be used until then.
    pub(crate) fn hold_until(&self, monotonic: Duration) {
        self.0.until.store(nanos(monotonic), Ordering::SeqCst);
    }

    /// Uses nothing that is remembered from now on, and forgets it all.
    pub(crate) fn give_up(&self) {
        self.0.until.store(0, Ordering::SeqCst);
        self.forget(&[Change::Everything]);
    }

    /// Forgets what these changes concern, also where it is being looked up.
    pub(crate) fn forget(&self, changes: &[Change]) {
        let inner = &self.0;
        let mut index = inner.index();
        inner.generation.fetch_add(1, Ordering::SeqCst);
        for change in changes {
            match change {
                Change::Everything => {
                    index.clear();
                    inner.entries.clear();
                }
                Change::Key(id) => inner.remove(index.take_key(*id)),
                Change::Account(id) => inner.remove(index.take_account(*id)),
            }
        }
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache")
            .field("keys", &self.keys())
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Asks the store. What it says of budgets is older than what is counted
    /// here, so it is only told once, and not remembered.
    async fn look_up(&self, candidates: &[Candidate], now: &Instants) -> Found {
        let Some(mut snapshot) = self.lookup.find(candidates).await? else {
            return Ok(None);
        };
        for spent in std::mem::take(&mut snapshot.spent) {
            self.limiter.restore(&spent, now);
        }
        Ok(Some(Arc::new(snapshot)))
    }

    /// Remembers what was read, unless something has changed since before it
    /// was: then it may be what was true before.
    fn remember(&self, digest: &KeyDigest, snapshot: &Arc<KeySnapshot>, generation: u64) {
        let mut index = self.index();
        if self.generation.load(Ordering::SeqCst) != generation {
            return;
        }
        let mut evicted = Vec::new();
        self.entries
            .insert_with_lifecycle(digest.clone(), Arc::clone(snapshot), &mut evicted);
        for (digest, snapshot) in evicted {
            index.remove(&digest, &snapshot.key);
        }
        // Last: where the key was remembered already, it is the old value that
        // was evicted. An index that names too much does no harm.
        index.add(digest.clone(), &snapshot.key);
    }

    fn remove(&self, digests: Vec<KeyDigest>) {
        for digest in digests {
            self.entries.remove(&digest);
        }
    }

    /// A thread that panicked here left an index that names too much at worst.
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands over what had to make room.
#[derive(Clone)]
struct Evictions;

impl Lifecycle<KeyDigest, Arc<KeySnapshot>> for Evictions {
    type RequestState = Vec<(KeyDigest, Arc<KeySnapshot>)>;

    fn on_evict(&self, evicted: &mut Self::RequestState, digest: KeyDigest, key: Arc<KeySnapshot>) {
        evicted.push((digest, key));
    }
}

/// A digest is spread evenly already: its first bytes are hash enough. Nobody
/// can choose them without the pepper.
#[derive(Clone, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 ^= u64::from_ne_bytes(*first);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What is asked for, as one digest: nearly always there is one candidate. Two
/// texts that share some of their candidates are different questions.
fn question(candidates: &[Candidate]) -> Option<KeyDigest> {
    match candidates {
        [] => None,
        [only] => Some(only.digest.clone()),
        several => {
            let mut all = Sha256::new();
            for candidate in several {
                all.update(candidate.digest.as_bytes());
            }
            Some(KeyDigest::from_bytes(all.finalize().into()))
        }
    }
}

fn entries(capacity: usize) -> Entries {
    let weight = u64::try_from(capacity).unwrap_or(u64::MAX);
    let hasher = BuildHasherDefault::default();
    Cache::with(capacity, weight, UnitWeighter, hasher, Evictions)
}

fn nanos(monotonic: Duration) -> u64 {
    u64::try_from(monotonic.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use torvus_domain::{
        Account, AccountId, ApiKey, IpAllowlist, KeyId, LookupFuture, PermissionSet, Secret,
        Timestamp,
    };
    use torvus_key_core::{ApiKeyToken, Environment};

    use super::*;

    struct NoKeys;

    impl KeyLookup for NoKeys {
        fn find<'a>(&'a self, _candidates: &'a [Candidate]) -> LookupFuture<'a> {
            Box::pin(async { Ok(None) })
        }
    }

    fn snapshot() -> Arc<KeySnapshot> {
        let at = Timestamp::UNIX_EPOCH;
        let account = Account {
            id: AccountId::new(at),
            email: "you@example.com".parse().unwrap(),
            plan: "free".parse().unwrap(),
            created_at: at,
            suspended_at: None,
        };
        let key = ApiKey {
            id: KeyId::new(at),
            account_id: account.id,
            name: "laptop".parse().unwrap(),
            environment: Environment::Live,
            permissions: PermissionSet::all(),
            expires_at: None,
            allowed_ips: IpAllowlist::default(),
            limit: None,
            created_at: at,
            last_used_at: None,
            revoked_at: None,
            revoke_reason: None,
            hint: ApiKeyToken::generate(Environment::Live).unwrap().hint(),
        };
        Arc::new(KeySnapshot {
            key,
            account,
            secret: Secret::FIRST,
            spent: Vec::new(),
            changing: false,
        })
    }

    #[test]
    fn what_is_remembered_twice_is_forgotten_all_the_same() {
        let cache = KeyCache::new(Arc::new(NoKeys), Arc::new(Limiter::memory()), 100);
        let (digest, known) = (KeyDigest::from_bytes([7; 32]), snapshot());
        for change in [
            Change::Key(known.key.id),
            Change::Account(known.key.account_id),
        ] {
            let generation = cache.0.generation.load(Ordering::SeqCst);
            cache.0.remember(&digest, &known, generation);
            cache.0.remember(&digest, &known, generation);
            assert_eq!(cache.keys(), 1);
            cache.forget(&[change]);
            assert_eq!(cache.keys(), 0, "{change:?}");
        }
    }
}
