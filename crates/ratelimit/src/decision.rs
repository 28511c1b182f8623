//! What counting a request gives.

use torvus_domain::{LimitScope, Spent};

/// Whether a request fits into its budget. If so, it has been counted.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may pass.
    pub allowed: bool,
    /// The budget after the decision.
    pub snapshot: RateSnapshot,
    /// The same, to be recorded. `None` of a limit of 0, of which nothing can
    /// be used.
    pub spent: Option<Spent>,
}

/// The state of a budget, as the headers of an answer tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSnapshot {
    /// Requests per hour.
    pub limit: u32,
    /// How many could follow at once.
    pub remaining: u32,
    /// The Unix second, rounded up, at which the whole limit is available
    /// again.
    pub reset_at_unix: i64,
    /// Seconds, rounded up, until one more request is available than now. At
    /// least 1; after a refusal it is how long to wait.
    pub next_seconds: u64,
    /// What shares the budget.
    pub scope: LimitScope,
}
