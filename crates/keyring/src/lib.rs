//! What is done to accounts and keys. Every change writes its audit record in
//! the same transaction: there is no change without a trace.

pub mod accounts;
mod actor;
mod bootstrap;
mod error;
pub mod import;
pub mod keys;
mod password;
pub mod peppers;

pub use actor::Actor;
pub use bootstrap::{Bootstrapped, bootstrap};
pub use error::KeyringError;
