//! The proof that a request may pass.

use torvus_domain::{Account, ApiKey, KeySnapshot, Plan, Secret};

use crate::Identity;

/// Who was let in, and with what. Only [`Gate::check`](crate::Gate::check)
/// makes one, so a handler that asks for it can't be reached in another way:
///
/// ```compile_fail,E0451
/// # fn forge(snapshot: torvus_domain::KeySnapshot, plan: torvus_domain::Plan) {
/// let grant = torvus_gate::Grant { inside: Box::new((snapshot, plan)) };
/// # }
/// ```
#[derive(Debug)]
pub struct Grant {
    inside: Box<(KeySnapshot, Plan)>,
}

impl Grant {
    pub(crate) fn new(snapshot: KeySnapshot, plan: Plan) -> Self {
        Self {
            inside: Box::new((snapshot, plan)),
        }
    }

    /// The account that is asking.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.inside.0.account
    }

    /// The key that it used.
    #[must_use]
    pub const fn key(&self) -> &ApiKey {
        &self.inside.0.key
    }

    /// The key's secret that was shown.
    #[must_use]
    pub const fn secret(&self) -> Secret {
        self.inside.0.secret
    }

    /// The plan that the account is on.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.inside.1
    }

    /// What a record keeps of who was asking.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity::of(&self.inside.0)
    }
}
