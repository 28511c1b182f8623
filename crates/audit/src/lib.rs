#![doc = include_str!("../README.md")]

mod chain;
pub mod csv;
mod filter;
pub mod journal;
mod record;

pub use chain::{Hash, HashError, Head, database_chain};
pub use filter::{AuditFilter, Cursor, StatusFilter, StatusFilterError};
pub use record::{AuditRecord, LineError};
