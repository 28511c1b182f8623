//! Which servers may remember keys, and what has changed since
//! (`docs/adr/0010-leases.md`).

use std::time::{Duration, Instant};

use diesel::prelude::*;
use torvus_domain::{Change, Epoch, LEASE_PATIENCE, NodeId, Standing, Timestamp};

use crate::columns::{instant_opt, micros, number, read};
use crate::conn::{AnyConn, each};
use crate::node_lease::CHANNEL;
use crate::schema::{lease_changes, lease_epoch, leases};
use crate::{Conn, StorageError, Store};

const TABLE: &str = "leases";
/// The one row of `lease_epoch`.
const THE_ONE: i64 = 1;
/// A server that is further behind than this drops everything instead.
const CHANGES_MAX: u64 = 10_000;
/// How often whoever waits for the others looks.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Who had to be waited for when something changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Servers that said that they have dropped what they remembered.
    pub acknowledged: u32,
    /// Servers that did not, and whose leases have run out.
    pub expired: u32,
}

/// Says that something is about to change: from the moment that every server
/// has acknowledged it, and until the change is concluded, nobody remembers
/// what it concerns. In a write transaction of its own.
///
/// # Errors
///
/// Those of the database.
pub fn announce(c: &mut Conn, change: Change, now: Timestamp) -> Result<Epoch, StorageError> {
    let row = lease_epoch::table.find(THE_ONE);
    let epoch: i64 = diesel::update(row)
        .set(lease_epoch::epoch.eq(lease_epoch::epoch + 1))
        .returning(lease_epoch::epoch)
        .get_result(&mut c.0)?;
    let (key, account) = match change {
        Change::Key(id) => (Some(id.to_string()), None),
        Change::Account(id) => (None, Some(id.to_string())),
        Change::Everything => (None, None),
    };
    diesel::insert_into(lease_changes::table)
        .values((
            lease_changes::epoch.eq(epoch),
            lease_changes::key_id.eq(key),
            lease_changes::account_id.eq(account),
            lease_changes::opened_at.eq(Some(micros(now))),
        ))
        .execute(&mut c.0)?;
    if let AnyConn::Postgres(pg) = &mut c.0 {
        // Sent with the commit. SQLite's servers see that the file has changed.
        diesel::sql_query(format!("NOTIFY {CHANNEL}")).execute(pg)?;
    }
    number(TABLE, epoch)
}

/// Has every server look again at more than keys, for what this transaction or
/// one before it has changed of that. There is nothing to be concluded.
///
/// # Errors
///
/// Those of the database.
pub fn notify(c: &mut Conn, now: Timestamp) -> Result<Epoch, StorageError> {
    let epoch = announce(c, Change::Everything, now)?;
    conclude(c, epoch)?;
    Ok(epoch)
}

/// Ends what was announced, in the transaction that makes the change. False
/// where that took so long that it was ended for it: then the change must not
/// be made, since servers may remember what it concerns.
///
/// # Errors
///
/// Those of the database.
pub fn conclude(c: &mut Conn, epoch: Epoch) -> Result<bool, StorageError> {
    let open = lease_changes::table
        .filter(lease_changes::epoch.eq(stored(epoch)?))
        .filter(lease_changes::opened_at.is_not_null());
    let ended = diesel::update(open)
        .set(lease_changes::opened_at.eq(None::<i64>))
        .execute(&mut c.0)?;
    Ok(ended > 0)
}

/// Ends what was announced before `before` and never concluded: whoever did
/// has died, most likely.
///
/// # Errors
///
/// Those of the database.
pub fn abandon(c: &mut Conn, before: Timestamp) -> Result<usize, StorageError> {
    let open = lease_changes::table.filter(lease_changes::opened_at.lt(micros(before)));
    Ok(diesel::update(open)
        .set(lease_changes::opened_at.eq(None::<i64>))
        .execute(&mut c.0)?)
}

/// How many changes were announced and not concluded, and since when the
/// oldest of them is under way.
///
/// # Errors
///
/// Those of the database.
pub fn under_way(c: &mut Conn) -> Result<Option<(usize, Timestamp)>, StorageError> {
    let opened: Vec<Option<i64>> = lease_changes::table
        .filter(lease_changes::opened_at.is_not_null())
        .select(lease_changes::opened_at)
        .order(lease_changes::opened_at)
        .load(&mut c.0)?;
    let oldest = instant_opt(TABLE, opened.first().copied().flatten())?;
    Ok(oldest.map(|oldest| (opened.len(), oldest)))
}

fn current(c: &mut Conn) -> Result<Epoch, StorageError> {
    let row = lease_epoch::table.find(THE_ONE);
    let epoch: i64 = row.select(lease_epoch::epoch).get_result(&mut c.0)?;
    number(TABLE, epoch)
}

