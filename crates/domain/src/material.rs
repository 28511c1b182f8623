//! The second port: the secrets by which the gate recognises keys, which may
//! change while it decides.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use torvus_key_core::{PepperRing, Recipe};

use crate::LookupUnavailable;

/// Whether a key that was not found may be looked for again.
pub type CaughtUp<'a> = Pin<Box<dyn Future<Output = Result<bool, LookupUnavailable>> + Send + 'a>>;

/// How other systems hashed the keys that were imported from them.
pub type Recipes<'a> =
    Pin<Box<dyn Future<Output = Result<Arc<[Recipe]>, LookupUnavailable>> + Send + 'a>>;

/// The peppers in use, and where newer ones come from.
pub trait KeyMaterial: Send + Sync {
    /// The peppers as they are now.
    fn peppers(&self) -> Arc<PepperRing>;

    /// Called where a key was not found with `used`, and only then. True where
    /// there are other peppers by now, so that it may be looked for again;
    /// false where `used` are all that the store's keys were made with.
    ///
    /// # Errors
    /// [`LookupUnavailable`] where that can't be told, or a pepper is missing:
    /// the key may be a good one, so nobody may say no to it.
    fn catch_up<'a>(&'a self, used: &'a Arc<PepperRing>) -> CaughtUp<'a>;

    /// By what keys of other systems are recognised; asked only for a text that
    /// is no key of ours. None unless keys were imported.
    ///
    /// # Errors
    /// [`LookupUnavailable`] where that can't be told.
    fn recipes(&self) -> Recipes<'_> {
        Box::pin(async { Ok(Arc::from([])) })
    }
}

/// Peppers that stay as they are: for programs that end soon, and for tests.
pub struct FixedMaterial(Arc<PepperRing>);

impl FixedMaterial {
    /// These, and no others.
    #[must_use]
    pub const fn new(peppers: Arc<PepperRing>) -> Self {
        Self(peppers)
    }
}

impl KeyMaterial for FixedMaterial {
    fn peppers(&self) -> Arc<PepperRing> {
        Arc::clone(&self.0)
    }

    fn catch_up<'a>(&'a self, _used: &'a Arc<PepperRing>) -> CaughtUp<'a> {
        Box::pin(async { Ok(false) })
    }
}

impl fmt::Debug for FixedMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FixedMaterial").field(&self.0).finish()
    }
}
