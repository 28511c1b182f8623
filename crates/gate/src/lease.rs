//! The lease under which a node may answer from memory.

use std::fmt;
use std::sync::Arc;

use torvus_domain::{Change, Clock, Epoch, LEASE, LeaseStore, LookupUnavailable};

use crate::KeyCache;

/// What a renewal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The lease was held, and is held on. Nothing had changed.
    Unchanged,
    /// Something had changed; it is forgotten, and the others were told so.
    Acknowledged,
    /// The node was entered anew: at its start, or after others had given up
    /// waiting for it. Nothing is remembered.
    Registered,
}

/// Keeps a node's lease. One for each [`KeyCache`]; whoever has it calls
/// [`LeaseKeeper::renew`] every [`LEASE_RENEWAL`](torvus_domain::LEASE_RENEWAL),
/// and as soon as something may have changed.
pub struct LeaseKeeper<S> {
    store: S,
    cache: KeyCache,
    clock: Arc<dyn Clock>,
    heed: Box<dyn FnMut() + Send>,
    /// What was acknowledged last; none where this node is not entered.
    acknowledged: Option<Epoch>,
}

impl<S: LeaseStore> LeaseKeeper<S> {
    /// A keeper that holds no lease yet. `heed` is called where more than keys
    /// may have changed ([`Change::Everything`]), before that is acknowledged: to
    /// read again what else the node goes by.
    pub fn new(
        store: S,
        cache: KeyCache,
        clock: Arc<dyn Clock>,
        heed: impl FnMut() + Send + 'static,
    ) -> Self {
        Self {
            store,
            cache,
            clock,
            heed: Box::new(heed),
            acknowledged: None,
        }
    }

    /// The store that it asks.
    pub const fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// Renews the lease, once what has changed is forgotten.
    ///
    /// A lease counts from before the store is asked: a change that the answer
    /// does not have yet was committed later, and whoever made it waits for
    /// longer than that from then on.
    ///
    /// # Errors
    /// [`LookupUnavailable`] where the store can't be asked: the lease is then
    /// not renewed, and runs out by itself.
    pub fn renew(&mut self) -> Result<Renewal, LookupUnavailable> {
        let began = self.clock.now().monotonic;
        let standing = self.store.standing()?;
        let (Some(known), Some(entered)) = (self.acknowledged, standing.acknowledged) else {
            return self.register();
        };
        // A store that was put back to an older state is another store.
        if known != entered || standing.epoch < known {
            return self.register();
        }
        if standing.epoch > known {
            let changes = self.store.changes(known, standing.epoch)?;
            self.cache.forget(&changes);
            if changes.contains(&Change::Everything) {
                (self.heed)();
            }
            if !self.store.acknowledge(standing.epoch)? {
                return self.register();
            }
            self.acknowledged = Some(standing.epoch);
        }
        self.cache.hold_until(began + LEASE);
        Ok(if standing.epoch > known {
            Renewal::Acknowledged
        } else {
            Renewal::Unchanged
        })
    }

    /// Enters the node anew, with nothing remembered.
    fn register(&mut self) -> Result<Renewal, LookupUnavailable> {
        self.acknowledged = None;
        self.cache.give_up();
        let began = self.clock.now().monotonic;
        let epoch = self.store.register()?;
        // Before it was entered nobody waited for this node: what was read
        // until now, and is still on its way, may be old.
        self.cache.give_up();
        (self.heed)();
        self.acknowledged = Some(epoch);
        self.cache.hold_until(began + LEASE);
        Ok(Renewal::Registered)
    }

    /// Gives the lease up, so that no change waits for this node.
    ///
    /// # Errors
    /// [`LookupUnavailable`] where the store can't be told: the lease is given
    /// up all the same.
    pub fn leave(&mut self) -> Result<(), LookupUnavailable> {
        self.acknowledged = None;
        self.cache.give_up();
        self.store.leave()
    }
}

impl<S> fmt::Debug for LeaseKeeper<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseKeeper")
            .field("acknowledged", &self.acknowledged)
            .finish_non_exhaustive()
    }
}
