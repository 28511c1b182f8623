//! The store: what the rest of the program holds.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::conn::{Use, connect};
use crate::pool::Pools;
use crate::renewal::Renewals;
use crate::turn::{Turn, Waiting};
use crate::tx::write_tx;
use crate::{Conn, Schema, StorageError, StoreUrl, migrate};

/// How long an operator's command waits for its turn to write.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a request does.
const PATIENCE_OF_SERVER: Duration = Duration::from_millis(1_500);

/// How long a request waits for what it asked of the database: one that hangs
/// does not say so. A little longer than anything that has a bound of its own.
const ANSWER_WAIT: Duration = Duration::from_millis(1_800);

/// A change of several steps is under way; see [`Store::claim`].
#[derive(Debug)]
pub struct Claim(#[expect(dead_code, reason = "holds the lock")] Option<Waiting>);

/// A database that is open. Clones share its connections.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    url: StoreUrl,
    pools: Pools,
    turn: Turn,
    patience: Duration,
    renewals: Renewals,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.0.url).finish()
    }
}

impl Store {
    /// Opens a database, for commands: they wait 5 s for their turn to write.
    /// A file of SQLite is made if there is none, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if it can't be reached,
    /// [`StorageError::Url`] if its address can't be used.
    pub fn open(url: &StoreUrl) -> Result<Self, StorageError> {
        Self::with_patience(url, PATIENCE, Use::Command)
    }

    /// Opens a database, for a server: a request waits 1.5 s at most.
    ///
    /// # Errors
    ///
    /// As of [`Store::open`].
    pub fn open_for_server(url: &StoreUrl) -> Result<Self, StorageError> {
        Self::with_patience(url, PATIENCE_OF_SERVER, Use::Any)
    }

    fn with_patience(
        url: &StoreUrl,
        patience: Duration,
        purpose: Use,
    ) -> Result<Self, StorageError> {
        if let StoreUrl::Sqlite(path) = url {
            make_private(path)?;
        }
        // A pool would only say that there was no connection in time.
        connect(url, Use::Any)?;
        Ok(Self(Arc::new(Inner {
            url: url.clone(),
            pools: Pools::new(url, purpose),
            turn: Turn::of(url),
            patience,
            renewals: Renewals::default(),
        })))
    }

    pub(crate) fn renewals(&self) -> &Renewals {
        &self.0.renewals
    }

    /// Where the database is.
    #[must_use]
    pub fn url(&self) -> &StoreUrl {
        &self.0.url
    }

    /// Runs `work` on a connection for reads. Each statement sees what was
    /// committed before it.
    ///
    /// # Errors
    ///
    /// What `work` gives, or [`StorageError::Unavailable`] without a connection.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.0.pools.read(work)
    }

    /// Runs `work` in one transaction that may write: all of it happens, or,
    /// if `work` fails, nothing.
    ///
    /// # Errors
    ///
    /// What `work` gives; [`StorageError::Unavailable`] without a connection
    /// or a turn to write, and for a commit that failed: that one may have
    /// been made.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.0
            .pools
            .write(|conn| write_tx(conn, &self.0.turn, self.0.patience, work))
    }

    /// [`Store::write`] for whoever moves records from the journals: it is
    /// told whose turn it is, and need not be on the disk before
    /// [`Store::sync`].
    pub(crate) fn index<T>(
        &self,
        work: impl FnOnce(&mut Conn, &Turn) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let Inner {
            pools,
            turn,
            patience,
            ..
        } = &*self.0;
        pools.index(|conn| write_tx(conn, turn, *patience, |c| work(c, turn)))
    }

    /// Lets others write first that wait for it on SQLite, between the parts of
    /// long work; for 20 ms at most.
    pub fn give_way(&self) {
        self.0.turn.give_way();
    }

    /// Keeps the indexer from writing between the steps of a change, until
    /// what this gives is dropped; the indexer does not wait for long.
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim(self.0.turn.wait())
    }

    /// Brings to the disk what was indexed, so that the journals need not keep
    /// it any longer.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if that fails.
    pub fn sync(&self) -> Result<(), StorageError> {
        let StoreUrl::Sqlite(path) = &self.0.url else {
            return Ok(());
        };
        // What was moved into the file itself was synced by that.
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        match std::fs::File::open(&log).and_then(|log| log.sync_data()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StorageError::Unavailable(error.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// [`Store::read`] on a thread that may wait, but not for long: in tokio's
    /// runtime, with its timer.
    ///
    /// # Errors
    ///
    /// As of [`Store::read`]; [`StorageError::Unavailable`] after 1.8 s.
    pub async fn run_read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let store = self.clone();
        off_the_loop(move || store.read(work)).await
    }

    /// [`Store::write`] as of [`Store::run_read`].
    ///
    /// # Errors
    ///
    /// As of [`Store::write`]; [`StorageError::Unavailable`] after 1.8 s: then
    /// the change may still be made.
    pub async fn run_write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let store = self.clone();
        off_the_loop(move || store.write(work)).await
    }

    /// Brings the tables up to what this program knows, one process at a
    /// time, and names the migrations that it applied.
    ///
    /// # Errors
    ///
    /// [`StorageError::Schema`] if a migration fails or the tables are newer
    /// than the program.
    pub fn migrate(&self) -> Result<Vec<String>, StorageError> {
        let Inner {
            url,
            turn,
            patience,
            ..
        } = &*self.0;
        migrate::run(&mut connect(url, Use::Any)?, turn, *patience)
    }

    /// Whether the tables are those that this program knows.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if that can't be read.
    pub fn schema(&self) -> Result<Schema, StorageError> {
        migrate::schema(&mut connect(&self.0.url, Use::Any)?)
    }
}

async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let unavailable = |error: &dyn fmt::Display| StorageError::Unavailable(error.to_string());
    match tokio::time::timeout(ANSWER_WAIT, tokio::task::spawn_blocking(work)).await {
        Ok(done) => done.unwrap_or_else(|error| Err(unavailable(&error))),
        Err(_) => Err(unavailable(&"the database does not answer")),
    }
}

/// Makes the file if there is none; SQLite gives its side files the same mode.
fn make_private(path: &Path) -> Result<(), StorageError> {
    use std::os::unix::fs::OpenOptionsExt;
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StorageError::Unavailable(format!(
            "sqlite:{}: {error}",
            path.display()
        ))),
    }
}
