//! Who keys belong to.

use crate::{AccountId, Email, PlanName, Timestamp};

/// An account: the owner of keys and of what they reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its identifier; never changes.
    pub id: AccountId,
    /// The address by which its holder signs in.
    pub email: Email,
    /// The plan it is on. The plan itself is in the settings.
    pub plan: PlanName,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is suspended: none of its keys is let in.
    pub suspended_at: Option<Timestamp>,
}
