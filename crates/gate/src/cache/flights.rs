//! Look-ups that are under way: whoever asks for the same key meanwhile waits
//! for the same answer.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::Shared;
use torvus_key_core::KeyDigest;

use super::Found;

type Work = Pin<Box<dyn Future<Output = Found> + Send>>;

#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<KeyDigest, Flight>>);

struct Flight {
    /// That of the cache before the look-up began.
    generation: u64,
    waiting: usize,
    answer: Shared<Work>,
}

/// A place on a flight. The last one to leave it takes it off the list, so
/// that nothing stays of look-ups that everybody has given up.
pub(super) struct Seat<'a> {
    flights: &'a Flights,
    digest: KeyDigest,
    generation: u64,
    answer: Shared<Work>,
    /// Somebody else had begun it.
    pub(super) joined: bool,
}

impl Flights {
    /// Takes part in a look-up that began no earlier than the last change, or
    /// begins one. An older one is left to those who wait for it: they asked
    /// before the change was made known.
    pub(super) fn join(
        &self,
        digest: &KeyDigest,
        generation: u64,
        begin: impl FnOnce() -> Work,
    ) -> Seat<'_> {
        let mut flights = self.lock();
        let current = flights
            .get_mut(digest)
            .filter(|flight| flight.generation == generation);
        let joined = current.is_some();
        let answer = if let Some(flight) = current {
            flight.waiting += 1;
            flight.answer.clone()
        } else {
            let answer = begin().shared();
            let flight = Flight {
                generation,
                waiting: 1,
                answer: answer.clone(),
            };
            flights.insert(digest.clone(), flight);
            answer
        };
        Seat {
            flights: self,
            digest: digest.clone(),
            generation,
            answer,
            joined,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyDigest, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat<'_> {
    pub(super) async fn landed(&self) -> Found {
        self.answer.clone().await
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        let Some(flight) = flights.get_mut(&self.digest) else {
            return;
        };
        if flight.generation != self.generation {
            return;
        }
        flight.waiting -= 1;
        if flight.waiting == 0 {
            flights.remove(&self.digest);
        }
    }
}
