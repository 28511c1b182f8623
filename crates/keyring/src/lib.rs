//! What is done to accounts and keys. Every change writes its audit record in
//! the same transaction: there is no change without a trace.

pub mod accounts;
mod actor;
mod bootstrap;
mod change;
mod cookie;
mod edit;
mod error;
mod grace;
pub mod import;
mod issue;
pub mod keys;
pub mod leaks;
pub mod own_password;
mod password;
pub mod peppers;
mod reason;
mod revoke;
mod rotate;
mod rules;
pub mod second_factor;
pub mod sessions;
pub mod sign_in;
mod tries;

pub use actor::Actor;
pub use bootstrap::{Bootstrapped, bootstrap};
pub use change::Changed;
pub use cookie::CookieSecret;
pub use error::KeyringError;
pub use torvus_storage::leases::Settled;
