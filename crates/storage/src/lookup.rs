//! The store as what the gate needs of it.

use torvus_domain::{KeyLookup, LookupFuture, LookupUnavailable};
use torvus_key_core::KeyDigest;

use crate::{Store, keys};

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
