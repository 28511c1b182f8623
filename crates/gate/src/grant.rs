//! The proof that a request may pass.

use std::sync::Arc;

use torvus_domain::{Account, ApiKey, KeySnapshot, Plan, Secret};

use crate::Identity;

/// Who was let in, and with what. Only [`Gate::check`](crate::Gate::check)
/// makes one, so a handler that asks for it can't be reached in another way:
///
/// ```compile_fail,E0451
/// # fn forge(snapshot: torvus_domain::KeySnapshot, plan: torvus_domain::Plan) {
/// let grant = torvus_gate::Grant { snapshot: snapshot.into(), plan };
/// # }
/// ```
#[derive(Debug)]
pub struct Grant {
    snapshot: Arc<KeySnapshot>,
    plan: Plan,
}

impl Grant {
    pub(crate) const fn new(snapshot: Arc<KeySnapshot>, plan: Plan) -> Self {
        Self { snapshot, plan }
    }

    /// The account that is asking.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.snapshot.account
    }

    /// The key that it used.
    #[must_use]
    pub fn key(&self) -> &ApiKey {
        &self.snapshot.key
    }

    /// The key's secret that was shown.
    #[must_use]
    pub fn secret(&self) -> Secret {
        self.snapshot.secret
    }

    /// The plan that the account is on.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What a record keeps of who was asking.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity::of(&self.snapshot)
    }
}
