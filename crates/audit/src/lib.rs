#![doc = include_str!("../README.md")]

pub mod csv;
mod filter;
mod record;
mod recorder;
mod sink;

pub use filter::{AuditFilter, Cursor, StatusFilter, StatusFilterError};
pub use record::AuditRecord;
pub use recorder::{NotRecorded, Recorder};
pub use sink::{Sink, SinkError};
