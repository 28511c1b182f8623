//! All routes, and the search among them.

use std::collections::BTreeMap;
use std::sync::Arc;

use matchit::Router;

use crate::pattern::{fits_parameter, shape};
use crate::{Route, RouteMatch, TableError, source};

/// Torvus's own table, as it is shipped.
const TORVUS: &str = include_str!("../routes/torvus.toml");

/// Which routes are served and what they need. There is no way to change one
/// that was made.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    routes: Vec<Arc<Route>>,
    /// From a path to the routes of its methods, as places in `routes`.
    paths: Router<BTreeMap<String, usize>>,
}

impl RouteTable {
    /// The table of the public contract, section 4.
    ///
    /// Tests prove that it can be read. If that ever were not so, nothing
    /// would be served.
    #[must_use]
    pub fn torvus() -> Self {
        Self::parse(TORVUS).unwrap_or_default()
    }

    /// Reads a table that is written as the [crate's documentation](crate)
    /// shows.
    ///
    /// # Errors
    /// [`TableError`] names the route and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let routes = source::read(text)?;
        let mut operations = BTreeMap::new();
        let mut shapes: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for route in &routes {
            if operations.insert(&route.operation, route.id).is_some() {
                return Err(TableError::DuplicateOperation(route.operation.clone()));
            }
            let shape = shape(&route.pattern).ok_or_else(|| TableError::Path {
                operation: route.operation.clone(),
                path: route.pattern.clone(),
            })?;
            let methods = shapes.entry(shape).or_default();
            // The same path under two names would be two routes in the audit log.
            let renamed = methods
                .values()
                .filter_map(|id| routes.get(*id))
                .find(|other| other.pattern != route.pattern || other.method == route.method);
            if let Some(first) = renamed {
                return Err(conflict(first, route));
            }
            methods.insert(route.method.clone(), route.id);
        }
        let mut paths = Router::new();
        for (shape, methods) in shapes {
            let route = methods.values().find_map(|id| routes.get(*id));
            if paths.insert(shape, methods.clone()).is_err()
                && let Some(route) = route
            {
                return Err(conflict(route, route));
            }
        }
        let routes = routes.into_iter().map(Arc::new).collect();
        Ok(Self { routes, paths })
    }

    /// All routes, in the order of the table.
    #[must_use]
    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// Which route a request goes to. The path is taken as it was sent,
    /// without its query; see the [crate's documentation](crate).
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> RouteMatch<'_> {
        let Ok(found) = self.paths.at(path) else {
            return RouteMatch::NotFound;
        };
        if !found.params.iter().all(|(_, value)| fits_parameter(value)) {
            return RouteMatch::NotFound;
        }
        let wanted = if method == "HEAD" { "GET" } else { method };
        let methods = found.value;
        match methods.get(wanted).and_then(|id| self.routes.get(*id)) {
            Some(route) => RouteMatch::Found {
                route,
                params: found
                    .params
                    .iter()
                    .map(|(_, value)| value.to_owned())
                    .collect(),
            },
            None => RouteMatch::WrongMethod {
                allow: allow(methods),
            },
        }
    }
}

fn conflict(first: &Route, second: &Route) -> TableError {
    TableError::Conflict {
        first: first.operation.clone(),
        second: second.operation.clone(),
    }
}

/// `Allow` for a path: its methods in alphabetical order.
fn allow(methods: &BTreeMap<String, usize>) -> String {
    let mut allowed: Vec<&str> = Vec::new();
    for method in methods.keys() {
        allowed.push(method);
        if method == "GET" {
            allowed.push("HEAD");
        }
    }
    allowed.join(", ")
}
