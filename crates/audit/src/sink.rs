//! Where records go.

use crate::AuditRecord;

/// The records are not safe. Whether any of them was kept is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log could not be written")]
pub struct SinkError;

/// Keeps records. Called from one thread at a time.
pub trait Sink: Send + Sync + 'static {
    /// Keeps the whole batch, or nothing of it.
    ///
    /// # Errors
    /// [`SinkError`] where the batch is not known to be safe.
    fn append(&self, batch: &[AuditRecord]) -> Result<(), SinkError>;
}
