//! The store as what the gate and the recorder need of it.

use torvus_audit::{AuditRecord, Sink, SinkError};
use torvus_domain::{KeyLookup, LookupFuture, LookupUnavailable};
use torvus_key_core::KeyDigest;

use crate::{Store, audit, keys};

impl KeyLookup for Store {
    fn find<'a>(&'a self, digests: &'a [KeyDigest]) -> LookupFuture<'a> {
        let digests = digests.to_vec();
        Box::pin(async move {
            self.run_read(move |c| keys::snapshot_by_digests(c, &digests))
                .await
                .map_err(|error| {
                    tracing::error!(%error, "a key could not be looked up");
                    LookupUnavailable
                })
        })
    }
}

impl Sink for Store {
    fn append(&self, batch: &[AuditRecord]) -> Result<(), SinkError> {
        self.write(|c| audit::append(c, batch)).map_err(|error| {
            tracing::error!(%error, records = batch.len(), "audit records could not be stored");
            SinkError
        })
    }
}
