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
pub mod leases;
mod lookup;
mod migrate;
mod node_lease;
pub mod nodes;
pub mod peppers;
mod pool;
pub mod recipes;
mod renewal;
pub mod resources;
mod schema;
pub mod secrets;
pub mod snapshots;
mod stir;
mod store;
mod tx;
mod url;
pub mod usage;
pub mod usage_secrets;

pub use conn::Conn;
pub use error::StorageError;
pub use migrate::Schema;
pub use node_lease::NodeLease;
pub use store::Store;
pub use url::StoreUrl;
