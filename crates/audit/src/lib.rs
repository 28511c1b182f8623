#![doc = include_str!("../README.md")]

mod chain;
mod checkpoint;
pub mod csv;
pub mod export;
mod filter;
mod hex;
pub mod journal;
pub mod jsonl;
mod record;
mod signature;
pub mod verify;

pub use chain::{Hash, HashError, Head, database_chain};
pub use checkpoint::{ChainEnd, Checkpoint, CheckpointError, Tombstone};
pub use filter::{AuditFilter, Cursor, StatusFilter, StatusFilterError};
pub use record::{AuditRecord, LineError};
pub use signature::{NoRandomness, PublicKey, PublicKeyError, Signer, SignerError};
