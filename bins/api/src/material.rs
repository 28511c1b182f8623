//! The peppers of a running server, which follow those of the database.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Mutex;
use torvus_domain::{CaughtUp, Clock, KeyMaterial, LEASE, LookupUnavailable, Recipes};
use torvus_key_core::{PepperRing, Recipe};
use torvus_settings::Settings;
use torvus_storage::peppers::{self, KnownPepper};
use torvus_storage::recipes;
use torvus_storage::{StorageError, Store};

use crate::failure::Failure;

/// How long a source that lacked a pepper is not read again: who asks for
/// unknown keys must not make the server read files.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a list of recipes counts where no announcement says that there are
/// others: no longer than a lease, which a server may have lost.
const RECIPES_LAST: Duration = LEASE;

/// Recipes as they were at an instant of the monotonic clock.
struct RecipesAt {
    at: Duration,
    recipes: Arc<[Recipe]>,
}

/// The peppers in use, and what they come from.
pub(crate) struct Material {
    ring: ArcSwap<PepperRing>,
    store: Arc<Store>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    /// When the source was last found wanting, by the monotonic clock; held by
    /// the one who reads it.
    lacking_since: Mutex<Option<Duration>>,
    recipes: ArcSwapOption<RecipesAt>,
    /// When they could not be read last; held by the one who reads them.
    reading_recipes: Mutex<Option<Duration>>,
}

impl Material {
    pub(crate) fn new(
        ring: PepperRing,
        store: Arc<Store>,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            ring: ArcSwap::from_pointee(ring),
            store,
            settings,
            clock,
            lacking_since: Mutex::new(None),
            recipes: ArcSwapOption::empty(),
            reading_recipes: Mutex::new(None),
        }
    }

    /// Reads the source again, whether the database knows more or not, and
    /// takes what is there if it is right.
    pub(crate) async fn reload(&self, settings: &Settings) -> Result<(), Failure> {
        let mut lacking_since = self.lacking_since.lock().await;
        self.ring.store(Arc::new(self.read(settings).await?));
        *lacking_since = None;
        Ok(())
    }

    async fn read(&self, settings: &Settings) -> Result<PepperRing, Failure> {
        let settings = settings.clone();
        let read = tokio::task::spawn_blocking(move || settings.load_pepper(false));
        let ring = read.await.map_err(Failure::new)??;
        let adopted = self
            .store
            .run_write(move |c| Ok(peppers::adopt(c, &ring)?.map(|()| ring)));
        adopted.await.map_err(Failure::new)?.map_err(Failure::new)
    }

    async fn look(&self, used: &Arc<PepperRing>) -> Result<bool, LookupUnavailable> {
        let known = self.known().await?;
        if lacks_none(&known, &self.ring.load()) {
            return Ok(self.differs(used));
        }
        let mut lacking_since = self.lacking_since.lock().await;
        // Somebody else may have read it in the meantime.
        if lacks_none(&known, &self.ring.load()) {
            return Ok(self.differs(used));
        }
        let now = self.clock.now().monotonic;
        if lacking_since.is_some_and(|at| now.saturating_sub(at) < PAUSE) {
            return Err(LookupUnavailable);
        }
        match self.read(&self.settings).await {
            Ok(ring) => {
                tracing::info!(current = ring.current().version().get(), "new peppers read");
                self.ring.store(Arc::new(ring));
                *lacking_since = None;
                Ok(self.differs(used))
            }
            Err(error) => {
                tracing::error!(%error, "the database has keys of a pepper that is not at hand");
                // Those who waited meanwhile are answered at once.
                *lacking_since = Some(self.clock.now().monotonic);
                Err(LookupUnavailable)
            }
        }
    }

    async fn known(&self) -> Result<Vec<KnownPepper>, LookupUnavailable> {
        let known = self.store.run_read(peppers::all).await;
        known.map_err(|error: StorageError| {
            tracing::error!(%error, "the list of peppers could not be read");
            LookupUnavailable
        })
    }

    /// The recipes that are no older than they may be.
    fn fresh_recipes(&self) -> Option<Arc<[Recipe]>> {
        let now = self.clock.now().monotonic;
        let kept = self.recipes.load();
        let kept = kept.as_ref()?;
        (now.saturating_sub(kept.at) < RECIPES_LAST).then(|| Arc::clone(&kept.recipes))
    }

    async fn current_recipes(&self) -> Result<Arc<[Recipe]>, LookupUnavailable> {
        if let Some(recipes) = self.fresh_recipes() {
            return Ok(recipes);
        }
        let mut failed = self.reading_recipes.lock().await;
        // Somebody else may have read them in the meantime, or have failed to.
        if let Some(recipes) = self.fresh_recipes() {
            return Ok(recipes);
        }
        let at = self.clock.now().monotonic;
        if failed.is_some_and(|failed| at.saturating_sub(failed) < PAUSE) {
            return Err(LookupUnavailable);
        }
        match self.read_recipes().await {
            // What is written after `at` is not surely among them.
            Ok(recipes) => {
                let kept = RecipesAt {
                    at,
                    recipes: Arc::clone(&recipes),
                };
                self.recipes.store(Some(Arc::new(kept)));
                *failed = None;
                Ok(recipes)
            }
            Err(unavailable) => {
                *failed = Some(self.clock.now().monotonic);
                Err(unavailable)
            }
        }
    }

    async fn read_recipes(&self) -> Result<Arc<[Recipe]>, LookupUnavailable> {
        let unreadable = |error: StorageError| {
            tracing::error!(%error, "the recipes of imported keys could not be read");
            LookupUnavailable
        };
        let sealed = self.store.run_read(recipes::all).await;
        let sealed = sealed.map_err(unreadable)?;
        let mut ring = self.peppers();
        let lacks = |ring: &PepperRing| {
            let mut versions = sealed.iter().filter_map(|one| one.sealed.as_ref());
            versions.any(|(version, _)| ring.get(*version).is_none())
        };
        if lacks(&ring) {
            self.look(&ring).await?;
            ring = self.peppers();
        }
        let mut opened = Vec::with_capacity(sealed.len());
        for recipe in sealed {
            let recipe = recipe.open(&ring).map_err(unreadable)?;
            opened.push(recipe.ok_or(LookupUnavailable)?);
        }
        Ok(opened.into())
    }

    fn differs(&self, used: &Arc<PepperRing>) -> bool {
        !Arc::ptr_eq(used, &self.ring.load())
    }

    /// Reads again what may have changed: called where the database says so, and
    /// at the start of each lease. Whoever asked has waited when this is over.
    pub(crate) async fn heed(&self) {
        // Not while somebody is about to keep what was read before.
        let _reading = self.reading_recipes.lock().await;
        self.recipes.store(None);
        // Where it fails it was logged; who asks for an unknown key is answered 503.
        let _looked = self.look(&self.peppers()).await;
    }
}

fn lacks_none(known: &[KnownPepper], ring: &PepperRing) -> bool {
    known
        .iter()
        .all(|one| one.retired_at.is_some() || ring.get(one.version).is_some())
}

impl KeyMaterial for Material {
    fn peppers(&self) -> Arc<PepperRing> {
        self.ring.load_full()
    }

    fn catch_up<'a>(&'a self, used: &'a Arc<PepperRing>) -> CaughtUp<'a> {
        Box::pin(self.look(used))
    }

    fn recipes(&self) -> Recipes<'_> {
        Box::pin(self.current_recipes())
    }
}
