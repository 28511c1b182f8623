//! The store as what the gate needs of it.

use torvus_domain::{KeyLookup, LookupFuture, LookupUnavailable};
use torvus_key_core::{Candidate, KeyDigest};

use crate::{Store, keys, renewal};

impl KeyLookup for Store {
    fn find<'a>(&'a self, candidates: &'a [Candidate]) -> LookupFuture<'a> {
        let digests: Vec<KeyDigest> = candidates.iter().map(|one| one.digest.clone()).collect();
        Box::pin(async move {
            let found = self
                .run_read(move |c| keys::find_by_digests(c, &digests))
                .await
                .map_err(|error| {
                    tracing::error!(%error, "a key could not be looked up");
                    LookupUnavailable
                })?;
            let Some((position, mut snapshot)) = found else {
                return Ok(None);
            };
            if let Some(candidate) = candidates.get(position) {
                renewal::ask(self, candidate);
                // Until it has moved each use asks for that again.
                snapshot.changing |= candidate.renewed.is_some();
            }
            Ok(Some(snapshot))
        })
    }
}
