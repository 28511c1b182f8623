//! Which addresses are counted by themselves. A holder of a key may send
//! requests from any number of them, so those that come late share one row.

use std::collections::BTreeSet;

use crate::StorageError;

/// How many have a row of their own. Servers that write at the same moment
/// don't see each other's, so together they may keep a few more.
const MAX: usize = 1_000;
/// What the row of all others has for an address.
pub(crate) const OTHERS: &str = "*";

/// Those that have a row; none where new ones have room beside them.
pub(crate) struct OwnRows(Option<BTreeSet<String>>);

impl OwnRows {
    /// Of a table that has `count` such rows, where `new` may be added: which
    /// they are is read only where that may be too many.
    pub(crate) fn of(
        count: i64,
        new: usize,
        read: impl FnOnce() -> Result<Vec<String>, StorageError>,
    ) -> Result<Self, StorageError> {
        if usize::try_from(count).is_ok_and(|count| count + new <= MAX) {
            return Ok(Self(None));
        }
        Ok(Self(Some(read()?.into_iter().collect())))
    }

    /// Puts an address into the row where it is counted.
    pub(crate) fn place(&mut self, ip: &mut String) {
        let Some(own) = &mut self.0 else {
            return;
        };
        if own.contains(ip) {
            return;
        }
        if own.len() < MAX {
            own.insert(ip.clone());
        } else {
            OTHERS.clone_into(ip);
        }
    }
}
