//! Who was asking, as records and answers name them.

use torvus_domain::{AccountId, KeyId, KeyName, KeySnapshot, Secret, Timestamp};
use torvus_key_core::Environment;

/// Whose key a request came with, also where it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account_id: AccountId,
    /// The key.
    pub key_id: KeyId,
    /// What its holder calls it.
    pub key_name: KeyName,
    /// Which data it reaches.
    pub environment: Environment,
    /// The instant from which it is refused.
    pub key_expires_at: Option<Timestamp>,
    /// Which of its secrets was shown.
    pub secret: Secret,
}

impl Identity {
    pub(crate) fn of(found: &KeySnapshot) -> Self {
        let key = &found.key;
        Self {
            account_id: key.account_id,
            key_id: key.id,
            key_name: key.name.clone(),
            environment: key.environment,
            key_expires_at: key.expires_at,
            secret: found.secret,
        }
    }
}
