//! Somebody signs in.

use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::json;
use torvus_audit::AuditRecord;
use torvus_domain::{Account, AccountId, Email, Outcome, SessionId, Timestamp};
use torvus_storage::sessions::{self as rows, Session};
use torvus_storage::{Conn, StorageError, Store, accounts, audit, known_browsers, tries as left};

use crate::sessions::{Client, failed, record};
use crate::tries::{self, What};
use crate::{CookieSecret, KeyringError, password};

/// What somebody shows who wants in.
pub struct Attempt {
    /// The address, as it was typed.
    pub email: String,
    /// The password, as it was typed.
    pub password: SecretString,
    /// Where they are.
    pub client: Client,
    /// Their browser, where it has been here before.
    pub browser: Option<CookieSecret>,
    /// A session that they have already: it ends with the new one.
    pub held: Option<CookieSecret>,
}

/// What becomes of an attempt.
pub enum SignedIn {
    /// They are in.
    Yes(Box<Entered>),
    /// The address or the password is wrong: nobody is told which.
    Wrong,
    /// The password is right, but the account is suspended.
    Suspended,
    /// There were too many tries; nothing was looked at.
    SlowDown(TimeDelta),
}

/// Somebody who is in.
pub struct Entered {
    /// Their account.
    pub account: Account,
    /// Their session.
    pub session: Session,
    /// What opens it: for the cookie.
    pub secret: CookieSecret,
    /// By what their browser is known from now on.
    pub browser: CookieSecret,
}

/// Signs somebody in, with a session that is new. Takes some tens of
/// milliseconds of one core.
///
/// # Errors
/// What the store says, and [`KeyringError::Failed`].
pub fn sign_in(store: &Store, attempt: &Attempt, now: Timestamp) -> Result<SignedIn, KeyringError> {
    let email = attempt.email.parse::<Email>().ok();
    let client = &attempt.client;
    let (found, hash, known) = store.read(|c| look_up(c, email.as_ref(), attempt))?;
    let buckets = tries::of_sign_in(What::Password, email.as_ref(), known, client.ip);
    let note = |outcome| failed("session.sign_in", found.as_ref(), outcome, client, now);
    if let Some(wait) = tries::take(store, &buckets, note, now)? {
        return Ok(SignedIn::SlowDown(wait));
    }
    let right = password::matches(hash.as_deref(), &attempt.password);
    let Some(account) = found.as_ref().filter(|_| right) else {
        record_alone(store, note(Outcome::WrongCredentials))?;
        return Ok(SignedIn::Wrong);
    };
    let entered = Entered {
        account: account.clone(),
        session: Session {
            id: SessionId::new(now),
            account_id: account.id,
            created_at: now,
            seen_at: now,
            confirmed_at: now,
            ip: client.ip,
            user_agent: client.user_agent.clone(),
            awaits_code: false,
        },
        secret: CookieSecret::generate()?,
        browser: CookieSecret::generate()?,
    };
    store
        .write(|c| {
            // Either may have changed while the password was looked at.
            if accounts::password_hash(c, account.id)? != hash {
                audit::append(c, &[note(Outcome::WrongCredentials)])?;
                return Ok(None);
            }
            left::give_back(c, &buckets)?;
            let suspended = accounts::find(c, account.id)?.is_none_or(|a| a.suspended_at.is_some());
            if suspended {
                audit::append(c, &[note(Outcome::SuspendedAccount)])?;
                return Ok(Some(false));
            }
            enter(c, &entered, attempt, now)?;
            Ok(Some(true))
        })
        .map(|done| match done {
            Some(true) => SignedIn::Yes(Box::new(entered)),
            Some(false) => SignedIn::Suspended,
            None => SignedIn::Wrong,
        })
        .map_err(Into::into)
}

/// The account, the hash of its password, and whether its holder has signed in
/// from this browser before. It asks the same of the store whoever is meant.
fn look_up(
    c: &mut Conn,
    email: Option<&Email>,
    attempt: &Attempt,
) -> Result<(Option<Account>, Option<String>, bool), StorageError> {
    let account = match email {
        Some(email) => accounts::find_by_email(c, email)?,
        None => None,
    };
    let id = account
        .as_ref()
        .map_or_else(AccountId::nil, |account| account.id);
    let hash = accounts::password_hash(c, id)?;
    let known = match &attempt.browser {
        Some(browser) => known_browsers::is_known(c, &browser.digest(), id)?,
        None => false,
    };
    Ok((account, hash, known))
}

/// Begins the session, in the place of one that they had; the browser is known
/// from now on, by another secret than before.
fn enter(
    c: &mut Conn,
    entered: &Entered,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<(), StorageError> {
    if let Some(held) = &attempt.held {
        rows::end_by_digest(c, &held.digest())?;
    }
    if let Some(browser) = &attempt.browser {
        known_browsers::forget(c, &browser.digest())?;
    }
    let account = &entered.account;
    known_browsers::insert(c, &entered.browser.digest(), account.id, now)?;
    rows::insert(c, &entered.secret.digest(), &entered.session)?;
    let detail = json!({ "session": entered.session.id });
    let record = record("session.sign_in", account, &attempt.client, detail, now);
    audit::append(c, &[record])
}

pub(crate) fn record_alone(store: &Store, record: AuditRecord) -> Result<(), StorageError> {
    store.write(|c| audit::append(c, &[record]))
}
