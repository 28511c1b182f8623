//! What is decided.

use torvus_authz::Route;
use torvus_domain::Refusal;

use crate::{Counted, Grant, Identity};

/// The decision on a request. It is a refusal, too, where none could be
/// reached.
#[must_use]
#[derive(Debug)]
pub enum Verdict {
    /// It may pass to its handler.
    Allow {
        /// The proof of it.
        grant: Grant,
        /// Where it goes.
        route: Route,
        /// The values of the route's parameters, as they were sent.
        params: Vec<String>,
        /// Its budget, this request counted.
        rate: Counted,
    },
    /// It may not.
    Refuse {
        /// Why.
        refusal: Refusal,
        /// Who was asking, as soon as a key was found.
        who: Option<Identity>,
        /// The pattern of the route, where the request has one.
        route: Option<String>,
        /// The budget, if the request came as far as being counted.
        rate: Option<Counted>,
    },
}

/// A refusal on its way out, with what was known by then.
pub(crate) struct Denied {
    refusal: Refusal,
    who: Option<Identity>,
    rate: Option<Counted>,
}

impl Denied {
    /// The key is known, the request is not counted.
    pub(crate) fn known(refusal: Refusal, who: &Identity) -> Self {
        Self {
            refusal,
            who: Some(who.clone()),
            rate: None,
        }
    }

    /// The request is counted.
    pub(crate) fn counted(refusal: Refusal, who: &Identity, rate: Counted) -> Self {
        Self {
            rate: Some(rate),
            ..Self::known(refusal, who)
        }
    }

    pub(crate) fn into_verdict(self, route: Option<String>) -> Verdict {
        Verdict::Refuse {
            refusal: self.refusal,
            who: self.who,
            route,
            rate: self.rate,
        }
    }
}

impl From<Refusal> for Denied {
    /// Nobody is known yet.
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            who: None,
            rate: None,
        }
    }
}
