//! The first port: how the gate learns what a key is.

use std::future::Future;
use std::pin::Pin;

use torvus_key_core::Candidate;

use crate::{Account, ApiKey, Secret, Spent};

/// A key, its account, the secret that was shown and what is used of the
/// limits, read at one instant.
#[derive(Clone, Debug)]
pub struct KeySnapshot {
    /// The key.
    pub key: ApiKey,
    /// The account it belongs to.
    pub account: Account,
    /// The secret that was shown.
    pub secret: Secret,
    /// What was recorded of the key's budget and of its account's.
    pub spent: Vec<Spent>,
    /// A change of the key, of its account or of what it is found by is under
    /// way: what is read here may be used now, but not be remembered.
    pub changing: bool,
}

/// The store could not be asked. Never a yes, never a no: 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys can't be read now")]
pub struct LookupUnavailable;

/// What a look-up gives in the end.
pub type LookupFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Option<KeySnapshot>, LookupUnavailable>> + Send + 'a>>;

/// Finds keys by their digests.
pub trait KeyLookup: Send + Sync {
    /// The key that is stored under one of these digests, of which the first is
    /// the likeliest. Where it is stored under an older one, whoever implements
    /// this sees to it that it is stored under the current one before long.
    fn find<'a>(&'a self, candidates: &'a [Candidate]) -> LookupFuture<'a>;
}
