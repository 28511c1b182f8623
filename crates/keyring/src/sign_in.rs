//! Somebody signs in.

use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::json;
use torvus_audit::AuditRecord;
use torvus_domain::{Account, AccountId, Email, Outcome, SessionId, Timestamp};
use torvus_storage::sessions::{self as rows, Session};
use torvus_storage::{
    Conn, StorageError, Store, accounts, audit, known_browsers, second_factors, tries as left,
};

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
    /// The password is right, and a one-time code is still to come: the session
    /// waits for it, and opens nothing yet.
    Code(Box<Entered>),
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
    let mut entered = Entered::new(account, client, now)?;
    let done = store.write(|c| {
        // Either may have changed while the password was looked at.
        if accounts::password_hash(c, account.id)? != hash {
            audit::append(c, &[note(Outcome::WrongCredentials)])?;
            return Ok(Done::Wrong);
        }
        left::give_back(c, &buckets)?;
        let suspended = accounts::find(c, account.id)?.is_none_or(|a| a.suspended_at.is_some());
        if suspended {
            audit::append(c, &[note(Outcome::SuspendedAccount)])?;
            return Ok(Done::Suspended);
        }
        if let Some(held) = &attempt.held {
            rows::end_by_digest(c, &held.digest())?;
        }
        let factor = second_factors::find(c, account.id)?;
        entered.session.awaits_code = factor.is_some_and(|factor| factor.enabled_at.is_some());
        let action = if entered.session.awaits_code {
            rows::insert(c, &entered.secret.digest(), &entered.session)?;
            "session.password"
        } else {
            begin_session(c, &entered, attempt.browser.as_ref())?;
            "session.sign_in"
        };
        let detail = json!({ "session": entered.session.id });
        audit::append(c, &[record(action, account, client, detail, now)])?;
        Ok(Done::Right)
    })?;
    Ok(match done {
        Done::Wrong => SignedIn::Wrong,
        Done::Suspended => SignedIn::Suspended,
        Done::Right if entered.session.awaits_code => SignedIn::Code(Box::new(entered)),
        Done::Right => SignedIn::Yes(Box::new(entered)),
    })
}

enum Done {
    Right,
    Wrong,
    Suspended,
}

impl Entered {
    /// What would open a session of an account, which does not begin yet.
    pub(crate) fn new(
        account: &Account,
        client: &Client,
        now: Timestamp,
    ) -> Result<Self, KeyringError> {
        Ok(Self {
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
        })
    }
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

/// Begins a session; the browser is known from now on, by another secret than
/// before.
pub(crate) fn begin_session(
    c: &mut Conn,
    entered: &Entered,
    browser: Option<&CookieSecret>,
) -> Result<(), StorageError> {
    if let Some(browser) = browser {
        known_browsers::forget(c, &browser.digest())?;
    }
    let (account, now) = (entered.account.id, entered.session.created_at);
    known_browsers::insert(c, &entered.browser.digest(), account, now)?;
    rows::insert(c, &entered.secret.digest(), &entered.session)
}

pub(crate) fn record_alone(store: &Store, record: AuditRecord) -> Result<(), StorageError> {
    store.write(|c| audit::append(c, &[record]))
}
