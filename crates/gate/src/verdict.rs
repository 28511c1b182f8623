//! What is decided.

use std::sync::Arc;

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
        route: Arc<Route>,
        /// The values of the route's parameters, as they were sent.
        params: Vec<String>,
        /// Its budget, this request counted.
        rate: Counted,
    },
    /// It may not.
    Refuse(Denied),
}

/// A refusal, with what was known by then.
#[derive(Debug)]
pub struct Denied {
    /// Why.
    pub refusal: Refusal,
    /// Who was asking, as soon as a key was found.
    pub who: Option<Identity>,
    /// The route, where the request has one.
    pub route: Option<Arc<Route>>,
    /// The budget, if the request came as far as being counted.
    pub rate: Option<Counted>,
}

impl Denied {
    /// The key is known, the request is not counted.
    pub(crate) fn known(refusal: Refusal, who: Identity) -> Self {
        Self {
            who: Some(who),
            ..Self::from(refusal)
        }
    }

    /// The request is counted.
    pub(crate) fn counted(refusal: Refusal, who: Identity, rate: Counted) -> Self {
        Self {
            rate: Some(rate),
            ..Self::known(refusal, who)
        }
    }
}

impl From<Refusal> for Denied {
    /// Nobody is known yet.
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            who: None,
            route: None,
            rate: None,
        }
    }
}
