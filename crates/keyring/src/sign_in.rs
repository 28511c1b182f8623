//! Somebody signs in.

use secrecy::SecretString;
use serde_json::json;
use torvus_domain::{Account, Email, SessionId, Timestamp};
use torvus_storage::sessions::{self as rows, Session};
use torvus_storage::{StorageError, Store, accounts, audit};

use crate::sessions::{Client, record};
use crate::{CookieSecret, KeyringError, password};

/// What somebody shows who wants in.
pub struct Attempt {
    /// The address, as it was typed.
    pub email: String,
    /// The password, as it was typed.
    pub password: SecretString,
    /// Where they are.
    pub client: Client,
}

/// What becomes of an attempt.
pub enum SignedIn {
    /// They are in.
    Yes(Box<Entered>),
    /// The address or the password is wrong: nobody is told which.
    Wrong,
    /// The password is right, but the account is suspended.
    Suspended,
}

/// Somebody who is in.
pub struct Entered {
    /// Their account.
    pub account: Account,
    /// Their session.
    pub session: Session,
    /// What opens it: for the cookie.
    pub secret: CookieSecret,
}

/// Signs somebody in, with a session that is new. Takes some tens of
/// milliseconds of one core.
///
/// # Errors
/// What the store says, and [`KeyringError::Failed`].
pub fn sign_in(store: &Store, attempt: &Attempt, now: Timestamp) -> Result<SignedIn, KeyringError> {
    let found = match attempt.email.parse::<Email>() {
        Ok(email) => store.read(|c| accounts::find_by_email(c, &email))?,
        Err(_) => None,
    };
    let hash = match &found {
        Some(account) => store.read(|c| accounts::password_hash(c, account.id))?,
        None => None,
    };
    let right = password::matches(hash.as_deref(), &attempt.password);
    let Some(account) = found.filter(|_| right) else {
        return Ok(SignedIn::Wrong);
    };
    if account.suspended_at.is_some() {
        return Ok(SignedIn::Suspended);
    }
    let secret = CookieSecret::generate()?;
    let session = Session {
        id: SessionId::new(now),
        account_id: account.id,
        created_at: now,
        seen_at: now,
        confirmed_at: now,
        ip: attempt.client.ip,
        user_agent: attempt.client.user_agent.clone(),
    };
    store.write(|c| -> Result<(), StorageError> {
        rows::insert(c, &secret.digest(), &session)?;
        let detail = json!({ "session": session.id });
        let record = record("session.sign_in", &account, &attempt.client, detail, now);
        audit::append(c, &[record])
    })?;
    Ok(SignedIn::Yes(Box::new(Entered {
        account,
        session,
        secret,
    })))
}
