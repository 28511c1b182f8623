//! The text of a table: what is written in `routes.toml`, not yet checked.

use serde::Deserialize;
use torvus_domain::Permission;

use crate::pattern::is_name;
use crate::{Route, TableError};

/// The methods that a route can be given.
const METHODS: [&str; 5] = ["DELETE", "GET", "PATCH", "POST", "PUT"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    #[serde(default, rename = "route")]
    routes: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    operation: Option<String>,
    method: String,
    path: String,
    permission: String,
}

/// Reads the routes in their order. Their paths are not checked yet.
pub(crate) fn read(text: &str) -> Result<Vec<Route>, TableError> {
    let source: Source = toml::from_str(text).map_err(|error| {
        // One line: what toml says, without the drawing around it.
        TableError::Syntax(match error.span() {
            Some(span) => format!("line {}: {}", line_of(text, span.start), error.message()),
            None => error.message().to_owned(),
        })
    })?;
    if source.routes.is_empty() {
        return Err(TableError::Empty);
    }
    let entries = source.routes.into_iter().enumerate();
    entries.map(|(id, entry)| entry.into_route(id)).collect()
}

impl Entry {
    fn into_route(self, id: usize) -> Result<Route, TableError> {
        let operation = match self.operation {
            Some(name) if !is_name(&name) => return Err(TableError::Operation(name)),
            Some(name) => name,
            None => format!("{} {}", self.method, self.path),
        };
        if !METHODS.contains(&self.method.as_str()) {
            return Err(TableError::Method {
                operation,
                method: self.method,
            });
        }
        let permission = if self.permission == "any" {
            None
        } else {
            let parsed: Result<Permission, _> = self.permission.parse();
            Some(parsed.map_err(|_| TableError::Permission {
                operation: operation.clone(),
                permission: self.permission,
            })?)
        };
        Ok(Route {
            id,
            operation,
            method: self.method,
            pattern: self.path,
            permission,
        })
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}
