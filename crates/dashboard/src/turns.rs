//! Few at once: what reads much takes turns, so that it leaves the database to
//! the API.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::problem::Problem;

/// How long somebody waits for their turn.
const WAIT: Duration = Duration::from_secs(1);

/// Somebody's turn. It belongs into the work itself, which goes on when nobody
/// waits for its answer any more.
pub(crate) type Turn = OwnedSemaphorePermit;

/// Turns for a few at once.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once)))
    }

    /// A turn, or word that too many wait already.
    pub(crate) async fn soon(&self) -> Result<Turn, Problem> {
        match timeout(WAIT, self.in_time()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Problem::Unavailable),
        }
    }

    /// A turn, however long that takes: for what was begun already.
    pub(crate) async fn in_time(&self) -> Result<Turn, AcquireError> {
        Arc::clone(&self.0).acquire_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_too_long_is_told_so() {
        let turns = Turns::new(2);
        let first = turns.soon().await.unwrap();
        let _second = turns.soon().await.unwrap();
        assert!(matches!(turns.soon().await, Err(Problem::Unavailable)));
        drop(first);
        assert!(turns.soon().await.is_ok());
    }
}
