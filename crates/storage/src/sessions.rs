//! Who is signed in to the dashboard.

use std::net::IpAddr;

use diesel::prelude::*;
use torvus_domain::{Account, AccountId, SessionId, Timestamp};

use crate::accounts::{self, AccountRow};
use crate::columns::{instant, micros, read};
use crate::schema::accounts as accounts_table;
use crate::schema::sessions::{self, dsl};
use crate::{Conn, StorageError};

const TABLE: &str = "sessions";

/// A sign-in that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its identifier, which opens nothing.
    pub id: SessionId,
    /// Whose it is.
    pub account_id: AccountId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub seen_at: Timestamp,
    /// When the password was given last.
    pub confirmed_at: Timestamp,
    /// Where it was begun from.
    pub ip: Option<IpAddr>,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// The password was right, and a one-time code is still to come: it opens
    /// nothing else.
    pub awaits_code: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Row {
    id: String,
    account_id: String,
    created_at: i64,
    seen_at: i64,
    confirmed_at: i64,
    ip: Option<String>,
    user_agent: Option<String>,
    awaits_code: bool,
}

impl TryFrom<Row> for Session {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: read(TABLE, &row.id)?,
            account_id: read(TABLE, &row.account_id)?,
            created_at: instant(TABLE, row.created_at)?,
            seen_at: instant(TABLE, row.seen_at)?,
            confirmed_at: instant(TABLE, row.confirmed_at)?,
            ip: row.ip.map(|ip| read(TABLE, &ip)).transpose()?,
            user_agent: row.user_agent,
            awaits_code: row.awaits_code,
        })
    }
}

/// Keeps a session that begins, by the digest of its secret.
///
/// # Errors
///
/// Those of the database.
pub fn insert(c: &mut Conn, digest: &[u8; 32], session: &Session) -> Result<(), StorageError> {
    diesel::insert_into(dsl::sessions)
        .values((
            dsl::id.eq(session.id.to_string()),
            dsl::digest.eq(digest.as_slice()),
            dsl::account_id.eq(session.account_id.to_string()),
            dsl::created_at.eq(micros(session.created_at)),
            dsl::seen_at.eq(micros(session.seen_at)),
            dsl::confirmed_at.eq(micros(session.confirmed_at)),
            dsl::ip.eq(session.ip.map(|ip| ip.to_string())),
            dsl::user_agent.eq(session.user_agent.as_deref()),
            dsl::awaits_code.eq(session.awaits_code),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// The session whose secret has this digest, and its account.
///
/// # Errors
///
/// Those of the database.
pub fn find(c: &mut Conn, digest: &[u8; 32]) -> Result<Option<(Session, Account)>, StorageError> {
    let found: Option<(Row, AccountRow)> = sessions::table
        .inner_join(accounts_table::table)
        .filter(sessions::digest.eq(digest.as_slice()))
        .select((Row::as_select(), accounts::COLUMNS))
        .get_result(&mut c.0)
        .optional()?;
    found
        .map(|(session, account)| Ok((session.try_into()?, account.try_into()?)))
        .transpose()
}

/// The sessions of an account, the last used one first.
///
/// # Errors
///
/// Those of the database.
pub fn list(c: &mut Conn, account: AccountId) -> Result<Vec<Session>, StorageError> {
    let rows = sessions::table
        .filter(sessions::account_id.eq(account.to_string()))
        .select(Row::as_select())
        .order((sessions::seen_at.desc(), sessions::id))
        .load(&mut c.0)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Notes that a session was used.
///
/// # Errors
///
/// Those of the database.
pub fn touch(c: &mut Conn, id: SessionId, at: Timestamp) -> Result<(), StorageError> {
    diesel::update(dsl::sessions.find(id.to_string()))
        .set(dsl::seen_at.eq(micros(at)))
        .execute(&mut c.0)?;
    Ok(())
}

/// Notes that the password was given.
///
/// # Errors
///
/// Those of the database.
pub fn confirm(c: &mut Conn, id: SessionId, at: Timestamp) -> Result<(), StorageError> {
    diesel::update(dsl::sessions.find(id.to_string()))
        .set(dsl::confirmed_at.eq(micros(at)))
        .execute(&mut c.0)?;
    Ok(())
}

/// Ends the session whose secret has this digest, where there is one.
///
/// # Errors
///
/// Those of the database.
pub fn end_by_digest(c: &mut Conn, digest: &[u8; 32]) -> Result<(), StorageError> {
    diesel::delete(dsl::sessions)
        .filter(dsl::digest.eq(digest.as_slice()))
        .execute(&mut c.0)?;
    Ok(())
}

/// Ends the oldest sessions of an account beside one that begins, until there
/// are `most`; says which. Those that wait for a code push none out that are
/// open, and the other way round.
///
/// # Errors
///
/// Those of the database.
pub fn end_surplus(
    c: &mut Conn,
    begins: &Session,
    most: usize,
) -> Result<Vec<SessionId>, StorageError> {
    let others = i64::try_from(most.saturating_sub(1)).unwrap_or(i64::MAX);
    let surplus: Vec<String> = dsl::sessions
        .filter(dsl::account_id.eq(begins.account_id.to_string()))
        .filter(dsl::awaits_code.eq(begins.awaits_code))
        .filter(dsl::id.ne(begins.id.to_string()))
        .order((dsl::created_at.desc(), dsl::id.desc()))
        .offset(others)
        .limit(i64::from(i32::MAX))
        .select(dsl::id)
        .load(&mut c.0)?;
    // A few at a time: a statement has only so many variables.
    for some in surplus.chunks(500) {
        diesel::delete(dsl::sessions)
            .filter(dsl::id.eq_any(some))
            .execute(&mut c.0)?;
    }
    surplus.iter().map(|id| read(TABLE, id)).collect()
}

/// Gives a session another secret: the old one opens nothing any more.
///
/// # Errors
///
/// Those of the database.
pub fn renew(c: &mut Conn, id: SessionId, digest: &[u8; 32]) -> Result<(), StorageError> {
    diesel::update(dsl::sessions.find(id.to_string()))
        .set(dsl::digest.eq(digest.as_slice()))
        .execute(&mut c.0)?;
    Ok(())
}

/// Ends one session of an account; false if there is no such session.
///
/// # Errors
///
/// Those of the database.
pub fn end(c: &mut Conn, account: AccountId, id: SessionId) -> Result<bool, StorageError> {
    let ended = diesel::delete(dsl::sessions.find(id.to_string()))
        .filter(dsl::account_id.eq(account.to_string()))
        .execute(&mut c.0)?;
    Ok(ended > 0)
}

/// Ends all sessions of an account but one, and tells how many there were.
///
/// # Errors
///
/// Those of the database.
pub fn end_all_but(
    c: &mut Conn,
    account: AccountId,
    kept: Option<SessionId>,
) -> Result<usize, StorageError> {
    let kept = kept.map(|id| id.to_string()).unwrap_or_default();
    Ok(diesel::delete(dsl::sessions)
        .filter(dsl::account_id.eq(account.to_string()))
        .filter(dsl::id.ne(kept))
        .execute(&mut c.0)?)
}

/// Forgets sessions that were last used or begun too long ago.
///
/// # Errors
///
/// Those of the database.
pub fn prune(
    c: &mut Conn,
    seen_before: Timestamp,
    created_before: Timestamp,
) -> Result<usize, StorageError> {
    let idle = dsl::seen_at.lt(micros(seen_before));
    let old = dsl::created_at.lt(micros(created_before));
    Ok(diesel::delete(dsl::sessions)
        .filter(idle.or(old))
        .execute(&mut c.0)?)
}
