//! What records mean for usage and limits: summed up, and stored by the
//! transaction that writes the records, so the two can't tell different
//! stories.

use torvus_audit::AuditRecord;

use crate::{Conn, StorageError, budgets, usage};

/// The sums of one transaction.
#[derive(Default)]
pub(crate) struct RollUps {
    usage: usage::Sums,
    budgets: budgets::Sums,
}

impl RollUps {
    /// Adds what a record means.
    pub(crate) fn add(&mut self, record: &AuditRecord) {
        self.usage.add(record);
        self.budgets.add(record);
    }

    /// How many rows it takes to store them.
    pub(crate) fn rows(&self) -> usize {
        self.usage.rows() + self.budgets.rows()
    }

    /// Stores them.
    pub(crate) fn store(self, c: &mut Conn) -> Result<(), StorageError> {
        self.usage.store(c)?;
        self.budgets.store(c)
    }
}
