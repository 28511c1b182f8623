//! What a node may remember, and until when: the port between a cache and the
//! store that all nodes share.

use std::time::Duration;

use crate::{AccountId, KeyId, LookupUnavailable};

/// How long a lease is good for, by the clock of the node that holds it,
/// counted from before it asked for it.
pub const LEASE: Duration = Duration::from_secs(1);

/// How often a node renews its lease.
pub const LEASE_RENEWAL: Duration = Duration::from_millis(250);

/// How long a change waits for a node that does not answer, by the clock of
/// the one who waits. It is longer than a lease: clocks may differ in pace, by
/// up to a quarter.
pub const LEASE_PATIENCE: Duration = Duration::from_millis(1_250);

/// Counts the changes that can alter an answer.
pub type Epoch = u64;

/// What a change concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// One key, with all its secrets.
    Key(KeyId),
    /// All keys of an account.
    Account(AccountId),
    /// Anything, and what keys are recognised by: peppers, and the ways in which
    /// other systems hashed theirs.
    Everything,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The epoch of the store.
    pub epoch: Epoch,
    /// The epoch that this node acknowledged last. None where it is not, or
    /// not any longer, among those that a change waits for.
    pub acknowledged: Option<Epoch>,
}

/// How one node deals with the store about its lease.
pub trait LeaseStore: Send {
    /// Where this node stands now, read at one instant.
    ///
    /// # Errors
    /// [`LookupUnavailable`] where the store can't be asked.
    fn standing(&mut self) -> Result<Standing, LookupUnavailable>;

    /// Enters this node among those that a change waits for, and gives the
    /// epoch as it is then.
    ///
    /// # Errors
    /// [`LookupUnavailable`] where the store can't be asked.
    fn register(&mut self) -> Result<Epoch, LookupUnavailable>;

    /// What was changed after one epoch, up to another. [`Change::Everything`]
    /// where that is no longer known.
    ///
    /// # Errors
    /// [`LookupUnavailable`] where the store can't be asked.
    fn changes(&mut self, after: Epoch, up_to: Epoch) -> Result<Vec<Change>, LookupUnavailable>;

    /// Says that this node has dropped all that changed up to an epoch. False
    /// where the node is not entered any longer.
    ///
    /// # Errors
    /// [`LookupUnavailable`] where the store can't be asked.
    fn acknowledge(&mut self, epoch: Epoch) -> Result<bool, LookupUnavailable>;

    /// Takes this node off the list.
    ///
    /// # Errors
    /// [`LookupUnavailable`] where the store can't be asked.
    fn leave(&mut self) -> Result<(), LookupUnavailable>;
}
