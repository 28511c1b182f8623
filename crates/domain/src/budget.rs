//! Whose requests are counted together, and what is used of their limit.

use std::fmt;
use std::str::FromStr;

use torvus_key_core::Environment;

use crate::{AccountId, ApiKey, KeyId, LimitScope, Timestamp};

/// What shares one limit: a key, or all keys of an account and environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget(Owner);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Key(KeyId),
    Account(AccountId, Environment),
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
        Self(Owner::Account(key.account_id, key.environment))
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

impl FromStr for Budget {
    type Err = BudgetError;

    fn from_str(text: &str) -> Result<Self, BudgetError> {
        let owner = match text.split_once(':') {
            None => text.parse().ok().map(Owner::Key),
            Some((account, environment)) => match (account.parse(), environment.parse()) {
                (Ok(account), Ok(environment)) => Some(Owner::Account(account, environment)),
                _ => None,
            },
        };
        owner.map(Self).ok_or(BudgetError)
    }
}

impl serde::Serialize for Budget {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Budget {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that names no budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no budget: a key, or an account and an environment")]
pub struct BudgetError;

/// What is used of a budget, in a form that outlives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_read_back_from_its_name() {
        let account = AccountId::new(Timestamp::UNIX_EPOCH);
        for owner in [
            Owner::Key(KeyId::new(Timestamp::UNIX_EPOCH)),
            Owner::Account(account, Environment::Live),
            Owner::Account(account, Environment::Test),
        ] {
            assert_eq!(Budget(owner).to_string().parse(), Ok(Budget(owner)));
        }
        for bad in [
            "",
            ":",
            "key_1",
            &format!("{account}"),
            &format!("{account}:prod"),
        ] {
            assert_eq!(bad.parse::<Budget>(), Err(BudgetError), "{bad}");
        }
    }
}
