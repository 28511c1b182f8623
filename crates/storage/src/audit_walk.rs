//! The audit log is walked through, though records go on coming in anywhere
//! between those that are there: of several chains each is indexed in its turn.

use std::collections::BTreeMap;

use torvus_audit::AuditFilter;
use torvus_domain::ChainId;

use crate::audit::{self, Entry};
use crate::{Conn, StorageError, Store, chains};

/// How many records are read at once: what the caller holds in memory.
const PAGE: u32 = 2_000;

/// Where each chain ended at one moment. A walk that takes no record from
/// behind these ends finds all that were there when it began, and of each chain
/// an unbroken piece.
#[derive(Clone, Debug)]
pub struct Ends(BTreeMap<ChainId, u64>);

impl Ends {
    /// Those of now.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn now(c: &mut Conn) -> Result<Self, StorageError> {
        let all = chains::all(c)?.into_iter();
        let ends = all.map(|(chain, position)| (chain, position.head.seq));
        Ok(Self(ends.collect()))
    }

    /// Whether a record was there.
    #[must_use]
    pub fn include(&self, entry: &Entry) -> bool {
        entry.head.seq <= self.of(entry.chain)
    }

    fn of(&self, chain: ChainId) -> u64 {
        self.0.get(&chain).copied().unwrap_or(0)
    }
}

/// Hands over each record that is wanted and was there when this was called, a
/// page at a time. What is taken may fail in a way of its own, and then that is
/// the end.
///
/// # Errors
///
/// Those of the database.
pub fn each<E>(
    store: &Store,
    mut filter: AuditFilter,
    mut take: impl FnMut(&Entry) -> Result<(), E>,
) -> Result<Result<(), E>, StorageError> {
    let ends = store.read(Ends::now)?;
    let mut left = filter.limit.unwrap_or(u32::MAX);
    while left > 0 {
        let asked = left.min(PAGE);
        filter.limit = Some(asked);
        let page = store.read(|c| audit::list(c, &filter))?;
        for entry in page.iter().filter(|entry| ends.include(entry)) {
            if let Err(error) = take(entry) {
                return Ok(Err(error));
            }
            left -= 1;
        }
        match page.last() {
            Some(last) if page.len() >= asked as usize => filter.behind = Some(last.cursor()),
            _ => break,
        }
    }
    Ok(Ok(()))
}

/// What was added to the log since some ends, chain by chain, so that nothing
/// is passed over, however late it came: at most 2,000 places of each chain,
/// by time. The ends move along; true where there is more.
///
/// # Errors
///
/// Those of the database.
pub fn added(
    c: &mut Conn,
    filter: &AuditFilter,
    since: &mut Ends,
) -> Result<(Vec<Entry>, bool), StorageError> {
    let (mut found, mut more) = (Vec::new(), false);
    for (chain, end) in Ends::now(c)?.0 {
        let behind = since.of(chain);
        let up_to = end.min(behind.saturating_add(PAGE.into()));
        if up_to > behind {
            found.extend(audit::of_chain(c, filter, chain, behind, up_to)?);
            since.0.insert(chain, up_to);
            more |= up_to < end;
        }
    }
    found.sort_by_key(|entry| (entry.record.at, entry.record.id));
    Ok((found, more))
}
