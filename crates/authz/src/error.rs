//! Why a table of routes is refused.

/// What is wrong with a table of routes, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It is not the TOML that a table is written in.
    #[error("the routes can't be read: {0}")]
    Syntax(String),
    /// It has no route at all.
    #[error("there is no [[route]]")]
    Empty,
    /// A name that an operation can't have.
    #[error("route {0:?}: an operation is named with a-z, 0-9 and _, and begins with a letter")]
    Operation(String),
    /// Two routes have the same operation.
    #[error("the operation {0:?} is there twice")]
    DuplicateOperation(String),
    /// No method in capitals, or one that can't be given a route of its own.
    #[error(
        "route {operation}: {method:?} is no method: use GET, POST, PUT, PATCH or DELETE; HEAD follows GET"
    )]
    Method {
        /// The route.
        operation: String,
        /// What was given.
        method: String,
    },
    /// A path that could be read in two ways, or none at all.
    #[error(
        "route {operation}: {path:?} is no path: use segments such as /vaults and parameters such as /:id, at the end /*rest, without a trailing slash"
    )]
    Path {
        /// The route.
        operation: String,
        /// What was given.
        path: String,
    },
    /// A word that is no permission.
    #[error("route {operation}: {permission:?} is no permission: use any, read, write or delete")]
    Permission {
        /// The route.
        operation: String,
        /// What was given.
        permission: String,
    },
    /// A request could be matched by both routes.
    #[error("the routes {first} and {second} are in conflict: both match the same requests")]
    Conflict {
        /// The one that comes first in the table.
        first: String,
        /// The one that comes later.
        second: String,
    },
}
