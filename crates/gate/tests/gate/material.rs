//! Peppers that change while the gate decides, and keys of other systems.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use torvus_domain::{CaughtUp, Credential, KeyMaterial, LookupUnavailable, Recipes, Refusal};
use torvus_gate::Verdict;
use torvus_key_core::{ApiKeyToken, Environment, Hashed, PepperRing, Recipe, RecipeId};

use crate::kit::{World, account, issue, refused, ring};

/// Peppers of which the newer ones are found when they are asked for.
struct Material {
    now: Mutex<Arc<PepperRing>>,
    newer: Result<Option<Arc<PepperRing>>, LookupUnavailable>,
    asked: AtomicUsize,
    recipes: Result<Arc<[Recipe]>, LookupUnavailable>,
}

impl Material {
    fn new(
        now: &Arc<PepperRing>,
        newer: Result<Option<&Arc<PepperRing>>, LookupUnavailable>,
    ) -> Arc<Self> {
        Arc::new(Self {
            now: Mutex::new(Arc::clone(now)),
            newer: newer.map(|newer| newer.map(Arc::clone)),
            asked: AtomicUsize::new(0),
            recipes: Ok(Arc::from([])),
        })
    }

    fn with_recipes(
        ring: &Arc<PepperRing>,
        recipes: Result<Vec<Recipe>, LookupUnavailable>,
    ) -> Arc<Self> {
        Arc::new(Self {
            now: Mutex::new(Arc::clone(ring)),
            newer: Ok(None),
            asked: AtomicUsize::new(0),
            recipes: recipes.map(Arc::from),
        })
    }
}

impl KeyMaterial for Material {
    fn peppers(&self) -> Arc<PepperRing> {
        Arc::clone(&self.now.lock().unwrap())
    }

    fn catch_up<'a>(&'a self, _used: &'a Arc<PepperRing>) -> CaughtUp<'a> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let newer = self.newer.clone()?;
            Ok(newer
                .map(|newer| *self.now.lock().unwrap() = newer)
                .is_some())
        })
    }

    fn recipes(&self) -> Recipes<'_> {
        Box::pin(async { self.recipes.clone() })
    }
}

#[tokio::test]
async fn a_key_of_a_newer_pepper_is_looked_for_once_more() {
    let (old, new) = (ring(&[1]), ring(&[2]));
    let material = Material::new(&old, Ok(Some(&new)));
    // What the kit stores is under the newer one.
    let world = World::with_material(new, Arc::<Material>::clone(&material));
    let token = world.with_key(|_| {});
    assert!(world.outcome(&token).await.is_ok());
    assert!(world.outcome(&token).await.is_ok());
    assert_eq!(
        material.asked.load(Ordering::SeqCst),
        1,
        "known keys ask nothing"
    );
    let (stranger, _) = issue(&account("professional"), Environment::Live);
    assert_eq!(world.outcome(&stranger).await, Err(Refusal::UnknownKey));
}

#[tokio::test]
async fn a_pepper_that_is_missing_is_no_refusal() {
    let old = ring(&[1]);
    let material = Material::new(&old, Err(LookupUnavailable));
    let world = World::with_material(Arc::clone(&old), material);
    let token = world.with_key(|_| {});
    assert!(world.outcome(&token).await.is_ok(), "known keys go on");
    let stranger = ApiKeyToken::generate(Environment::Live).unwrap();
    assert_eq!(world.outcome(&stranger).await, Err(Refusal::Unavailable));
}

fn recipe() -> Recipe {
    Recipe::new(RecipeId::new(1).unwrap(), Hashed::Whole, None)
}

async fn why(world: &World, text: &str) -> Result<(), Refusal> {
    match world
        .ask("GET", "/v1/account", Credential::Bearer(text))
        .await
    {
        Verdict::Allow { .. } => Ok(()),
        verdict => Err(refused(verdict).0),
    }
}

#[tokio::test]
async fn a_key_of_another_system_is_one_of_ours() {
    let peppers = ring(&[1, 2]);
    let material = Material::with_recipes(&peppers, Ok(vec![recipe()]));
    let world = World::with_material(Arc::clone(&peppers), material);
    for (environment, key) in [(Environment::Live, "theirs"), (Environment::Test, "other")] {
        let (_, snapshot) = issue(&account("professional"), environment);
        let digest = recipe().digest(key).unwrap();
        let stored = digest.stored(recipe().id(), peppers.current());
        world.keys.insert(stored, snapshot);
        assert_eq!(why(&world, key).await, Ok(()));
    }
    assert_eq!(why(&world, "nobody's").await, Err(Refusal::UnknownKey));
    let asked = world.keys.asked.load(Ordering::SeqCst);
    // Too long, or nearly one of ours: no look-up.
    for text in ["x".repeat(513).as_str(), "torvus_sk_live_theirs", ""] {
        assert_eq!(why(&world, text).await, Err(Refusal::MalformedKey));
    }
    assert_eq!(world.keys.asked.load(Ordering::SeqCst), asked);
}

#[tokio::test]
async fn where_recipes_cannot_be_read_nobody_says_no() {
    let peppers = ring(&[1]);
    let material = Material::with_recipes(&peppers, Err(LookupUnavailable));
    let world = World::with_material(Arc::clone(&peppers), material);
    assert_eq!(why(&world, "theirs").await, Err(Refusal::Unavailable));
    let token = world.with_key(|_| {});
    assert!(world.outcome(&token).await.is_ok(), "our own need none");
}
