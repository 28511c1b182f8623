//! A store that nodes share, with a clock that is set by hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use torvus_domain::{Change, Clock, Epoch, Instants, LeaseStore, LookupUnavailable, Standing};

use crate::kit::start;

/// A clock that stands where it was put.
#[derive(Default)]
pub(crate) struct Hands(Mutex<Duration>);

impl Hands {
    pub(crate) fn set(&self, monotonic: Duration) {
        *self.0.lock().unwrap() = monotonic;
    }
}

impl Clock for Hands {
    fn now(&self) -> Instants {
        let monotonic = *self.0.lock().unwrap();
        Instants {
            wall: start() + monotonic,
            monotonic,
        }
    }
}

/// What all nodes see.
#[derive(Default)]
pub(crate) struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    changes: Vec<Change>,
    nodes: BTreeMap<u64, Epoch>,
    away: bool,
}

impl State {
    fn epoch(&self) -> Epoch {
        self.changes.len() as Epoch
    }
}

impl Shared {
    /// Commits a change.
    pub(crate) fn change(&self, change: Change) -> Epoch {
        let mut state = self.0.lock().unwrap();
        state.changes.push(change);
        state.epoch()
    }

    pub(crate) fn set_away(&self, away: bool) {
        self.0.lock().unwrap().away = away;
    }

    pub(crate) fn nodes(&self) -> BTreeMap<u64, Epoch> {
        self.0.lock().unwrap().nodes.clone()
    }

    /// Strikes a node off.
    pub(crate) fn give_up(&self, node: u64) {
        self.0.lock().unwrap().nodes.remove(&node);
    }
}

/// One node's side of it.
pub(crate) struct Node {
    id: u64,
    shared: Arc<Shared>,
}

impl Node {
    pub(crate) fn new(id: u64, shared: &Arc<Shared>) -> Self {
        Self {
            id,
            shared: Arc::clone(shared),
        }
    }

    fn ask<T>(&self, work: impl FnOnce(&mut State) -> T) -> Result<T, LookupUnavailable> {
        let mut state = self.shared.0.lock().unwrap();
        if state.away {
            return Err(LookupUnavailable);
        }
        Ok(work(&mut state))
    }
}

impl LeaseStore for Node {
    fn standing(&mut self) -> Result<Standing, LookupUnavailable> {
        self.ask(|state| Standing {
            epoch: state.epoch(),
            acknowledged: state.nodes.get(&self.id).copied(),
        })
    }

    fn register(&mut self) -> Result<Epoch, LookupUnavailable> {
        self.ask(|state| {
            let epoch = state.epoch();
            state.nodes.insert(self.id, epoch);
            epoch
        })
    }

    fn changes(&mut self, after: Epoch, up_to: Epoch) -> Result<Vec<Change>, LookupUnavailable> {
        let [after, up_to] = [after, up_to].map(|epoch| usize::try_from(epoch).unwrap());
        self.ask(|state| state.changes[after..up_to].to_vec())
    }

    fn acknowledge(&mut self, epoch: Epoch) -> Result<bool, LookupUnavailable> {
        self.ask(|state| match state.nodes.get_mut(&self.id) {
            Some(acknowledged) => {
                *acknowledged = epoch;
                true
            }
            None => false,
        })
    }

    fn leave(&mut self) -> Result<(), LookupUnavailable> {
        self.ask(|state| {
            state.nodes.remove(&self.id);
        })
    }
}
