//! Keeps the lease under which this server answers from memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use metrics::{counter, gauge};
use torvus_domain::{Clock, LEASE_RENEWAL, NodeId};
use torvus_gate::{KeyCache, LeaseKeeper, Renewal};
use torvus_storage::{NodeLease, StoreUrl};

/// How often the lease was lost: others had to wait until it had run out.
pub(crate) const LOST: &str = "torvus_lease_lost_total";
/// Whether the lease is held: 1 or 0. Without it each request reads the database.
pub(crate) const HELD: &str = "torvus_lease_held";
/// Keys that are remembered.
pub(crate) const KEYS: &str = "torvus_cached_keys";

/// The thread that renews the lease.
pub(crate) struct Lease {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Lease {
    /// Takes the lease as soon as the database allows it, and keeps it.
    pub(crate) fn start(
        url: &StoreUrl,
        node: NodeId,
        cache: KeyCache,
        clock: Arc<dyn Clock>,
        heed: impl FnMut() + Send + 'static,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let mut work = Work {
            keeper: LeaseKeeper::new(
                NodeLease::new(url, node),
                cache.clone(),
                Arc::clone(&clock),
                heed,
            ),
            cache,
            clock,
            state: State::New,
        };
        let keep = move || {
            work.renew();
            while !stopped.load(Ordering::SeqCst) {
                work.keeper.store().wait(LEASE_RENEWAL);
                work.renew();
            }
            if work.keeper.leave().is_err() {
                tracing::warn!("the lease could not be given up: the next change waits for it");
            }
        };
        let thread = std::thread::Builder::new()
            .name("lease".to_owned())
            .spawn(keep)?;
        Ok(Self { stop, thread })
    }

    /// Gives the lease up.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        if self.thread.join().is_err() {
            tracing::error!("the lease's thread ended with a panic");
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Held,
    Failing,
}

struct Work {
    keeper: LeaseKeeper<NodeLease>,
    cache: KeyCache,
    clock: Arc<dyn Clock>,
    state: State,
}

impl Work {
    fn renew(&mut self) {
        let before = self.state;
        match self.keeper.renew() {
            Ok(renewal) => {
                self.state = State::Held;
                if renewal == Renewal::Registered && before != State::New {
                    counter!(LOST).increment(1);
                    tracing::warn!("the lease was lost, and taken anew: nothing is remembered");
                } else if before == State::Failing {
                    tracing::info!("the lease is renewed again");
                }
            }
            // Said once. A database that is away is reported by whoever asks it.
            Err(_) if before != State::Failing => {
                self.state = State::Failing;
                tracing::warn!(
                    "the lease can't be renewed: once it has run out each request reads the database"
                );
            }
            Err(_) => {}
        }
        let held = self.cache.holds_lease(self.clock.now().monotonic);
        gauge!(HELD).set(f64::from(u8::from(held)));
        gauge!(KEYS).set(self.cache.keys() as f64);
    }
}