/// Waits until what was announced is known to every server: until each that
/// may hold a lease has acknowledged the epoch, or a lease has run out since.
/// A server that did not answer has to enter itself anew, and holds up nobody
/// again.
///
/// Where the database can't be read, time alone decides: after
/// [`LEASE_PATIENCE`] nobody can hold a lease from before.
#[expect(
    clippy::disallowed_methods,
    reason = "how long to wait is no question of what time it is, and there is no event to wait for"
)]
pub fn settle(store: &Store, epoch: Epoch) -> Settled {
    let announced = Instant::now();
    let mut servers: Option<u32> = None;
    loop {
        let late = match store.read(list) {
            Ok(listed) => {
                servers.get_or_insert_with(|| count(listed.len()));
                let late = listed.into_iter().filter(|(_, seen)| *seen < epoch);
                Some(late.map(|(node, _)| node).collect::<Vec<_>>())
            }
            Err(error) => {
                tracing::warn!(%error, "which servers know of a change can't be read");
                None
            }
        };
        let all_have = late.as_ref().is_some_and(Vec::is_empty);
        if all_have || announced.elapsed() >= LEASE_PATIENCE {
            let expired = late.map_or(0, |late| give_up(store, &late, epoch));
            return Settled {
                acknowledged: servers.unwrap_or(0).saturating_sub(expired),
                expired,
            };
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Strikes off those who have not acknowledged an epoch by now; how many.
fn give_up(store: &Store, late: &[NodeId], epoch: Epoch) -> u32 {
    if late.is_empty() {
        return 0;
    }
    let struck = store.write(|c| {
        let names = late.iter().map(ToString::to_string);
        let rows = leases::table
            .filter(leases::node.eq_any(names.collect::<Vec<_>>()))
            .filter(leases::epoch.lt(stored(epoch)?));
        Ok(diesel::delete(rows).execute(&mut c.0)?)
    });
    match struck {
        Ok(struck) => count(struck),
        Err(error) => {
            // They hold up the next one, too; no lease lives any longer for it.
            tracing::warn!(%error, "servers that did not answer could not be struck off");
            count(late.len())
        }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn stored(epoch: Epoch) -> Result<i64, StorageError> {
    i64::try_from(epoch).map_err(|error| StorageError::corrupt(TABLE, error))
}

/// All servers that a change waits for, and what they have acknowledged.
///
/// # Errors
///
/// Those of the database.
pub fn list(c: &mut Conn) -> Result<Vec<(NodeId, Epoch)>, StorageError> {
    let rows: Vec<(String, i64)> = leases::table.order(leases::node).load(&mut c.0)?;
    rows.into_iter()
        .map(|(node, epoch)| Ok((read(TABLE, &node)?, number(TABLE, epoch)?)))
        .collect()
}

/// Where a server stands, read by one statement.
pub(crate) fn standing(c: &mut Conn, node: NodeId) -> Result<Standing, StorageError> {
    let own = leases::table
        .filter(leases::node.eq(node.to_string()))
        .select(leases::epoch)
        .single_value();
    let (epoch, acknowledged): (i64, Option<i64>) = lease_epoch::table
        .find(THE_ONE)
        .select((lease_epoch::epoch, own))
        .get_result(&mut c.0)?;
    Ok(Standing {
        epoch: number(TABLE, epoch)?,
        acknowledged: acknowledged.map(|n| number(TABLE, n)).transpose()?,
    })
}

/// Enters a server, in a write transaction.
pub(crate) fn register(c: &mut Conn, node: NodeId) -> Result<Epoch, StorageError> {
    let epoch = current(c)?;
    let noted = stored(epoch)?;
    each!(c, conn => diesel::insert_into(leases::table)
        .values((leases::node.eq(node.to_string()), leases::epoch.eq(noted)))
        .on_conflict(leases::node)
        .do_update()
        .set(leases::epoch.eq(noted))
        .execute(conn))?;
    Ok(epoch)
}

/// What was changed after one epoch, up to another.
pub(crate) fn changes(
    c: &mut Conn,
    after: Epoch,
    up_to: Epoch,
) -> Result<Vec<Change>, StorageError> {
    type Row = (Option<String>, Option<String>);
    if up_to.saturating_sub(after) > CHANGES_MAX {
        return Ok(vec![Change::Everything]);
    }
    let rows: Vec<Row> = lease_changes::table
        .filter(lease_changes::epoch.gt(stored(after)?))
        .filter(lease_changes::epoch.le(stored(up_to)?))
        .select((lease_changes::key_id, lease_changes::account_id))
        .order(lease_changes::epoch)
        .load(&mut c.0)?;
    // Each epoch has a row. Where some are missing nobody knows what they said.
    if u64::try_from(rows.len()).ok() != up_to.checked_sub(after) {
        return Ok(vec![Change::Everything]);
    }
    rows.into_iter()
        .map(|row| {
            Ok(match row {
                (Some(key), _) => Change::Key(read(TABLE, &key)?),
                (None, Some(account)) => Change::Account(read(TABLE, &account)?),
                (None, None) => Change::Everything,
            })
        })
        .collect()
}

/// Notes what a server has acknowledged; false where it is not entered.
pub(crate) fn acknowledge(c: &mut Conn, node: NodeId, epoch: Epoch) -> Result<bool, StorageError> {
    let row = leases::table.find(node.to_string());
    let noted = diesel::update(row)
        .set(leases::epoch.eq(stored(epoch)?))
        .execute(&mut c.0)?;
    Ok(noted > 0)
}

/// Takes a server off the list.
pub(crate) fn leave(c: &mut Conn, node: NodeId) -> Result<(), StorageError> {
    diesel::delete(leases::table.find(node.to_string())).execute(&mut c.0)?;
    Ok(())
}

/// Drops what every server has acknowledged and nobody is about any more.
///
/// # Errors
///
/// Those of the database.
pub fn prune(c: &mut Conn) -> Result<usize, StorageError> {
    let slowest = match list(c)?.into_iter().map(|(_, epoch)| epoch).min() {
        Some(epoch) => stored(epoch)?,
        None => stored(current(c)?)?,
    };
    let old = lease_changes::table
        .filter(lease_changes::epoch.le(slowest))
        .filter(lease_changes::opened_at.is_null());
    Ok(diesel::delete(old).execute(&mut c.0)?)
}
