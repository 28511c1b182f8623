//! Why a request would be let in or not, and what would change that.

mod change;
mod detail;
mod near;
mod told;

use std::net::IpAddr;
use std::time::Duration;

use torvus_authz::RouteTable;
use torvus_domain::{Instants, KeySnapshot, Outcome, Plans, Refusal, Timestamp};
use torvus_ratelimit::Limiter;

pub use change::Change;
pub use told::{Door, Early, QuestionError, ToldCheck, before_the_gate, method_of, path_of, told};

use crate::Counted;
use crate::decision::{Asked, Rules, decide};
use crate::trace::{Check, Trace};

/// More changes than there are checks would go round in a circle.
const CHANGES_MAX: usize = 2 * Check::ALL.len();

/// A request that somebody wonders about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The method, as it would be sent.
    pub method: String,
    /// The path, raw, without the query.
    pub path: String,
    /// Where it would come from; none where that is not known.
    pub client_ip: Option<IpAddr>,
    /// When it would come.
    pub at: Timestamp,
}

/// What became of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// Whether it passed; none where another check had decided before.
    pub passed: Option<bool>,
    /// What was found, as a sentence.
    pub detail: String,
}

/// What would let the request in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// All of these together. Empty where it is let in anyway.
    Changes(Vec<Change>),
    /// Nothing that could be changed; says why.
    None(String),
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Why it is refused; none where it is let in.
    pub refusal: Option<Refusal>,
    /// Every check in its order. At most one has failed: it decided.
    pub findings: Vec<Finding>,
    /// What would let it in.
    pub remedy: Remedy,
}

impl Explanation {
    /// The word that the audit log would have for it, as far as the gate goes.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let refusal = self.refusal.as_ref();
        refusal.map_or(Outcome::Ok, Refusal::outcome)
    }
}

/// Decides on a request that is not made, by the very rules of
/// [`Gate::check`](crate::Gate::check), and says why. Nothing is counted: the
/// budgets are as they are recorded in the snapshot.
///
/// The changes that would let it in are found by making them, on a copy, one
/// after the other, and deciding anew until it is let in. `now` is when they
/// could be made.
#[must_use]
pub fn explain(
    snapshot: &KeySnapshot,
    question: &Question,
    routes: &RouteTable,
    plans: &Plans,
    now: Timestamp,
) -> Explanation {
    let mut world = World {
        snapshot: snapshot.clone(),
        question: question.clone(),
        routes,
        plans,
        now,
    };
    let first = world.attempt();
    let mut findings = first.findings(&world);
    let refusal = first.broken().map(|(_, refusal)| refusal.clone());
    let mut changes = Vec::new();
    let mut last = first;
    let remedy = loop {
        let Some((check, refusal)) = last.broken() else {
            break Remedy::Changes(changes);
        };
        if changes.len() >= CHANGES_MAX {
            break Remedy::None("no set of changes was found".to_owned());
        }
        match world.change(*check, refusal, last.rate.as_ref()) {
            Ok(change) => {
                change.make(&mut world.snapshot, &mut world.question);
                changes.push(change);
            }
            Err(why) => break Remedy::None(why),
        }
        last = world.attempt();
        detail::foretell(&mut findings, &last.findings(&world));
    };
    Explanation {
        refusal,
        findings,
        remedy,
    }
}

/// What a question is decided on, and what is changed of it to find out more.
struct World<'a> {
    snapshot: KeySnapshot,
    question: Question,
    routes: &'a RouteTable,
    plans: &'a Plans,
    now: Timestamp,
}

/// What one decision saw.
#[derive(Default)]
struct Attempt {
    seen: Vec<(Check, Option<Refusal>)>,
    rate: Option<Counted>,
}

impl Trace for Attempt {
    fn see<T>(&mut self, check: Check, result: Result<T, Refusal>) -> Result<T, Refusal> {
        self.seen.push((check, result.as_ref().err().cloned()));
        result
    }
}

impl Attempt {
    /// The check that decided against it.
    fn broken(&self) -> Option<(&Check, &Refusal)> {
        let last = self.seen.last();
        last.and_then(|(check, refusal)| Some((check, refusal.as_ref()?)))
    }

    fn findings(&self, world: &World<'_>) -> Vec<Finding> {
        let finding = |check: &Check| {
            let seen = self.seen.iter().find(|(seen, _)| seen == check);
            Finding {
                check: *check,
                passed: seen.map(|(_, refusal)| refusal.is_none()),
                detail: match seen {
                    Some((check, refusal)) => world.detail(*check, refusal.as_ref(), self.rate),
                    None => detail::NOT_REACHED.to_owned(),
                },
            }
        };
        Check::ALL.iter().map(finding).collect()
    }
}

impl World<'_> {
    /// Decides, and counts on a limiter that is thrown away.
    fn attempt(&self) -> Attempt {
        let mut attempt = Attempt::default();
        let key = &self.snapshot.key;
        let asked = Asked {
            environment: Some(key.environment),
            client_ip: self.client_ip(),
            now: Instants {
                wall: self.question.at,
                monotonic: Duration::ZERO,
            },
            found: self.routes.find(&self.question.method, &self.question.path),
        };
        let limiter = Limiter::memory();
        for spent in &self.snapshot.spent {
            limiter.restore(spent, &asked.now);
        }
        let rules = Rules {
            plans: self.plans,
            limiter: &limiter,
        };
        let decided = decide(&self.snapshot, asked, rules, &mut attempt);
        attempt.rate = match decided {
            Ok(passed) => Some(passed.rate),
            Err(denied) => denied.rate,
        };
        attempt
    }

    /// Where the key is bound to no address, any will do, also one that was
    /// not told.
    fn client_ip(&self) -> Option<IpAddr> {
        let any = std::net::Ipv4Addr::UNSPECIFIED.into();
        let unbound = self.snapshot.key.allowed_ips.is_empty();
        self.question.client_ip.or_else(|| unbound.then_some(any))
    }
}
