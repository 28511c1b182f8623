//! Whose requests are counted together, and what is used of their limit.

use std::fmt;

use crate::{AccountId, ApiKey, KeyId, LimitScope, Timestamp};

/// What shares one limit: a key, or all keys of an account and environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget(Owner);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Key(KeyId),
    Account(AccountId, &'static str),
}

impl Budget {
    /// The budget of this key alone.
    #[must_use]
    pub const fn of_key(key: &ApiKey) -> Self {
        Self(Owner::Key(key.id))
    }

    /// The budget that this key shares with all others of its account and
    /// environment.
    #[must_use]
    pub const fn of_account(key: &ApiKey) -> Self {
        Self(Owner::Account(key.account_id, key.environment.as_str()))
    }

    /// What shares it.
    #[must_use]
    pub const fn scope(&self) -> LimitScope {
        match self.0 {
            Owner::Key(_) => LimitScope::Key,
            Owner::Account(..) => LimitScope::Account,
        }
    }
}

impl fmt::Display for Budget {
    /// The name under which it is kept: `key_…`, or `acc_…:live`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Owner::Key(id) => id.fmt(f),
            Owner::Account(id, environment) => write!(f, "{id}:{environment}"),
        }
    }
}

/// What is used of a budget, in a form that outlives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Of which budget.
    pub budget: Budget,
    /// When it is whole again, never told too early.
    pub whole_at: Timestamp,
    /// The limit that it was counted against, per hour.
    pub limit: u32,
    /// The higher limit under which more than `limit` was used: that part
    /// comes back at its pace. `limit` itself where there is no such part.
    pub peak: u32,
    /// How often the limit was changed while something was used. Of two
    /// accounts of one budget the one with more changes is the later one.
    pub changes: u32,
}
