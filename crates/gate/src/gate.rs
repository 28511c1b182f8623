//! The gate: a request's path through all the rules, on one screen.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use torvus_authz::{RouteMatch, RouteTable};
use torvus_domain::{KeyLookup, KeyMaterial, KeySnapshot, Plans, Refusal, RequestFacts};
use torvus_key_core::{Candidate, PepperRing};
use torvus_ratelimit::Limiter;

use crate::check::Presented;
use crate::verdict::Denied;
use crate::{Grant, Identity, Verdict, check, rate};

/// Decides on requests. The one place where a [`Grant`] is made.
pub struct Gate {
    keys: Arc<dyn KeyLookup>,
    material: Arc<dyn KeyMaterial>,
    routes: Arc<ArcSwap<RouteTable>>,
    limiter: Arc<Limiter>,
    plans: Arc<ArcSwap<Plans>>,
}

impl Gate {
    /// A gate over these. Peppers, routes and plans can be changed while it
    /// decides.
    #[must_use]
    pub fn new(
        keys: Arc<dyn KeyLookup>,
        material: Arc<dyn KeyMaterial>,
        routes: Arc<ArcSwap<RouteTable>>,
        limiter: Arc<Limiter>,
        plans: Arc<ArcSwap<Plans>>,
    ) -> Self {
        Self {
            keys,
            material,
            routes,
            limiter,
            plans,
        }
    }

    /// Decides on one request, and counts it against its budget.
    ///
    /// The order is that of the public contract, section 3: key, address,
    /// limit, route, permission. The route is found first, so that a record of
    /// any refusal can name it, but it is acted upon in its turn.
    pub async fn check(&self, facts: &RequestFacts<'_>) -> Verdict {
        let routes = self.routes.load_full();
        let found = routes.find(facts.method, facts.path);
        let route = match &found {
            RouteMatch::Found { route, .. } => Some(route.pattern.clone()),
            _ => None,
        };
        match self.decide(facts, found).await {
            Ok(verdict) => verdict,
            Err(denied) => Verdict::Refuse(Denied { route, ..denied }),
        }
    }

    /// The rules, one a line; the first that is broken ends it.
    async fn decide(
        &self,
        facts: &RequestFacts<'_>,
        found: RouteMatch<'_>,
    ) -> Result<Verdict, Denied> {
        // Who is asking?
        let presented = check::credential(facts.credential)?;
        let snapshot = self.find(&presented).await?;
        let who = Identity::of(&snapshot.key);
        let known = |refusal| Denied::known(refusal, &who);
        check::consistent(&snapshot, presented.environment()).map_err(known)?;
        drop(presented);
        check::alive(&snapshot, facts.now.wall).map_err(known)?;
        // From where?
        check::address(&snapshot.key, facts.client_ip).map_err(known)?;
        // How often?
        let plan = check::plan(&snapshot.account, &self.plans.load()).map_err(known)?;
        let rate = rate::count(&self.limiter, &snapshot, &plan, &facts.now);
        let counted = |refusal| Denied::counted(refusal, &who, rate);
        rate.within().map_err(counted)?;
        // What for, and may they?
        let (route, params) = check::route(found).map_err(counted)?;
        route.permits(snapshot.key.permissions).map_err(counted)?;
        Ok(Verdict::Allow {
            grant: Grant::new(snapshot, plan),
            route: route.clone(),
            params,
            rate,
        })
    }

    /// The key as it is now. One that is not found is looked for once more
    /// where there are peppers by now that it was not looked for with.
    async fn find(&self, presented: &Presented<'_>) -> Result<KeySnapshot, Refusal> {
        let peppers = self.material.peppers();
        let candidates = self.candidates(presented, &peppers).await?;
        if let Some(snapshot) = check::answered(self.keys.find(&candidates).await)? {
            return Ok(snapshot);
        }
        if !check::answered(self.material.catch_up(&peppers).await)? {
            return Err(Refusal::UnknownKey);
        }
        let peppers = self.material.peppers();
        let candidates = self.candidates(presented, &peppers).await?;
        check::answered(self.keys.find(&candidates).await)?.ok_or(Refusal::UnknownKey)
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
