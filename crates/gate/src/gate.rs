//! The gate: from a request's credential to its verdict.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use torvus_authz::{RouteMatch, RouteTable};
use torvus_domain::{Instants, KeyMaterial, KeySnapshot, Plans, Refusal, RequestFacts};
use torvus_key_core::{Candidate, PepperRing};

use crate::check::Presented;
use crate::decision::{Asked, Rules, decide};
use crate::trace::Untraced;
use crate::verdict::Denied;
use crate::{Grant, KeyCache, Verdict, check};

/// Decides on requests. The one place where a [`Grant`] is made.
pub struct Gate {
    keys: KeyCache,
    material: Arc<dyn KeyMaterial>,
    routes: Arc<ArcSwap<RouteTable>>,
    plans: Arc<ArcSwap<Plans>>,
}

impl Gate {
    /// A gate over these, which counts against the limiter that the keys were
    /// given. Peppers, routes and plans can be changed while it decides.
    #[must_use]
    pub fn new(
        keys: KeyCache,
        material: Arc<dyn KeyMaterial>,
        routes: Arc<ArcSwap<RouteTable>>,
        plans: Arc<ArcSwap<Plans>>,
    ) -> Self {
        Self {
            keys,
            material,
            routes,
            plans,
        }
    }

    /// Decides on one request, and counts it against its budget.
    ///
    /// The route is found first, so that a record of any refusal can name it,
    /// but it is acted upon in its turn; see `decide`.
    pub async fn check(&self, facts: &RequestFacts<'_>) -> Verdict {
        let routes = self.routes.load_full();
        let found = routes.find(facts.method, facts.path);
        let route = match &found {
            RouteMatch::Found { route, .. } => Some(Arc::clone(route)),
            _ => None,
        };
        match self.decide(facts, found).await {
            Ok(verdict) => verdict,
            Err(denied) => Verdict::Refuse(Denied { route, ..denied }),
        }
    }

    /// Finds the key, and holds the request against the rules.
    async fn decide(
        &self,
        facts: &RequestFacts<'_>,
        found: RouteMatch<'_>,
    ) -> Result<Verdict, Denied> {
        let presented = check::credential(facts.credential)?;
        let snapshot = self.find(&presented, &facts.now).await?;
        let environment = presented.environment();
        drop(presented);
        let asked = Asked {
            environment,
            client_ip: facts.client_ip,
            now: facts.now,
            found,
        };
        let plans = self.plans.load();
        let rules = Rules {
            plans: &plans,
            limiter: self.keys.limiter(),
        };
        let passed = decide(&snapshot, asked, rules, &mut Untraced).map_err(|denied| *denied)?;
        Ok(Verdict::Allow {
            grant: Grant::new(snapshot, passed.plan),
            route: Arc::clone(passed.route),
            params: passed.params,
            rate: passed.rate,
        })
    }

    /// The key as it is now. One that is not found is looked for once more
    /// where there are peppers by now that it was not looked for with.
    async fn find(
        &self,
        presented: &Presented<'_>,
        now: &Instants,
    ) -> Result<Arc<KeySnapshot>, Refusal> {
        let peppers = self.material.peppers();
        let candidates = self.candidates(presented, &peppers).await?;
        if let Some(snapshot) = check::answered(self.keys.find(&candidates, now).await)? {
            return Ok(snapshot);
        }
        if !check::answered(self.material.catch_up(&peppers).await)? {
            return Err(Refusal::UnknownKey);
        }
        let peppers = self.material.peppers();
        let candidates = self.candidates(presented, &peppers).await?;
        check::answered(self.keys.find(&candidates, now).await)?.ok_or(Refusal::UnknownKey)
    }

    /// What to look for. A text that nothing can recognise is no key.
    async fn candidates(
        &self,
        presented: &Presented<'_>,
        peppers: &PepperRing,
    ) -> Result<Vec<Candidate>, Refusal> {
        let text = match presented {
            Presented::Own(token) => return Ok(peppers.candidates(token)),
            Presented::Foreign(text) => text,
        };
        let recipes = check::answered(self.material.recipes().await)?;
        let candidates = peppers.foreign_candidates(text, &recipes);
        if candidates.is_empty() {
            return Err(Refusal::MalformedKey);
        }
        Ok(candidates)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}
