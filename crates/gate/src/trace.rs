//! What was looked at, for whoever wants to know why.

use torvus_domain::Refusal;

/// What is looked at, in this order, once a key was found. The first that is
/// broken decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// What was found belongs together.
    Record,
    /// The key was not revoked.
    Revocation,
    /// The key's time is not over.
    Expiry,
    /// The secret was not replaced, or its grace is not over.
    Secret,
    /// The account is not suspended.
    Account,
    /// The key may be used from the address.
    Address,
    /// The account's plan is known.
    Plan,
    /// The budget has room.
    Limit,
    /// The request has a route.
    Route,
    /// The key has the permission that the route needs.
    Permission,
}

impl Check {
    /// All of them, in their order.
    pub const ALL: [Self; 10] = [
        Self::Record,
        Self::Revocation,
        Self::Expiry,
        Self::Secret,
        Self::Account,
        Self::Address,
        Self::Plan,
        Self::Limit,
        Self::Route,
        Self::Permission,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Revocation => "revocation",
            Self::Expiry => "expiry",
            Self::Secret => "secret",
            Self::Account => "account",
            Self::Address => "address",
            Self::Plan => "plan",
            Self::Limit => "limit",
            Self::Route => "route",
            Self::Permission => "permission",
        }
    }
}

/// Sees each check as it is made.
pub(crate) trait Trace {
    /// Takes note of a result, and hands it on.
    fn see<T>(&mut self, check: Check, result: Result<T, Refusal>) -> Result<T, Refusal>;
}

/// Sees nothing. The compiler leaves nothing of it.
pub(crate) struct Untraced;

impl Trace for Untraced {
    #[inline]
    fn see<T>(&mut self, _check: Check, result: Result<T, Refusal>) -> Result<T, Refusal> {
        result
    }
}
