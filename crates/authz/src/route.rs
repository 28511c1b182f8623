//! One route, and what a search for one gives.

use std::sync::Arc;

use torvus_domain::{Permission, PermissionSet, Refusal};

/// What is served at a method and a path, and what it needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// Its place in the table, from 0 up.
    pub id: usize,
    /// What it does, as handlers know it: `get_vault`. Where the table gives no
    /// name it is method and path.
    pub operation: String,
    /// The method, in capitals.
    pub method: String,
    /// Its path with parameters as `:id` or `*rest`: what the audit log keeps as `route`.
    pub pattern: String,
    /// What a key must be allowed to do; `None`: every valid key will do.
    pub permission: Option<Permission>,
}

impl Route {
    /// Whether a key with these permissions may use it.
    ///
    /// # Errors
    /// [`Refusal::MissingPermission`] names the one that it needs.
    pub const fn permits(&self, permissions: PermissionSet) -> Result<(), Refusal> {
        match self.permission {
            Some(needed) if !permissions.contains(needed) => {
                Err(Refusal::MissingPermission(needed))
            }
            _ => Ok(()),
        }
    }
}

/// What a search for a route gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteMatch<'t> {
    /// The one route.
    Found {
        /// What is served there.
        route: &'t Arc<Route>,
        /// The parameters' values in their order, as they were sent.
        params: Vec<String>,
    },
    /// The path is served, but not with this method.
    WrongMethod {
        /// The methods that are, for the `Allow` header.
        allow: String,
    },
    /// Nothing is served at this path.
    NotFound,
}
