//! One server's side of the leases, on a connection of its own.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Integer;
use torvus_domain::{Change, Epoch, LeaseStore, LookupUnavailable, NodeId, Standing};

use crate::conn::{AnyConn, Use, connect};
use crate::stir::Stir;
use crate::turn::Turn;
use crate::tx::write_tx;
use crate::{Conn, StorageError, StoreUrl, leases};

/// On which PostgreSQL tells the servers that something has changed.
pub(crate) const CHANNEL: &str = "torvus_changes";

/// How long a note waits for its turn to be written; the lease runs meanwhile.
const PATIENCE: Duration = Duration::from_millis(500);

/// How one server deals with the database about its lease. It opens a
/// connection when it needs one, and another when that one has failed.
pub struct NodeLease {
    url: StoreUrl,
    node: NodeId,
    open: Option<Open>,
    stir: Stir,
}

struct Open {
    conn: Conn,
    /// What SQLite said of its file the last time.
    version: i32,
}

impl std::fmt::Debug for NodeLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NodeLease").field(&self.node).finish()
    }
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Integer)]
    data_version: i32,
}

impl Open {
    fn new(url: &StoreUrl) -> Result<Self, StorageError> {
        let mut conn = connect(url, Use::Lease)?;
        if let AnyConn::Postgres(pg) = &mut conn.0 {
            diesel::sql_query(format!("LISTEN {CHANNEL}")).execute(pg)?;
        }
        Ok(Self { conn, version: 0 })
    }

    /// Whether somebody may have changed something since the last time.
    fn stirred(&mut self) -> Result<bool, StorageError> {
        match &mut self.conn.0 {
            AnyConn::Postgres(pg) => {
                let mut any = false;
                for notification in pg.notifications_iter() {
                    notification?;
                    any = true;
                }
                Ok(any)
            }
            AnyConn::Sqlite(sqlite) => {
                let Version { data_version } =
                    diesel::sql_query("PRAGMA data_version").get_result(sqlite)?;
                Ok(std::mem::replace(&mut self.version, data_version) != data_version)
            }
        }
    }
}

impl NodeLease {
    /// For the server of that name.
    #[must_use]
    pub fn new(url: &StoreUrl, node: NodeId) -> Self {
        Self {
            url: url.clone(),
            node,
            open: None,
            stir: Stir::new(url),
        }
    }

    /// Waits until the database has changed, however little, but not for longer
    /// than that. Where it can't be asked, for as long as that.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long to wait is no question of what time it is"
    )]
    pub fn wait(&mut self, at_most: Duration) {
        let began = Instant::now();
        loop {
            let stirred = self.open.as_mut().map(Open::stirred);
            match stirred {
                Some(Ok(true)) => return,
                Some(Ok(false)) | None => {}
                Some(Err(_)) => self.open = None,
            }
            let left = at_most.saturating_sub(began.elapsed());
            if left.is_zero() {
                return;
            }
            self.stir.pause(left);
        }
    }

    fn ask<T>(
        &mut self,
        work: impl FnOnce(&mut Conn) -> Result<T, StorageError>,
    ) -> Result<T, LookupUnavailable> {
        let outcome = match &mut self.open {
            Some(open) => work(&mut open.conn),
            none => Open::new(&self.url).and_then(|open| work(&mut none.insert(open).conn)),
        };
        outcome.map_err(|error| {
            tracing::debug!(%error, "the database did not answer about a lease");
            self.open = None;
            LookupUnavailable
        })
    }

    fn note<T>(
        &mut self,
        work: impl FnOnce(&mut Conn) -> Result<T, StorageError>,
    ) -> Result<T, LookupUnavailable> {
        let turn = Turn::of(&self.url);
        self.ask(|c| write_tx(c, &turn, PATIENCE, work))
    }
}

impl LeaseStore for NodeLease {
    fn standing(&mut self) -> Result<Standing, LookupUnavailable> {
        let node = self.node;
        self.ask(|c| leases::standing(c, node))
    }

    fn register(&mut self) -> Result<Epoch, LookupUnavailable> {
        let node = self.node;
        self.note(|c| leases::register(c, node))
    }

    fn changes(&mut self, after: Epoch, up_to: Epoch) -> Result<Vec<Change>, LookupUnavailable> {
        self.ask(|c| leases::changes(c, after, up_to))
    }

    fn acknowledge(&mut self, epoch: Epoch) -> Result<bool, LookupUnavailable> {
        let node = self.node;
        self.note(|c| leases::acknowledge(c, node, epoch))
    }

    fn leave(&mut self) -> Result<(), LookupUnavailable> {
        let node = self.node;
        self.note(|c| leases::leave(c, node))
    }
}
