//! Sign-ins that last: found again, confirmed, ended.

use std::net::IpAddr;

use chrono::TimeDelta;
use serde_json::json;
use torvus_audit::AuditRecord;
use torvus_domain::{Account, Category, Outcome, SessionId, Timestamp};
use torvus_storage::sessions::{self, Session};
use torvus_storage::{Conn, StorageError, Store, audit, known_browsers, sent_forms, tries};

use crate::{Actor, CookieSecret, KeyringError};

/// A session that is not used for so long has ended.
pub const IDLE_MAX: TimeDelta = TimeDelta::minutes(30);
/// A session ends after so long in any case.
pub const LASTS: TimeDelta = TimeDelta::hours(12);
/// For so long after it was given the password is not asked for again.
pub const CONFIRMED_FOR: TimeDelta = TimeDelta::minutes(15);
/// A browser is known again for so long after it was used to sign in.
pub const BROWSER_KNOWN: TimeDelta = TimeDelta::days(365);
/// So many sessions has an account at once: the newest. Older ones end.
pub const SESSIONS_MAX: usize = 20;
/// A use is noted where the last noted one is older than this.
const NOTED_EVERY: TimeDelta = TimeDelta::seconds(10);

/// Who asks, from where and with what.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Their address, where it is known.
    pub ip: Option<IpAddr>,
    /// What their browser calls itself.
    pub user_agent: Option<String>,
}

/// The session that a cookie opens, and its account: alive, and of an account
/// that is not suspended.
///
/// # Errors
/// Those of the store.
pub fn find(
    c: &mut Conn,
    secret: &CookieSecret,
    now: Timestamp,
) -> Result<Option<(Session, Account)>, StorageError> {
    let found = sessions::find(c, &secret.digest())?;
    Ok(found.filter(|(session, account)| {
        alive(session, now) && !session.awaits_code && account.suspended_at.is_none()
    }))
}

/// Whether a session has not ended by itself.
#[must_use]
pub fn alive(session: &Session, now: Timestamp) -> bool {
    now - session.seen_at < IDLE_MAX && now - session.created_at < LASTS
}

/// Whether the password has to be given again before a live key is made.
#[must_use]
pub fn must_confirm(session: &Session, now: Timestamp) -> bool {
    now - session.confirmed_at >= CONFIRMED_FOR
}

/// Whether a use is worth noting.
#[must_use]
pub fn worth_noting(session: &Session, now: Timestamp) -> bool {
    now - session.seen_at >= NOTED_EVERY
}

/// Throws away what opens nothing any more.
///
/// # Errors
/// Those of the store.
pub fn tidy(c: &mut Conn, now: Timestamp) -> Result<(), StorageError> {
    sessions::prune(c, now - IDLE_MAX, now - LASTS)?;
    // A form can be sent as long as a session lasts, by the clock of any server.
    sent_forms::prune(c, now - LASTS - TimeDelta::hours(1))?;
    tries::prune(c, now)?;
    known_browsers::prune(c, now - BROWSER_KNOWN)?;
    Ok(())
}

/// Signs out: the session ends.
///
/// # Errors
/// Those of the store.
pub fn sign_out(
    store: &Store,
    account: &Account,
    session: SessionId,
    client: &Client,
    now: Timestamp,
) -> Result<(), KeyringError> {
    Ok(store.write(|c| {
        if !sessions::end(c, account.id, session)? {
            return Ok(());
        }
        let detail = json!({ "session": session });
        let record = record("session.sign_out", account, client, detail, now);
        audit::append(c, &[record])
    })?)
}

/// Ends one session of an account, or, where none is named, all others than
/// the one that asks; says how many ended. With all others no browser is known
/// any more either but `browser`, the one that asks.
///
/// # Errors
/// Those of the store.
pub fn end(
    store: &Store,
    account: &Account,
    asking: SessionId,
    which: Option<SessionId>,
    browser: Option<&[u8; 32]>,
    client: &Client,
    now: Timestamp,
) -> Result<usize, KeyringError> {
    Ok(store.write(|c| {
        let ended = match which {
            Some(one) => usize::from(sessions::end(c, account.id, one)?),
            None => {
                known_browsers::forget_others(c, account.id, browser)?;
                sessions::end_all_but(c, account.id, Some(asking))?
            }
        };
        if ended > 0 {
            let detail = json!({ "session": asking, "ended": ended, "which": which });
            let record = record("session.end", account, client, detail, now);
            audit::append(c, &[record])?;
        }
        Ok(ended)
    })?)
}

/// The record of something that an account's holder did to get in or out.
pub(crate) fn record(
    action: &str,
    account: &Account,
    client: &Client,
    detail: serde_json::Value,
    now: Timestamp,
) -> AuditRecord {
    let mut record = Actor::holder(account).on_account(action, account, detail, now);
    record.category = Category::SignIn;
    record.outcome = Outcome::Ok;
    record.ip = client.ip;
    record.user_agent.clone_from(&client.user_agent);
    record
}

/// The record of something that did not work: nobody knows who it was.
pub(crate) fn failed(
    action: &str,
    account: Option<&Account>,
    outcome: Outcome,
    client: &Client,
    now: Timestamp,
) -> AuditRecord {
    let mut record = Actor::anonymous().on_log(action, json!({}), now);
    record.account_id = account.map(|account| account.id);
    record.category = Category::SignIn;
    record.outcome = outcome;
    record.ip = client.ip;
    record.user_agent.clone_from(&client.user_agent);
    record
}
