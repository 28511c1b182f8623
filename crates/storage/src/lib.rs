#![doc = include_str!("../README.md")]

pub mod accounts;
pub mod audit;
pub mod budgets;
pub mod chains;
mod columns;
mod conn;
mod error;
pub mod idempotency;
pub mod indexing;
pub mod keys;
mod lookup;
mod migrate;
pub mod nodes;
pub mod peppers;
mod pool;
pub mod recipes;
mod renewal;
pub mod resources;
mod schema;
mod store;
mod tx;
mod url;
pub mod usage;

pub use conn::Conn;
pub use error::StorageError;
pub use migrate::Schema;
pub use store::Store;
pub use url::StoreUrl;
