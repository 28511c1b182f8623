#![doc = include_str!("../README.md")]

mod error;
mod pattern;
mod route;
mod source;
mod table;
mod uri;

pub use error::TableError;
pub use route::{Route, RouteMatch};
pub use table::RouteTable;
pub use uri::plain_path;
