//! Whose requests are counted together.

use torvus_domain::{AccountId, ApiKey, KeyId, LimitScope};

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
