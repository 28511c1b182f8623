//! Somebody signs in.

use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::json;
use torvus_audit::AuditRecord;
use torvus_domain::{Account, AccountId, Email, Outcome, SessionId, Timestamp};
use torvus_storage::sessions::{self as rows, Session};
use torvus_storage::{
    Conn, StorageError, Store, accounts, audit, known_browsers, second_factors, tries as left,
    tries::Bucket,
};

use crate::sessions::{Client, SESSIONS_MAX, alive, failed, record};
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

/// The digest of a browser that is known.
pub(crate) type Digest = [u8; 32];
/// Who is meant, the hash of their password, and their browser.
type Found = (Option<Account>, Option<String>, Option<Digest>);

/// What may be tried.
pub struct Try {
    attempt: Attempt,
    found: Option<Account>,
    hash: Option<String>,
    buckets: Vec<Bucket>,
}

/// Takes a try to sign in: where there is none, how long until there is. Before
/// anybody waits for their turn to have a password looked at.
///
/// # Errors
/// Those of the store.
pub fn take_try(
    store: &Store,
    attempt: Attempt,
    now: Timestamp,
) -> Result<Result<Try, TimeDelta>, KeyringError> {
    let email = attempt.email.parse::<Email>().ok();
    let client = &attempt.client;
    let (found, hash, known) = store.read(|c| look_up(c, email.as_ref(), &attempt))?;
    let buckets = tries::of_sign_in(What::Password, email.as_ref(), known.as_ref(), client.ip);
    let all = [buckets.clone(), vec![tries::of_looks(email.as_ref())]].concat();
    let note = |outcome| failed("session.sign_in", found.as_ref(), outcome, client, now);
    if let Some(wait) = tries::take(store, &all, note, now)? {
        return Ok(Err(wait));
    }
    Ok(Ok(Try {
        attempt,
        found,
        hash,
        buckets,
    }))
}

/// Signs somebody in, with a session that is new. Takes some tens of
/// milliseconds of one core.
///
/// # Errors
/// What the store says, and [`KeyringError::Failed`].
pub fn sign_in(store: &Store, tried: &Try, now: Timestamp) -> Result<SignedIn, KeyringError> {
    let Try {
        attempt,
        found,
        hash,
        buckets,
    } = tried;
    let client = &attempt.client;
    let note = |outcome| failed("session.sign_in", found.as_ref(), outcome, client, now);
    let right = password::matches(hash.as_deref(), &attempt.password);
    let Some(account) = found.as_ref().filter(|_| right) else {
        record_alone(store, note(Outcome::WrongCredentials))?;
        return Ok(SignedIn::Wrong);
    };
    let mut entered = Entered::new(account, client, now)?;
    let done = store.write(|c| {
        // Either may have changed while the password was looked at.
        if accounts::password_hash(c, account.id)? != *hash {
            audit::append(c, &[note(Outcome::WrongCredentials)])?;
            return Ok(Done::Wrong);
        }
        left::give_back(c, buckets)?;
        let suspended = accounts::find(c, account.id)?.is_none_or(|a| a.suspended_at.is_some());
        if suspended {
            audit::append(c, &[note(Outcome::SuspendedAccount)])?;
            return Ok(Done::Suspended);
        }
        if let Some(held) = &attempt.held {
            end_held(c, held, &entered, client)?;
        }
        let factor = second_factors::find(c, account.id)?;
        entered.session.awaits_code = factor.is_some_and(|factor| factor.enabled_at.is_some());
        let action = if entered.session.awaits_code {
            rows::insert(c, &entered.secret.digest(), &entered.session)?;
            rows::end_surplus(c, &entered.session, SESSIONS_MAX)?;
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
fn look_up(c: &mut Conn, email: Option<&Email>, attempt: &Attempt) -> Result<Found, StorageError> {
    let account = match email {
        Some(email) => accounts::find_by_email(c, email)?,
        None => None,
    };
    let id = account
        .as_ref()
        .map_or_else(AccountId::nil, |account| account.id);
    let hash = accounts::password_hash(c, id)?;
    let known = known(c, attempt.browser.as_ref(), id)?;
    Ok((account, hash, known))
}

/// The digest of a browser, where an account's holder has signed in from it.
pub(crate) fn known(
    c: &mut Conn,
    browser: Option<&CookieSecret>,
    account: AccountId,
) -> Result<Option<Digest>, StorageError> {
    let Some(digest) = browser.map(CookieSecret::digest) else {
        return Ok(None);
    };
    Ok(known_browsers::is_known(c, &digest, account)?.then_some(digest))
}

/// Ends the session that somebody has who signs in.
fn end_held(
    c: &mut Conn,
    held: &CookieSecret,
    entered: &Entered,
    client: &Client,
) -> Result<(), StorageError> {
    let Some((session, owner)) = rows::find(c, &held.digest())? else {
        return Ok(());
    };
    rows::end(c, owner.id, session.id)?;
    let (by, now) = (entered.session.id, entered.session.created_at);
    if session.awaits_code || !alive(&session, now) {
        return Ok(());
    }
    let detail = json!({ "session": by, "ended": 1, "which": session.id });
    audit::append(c, &[record("session.end", &owner, client, detail, now)])
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
    rows::insert(c, &entered.secret.digest(), &entered.session)?;
    let ended = rows::end_surplus(c, &entered.session, SESSIONS_MAX)?;
    if ended.is_empty() {
        return Ok(());
    }
    let session = &entered.session;
    let client = Client {
        ip: session.ip,
        user_agent: session.user_agent.clone(),
    };
    let records: Vec<AuditRecord> = ended
        .into_iter()
        .map(|which| {
            let detail = json!({ "session": session.id, "ended": 1, "which": which });
            record("session.end", &entered.account, &client, detail, now)
        })
        .collect();
    audit::append(c, &records)
}

pub(crate) fn record_alone(store: &Store, record: AuditRecord) -> Result<(), StorageError> {
    store.write(|c| audit::append(c, &[record]))
}
