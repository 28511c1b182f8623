//! Somebody who is signed in gives their password once more, or changes it.

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use torvus_domain::{Account, Outcome, Timestamp};
use torvus_storage::sessions::{self as rows, Session};
use torvus_storage::{Store, accounts, audit, known_browsers, tries as left};

use crate::password::{self, Password};
use crate::sessions::{Client, failed, record};
use crate::sign_in::record_alone;
use crate::{Actor, CookieSecret, KeyringError, tries};

/// The fewest characters of a password that somebody chooses.
pub const CHARS_MIN: usize = 12;
/// The most.
pub const CHARS_MAX: usize = 128;

/// What becomes of a password that is given once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked<T> {
    /// It is the right one.
    Right(T),
    /// It is not.
    Wrong,
    /// It was wrong too often; nothing was looked at.
    SlowDown(TimeDelta),
}

/// Who gives it.
pub struct Holder<'a> {
    /// Their account.
    pub account: &'a Account,
    /// Their session.
    pub session: &'a Session,
    /// Where they are.
    pub client: &'a Client,
}

/// Takes the password once more: for some minutes it is not asked for again.
///
/// # Errors
/// What the store says.
pub fn confirm(
    store: &Store,
    holder: &Holder<'_>,
    given: &SecretString,
    now: Timestamp,
) -> Result<Checked<()>, KeyringError> {
    let Holder {
        account,
        session,
        client,
    } = holder;
    let hash = match check(store, holder, "session.confirm", given, now)? {
        Checked::Right(hash) => hash,
        Checked::Wrong => return Ok(Checked::Wrong),
        Checked::SlowDown(wait) => return Ok(Checked::SlowDown(wait)),
    };
    let confirmed = store.write(|c| {
        if accounts::password_hash(c, account.id)?.as_ref() != Some(&hash) {
            return Ok(false);
        }
        left::give_back(c, &tries::of_session(session.id))?;
        rows::confirm(c, session.id, now)?;
        let detail = json!({ "session": session.id });
        audit::append(
            c,
            &[record("session.confirm", account, client, detail, now)],
        )?;
        Ok(true)
    })?;
    Ok(match confirmed {
        true => Checked::Right(()),
        false => Checked::Wrong,
    })
}

/// What a change of the password leaves.
#[derive(Debug)]
pub struct NewPassword {
    /// What opens the session from now on.
    pub secret: CookieSecret,
    /// By what the browser is known from now on.
    pub browser: CookieSecret,
    /// How many other sessions ended.
    pub ended: usize,
}

/// Changes the password. All other sessions end, and this one has another
/// secret from then on; no browser is known any more but this one.
///
/// # Errors
/// [`KeyringError::Invalid`] where the new one is against the rules.
pub fn change(
    store: &Store,
    holder: &Holder<'_>,
    given: &SecretString,
    new: SecretString,
    now: Timestamp,
) -> Result<Checked<NewPassword>, KeyringError> {
    let Holder {
        account,
        session,
        client,
    } = holder;
    let action = "account.change_password";
    obeys(&new, account)?;
    let hash = match check(store, holder, action, given, now)? {
        Checked::Right(hash) => hash,
        Checked::Wrong => return Ok(Checked::Wrong),
        Checked::SlowDown(wait) => return Ok(Checked::SlowDown(wait)),
    };
    if given.expose_secret() == new.expose_secret() {
        return Err(KeyringError::invalid(
            "new_password",
            "it is the one that you have",
        ));
    }
    let new = Password::of(new)?;
    let (secret, browser) = (CookieSecret::generate()?, CookieSecret::generate()?);
    let ended = store.write(|c| {
        if accounts::password_hash(c, account.id)?.as_ref() != Some(&hash) {
            return Ok(None);
        }
        left::give_back(c, &tries::of_session(session.id))?;
        accounts::set_password_hash(c, account.id, &new.hash)?;
        let ended = rows::end_all_but(c, account.id, Some(session.id))?;
        rows::renew(c, session.id, &secret.digest())?;
        rows::confirm(c, session.id, now)?;
        known_browsers::forget_all(c, account.id)?;
        known_browsers::insert(c, &browser.digest(), account.id, now)?;
        let detail = json!({ "session": session.id, "ended": ended });
        let mut record = Actor::holder(account).on_account(action, account, detail, now);
        record.ip = client.ip;
        record.user_agent.clone_from(&client.user_agent);
        audit::append(c, &[record])?;
        Ok(Some(ended))
    })?;
    Ok(match ended {
        Some(ended) => Checked::Right(NewPassword {
            secret,
            browser,
            ended,
        }),
        None => Checked::Wrong,
    })
}

/// Looks at a password: the hash that it matches.
fn check(
    store: &Store,
    holder: &Holder<'_>,
    action: &str,
    given: &SecretString,
    now: Timestamp,
) -> Result<Checked<String>, KeyringError> {
    let (account, client) = (holder.account, holder.client);
    let note = |outcome| failed(action, Some(account), outcome, client, now);
    let buckets = tries::of_session(holder.session.id);
    if let Some(wait) = tries::take(store, &buckets, note, now)? {
        return Ok(Checked::SlowDown(wait));
    }
    let hash = store.read(|c| accounts::password_hash(c, account.id))?;
    match hash.filter(|hash| password::matches(Some(hash), given)) {
        Some(hash) => Ok(Checked::Right(hash)),
        None => {
            record_alone(store, note(Outcome::WrongCredentials))?;
            Ok(Checked::Wrong)
        }
    }
}

/// The rules for a password that somebody chooses: length counts, and that it
/// can't be told from the account.
fn obeys(new: &SecretString, account: &Account) -> Result<(), KeyringError> {
    let wrong = |message: String| Err(KeyringError::invalid("new_password", message));
    let new = new.expose_secret();
    let count = new.chars().count();
    if !(CHARS_MIN..=CHARS_MAX).contains(&count) {
        return wrong(format!(
            "use {CHARS_MIN} to {CHARS_MAX} characters; this one has {count}"
        ));
    }
    let mut different: Vec<char> = new.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < 5 {
        return wrong("use at least 5 different characters".to_owned());
    }
    let (lower, email) = (new.to_lowercase(), account.email.as_str());
    let name = email.split('@').next().unwrap_or(email);
    if lower.contains(email) || (name.chars().count() >= 4 && lower.contains(name)) {
        return wrong("it must not contain your email address or its first part".to_owned());
    }
    Ok(())
}
