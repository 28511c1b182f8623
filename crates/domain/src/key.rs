//! An API key as it is loaded. Neither its text nor its digest is in here.

use std::fmt;

use torvus_key_core::{Environment, KeyHint};

use crate::{AccountId, IpAllowlist, KeyId, KeyName, PermissionSet, Timestamp};

/// A key: a name with permissions, and one or more secrets that come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its identifier; stays the same through rotations.
    pub id: KeyId,
    /// The account it belongs to.
    pub account_id: AccountId,
    /// What its holder calls it.
    pub name: KeyName,
    /// Which data it reaches; never changes.
    pub environment: Environment,
    /// What it may do.
    pub permissions: PermissionSet,
    /// The instant from which it is refused.
    pub expires_at: Option<Timestamp>,
    /// Where it may be used from.
    pub allowed_ips: IpAllowlist,
    /// Requests per hour, where it has a limit of its own.
    pub limit: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last passed authentication, as far as is recorded.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Why, where somebody said so.
    pub revoke_reason: Option<String>,
    /// What may be shown of its newest secret.
    pub hint: KeyHint,
}

impl ApiKey {
    /// Its state at `now`. A revoked key stays revoked after its expiry.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            KeyState::Expired
        } else {
            KeyState::Active
        }
    }
}

/// Whether a key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// It can.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
}

impl KeyState {
    /// Its name: `active`, `expired`, `revoked`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
