//! Two-step sign-in: after the password a one-time code of an authenticator app
//! (RFC 6238), or a recovery code where the device is lost.

use chrono::TimeDelta;
use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};
use torvus_domain::{Account, AccountId, Outcome, Timestamp};
use torvus_key_core::{Pepper, PepperRing};
use torvus_storage::second_factors::{self as rows, SecondFactor};
use torvus_storage::sessions::{self as open, Session};
use torvus_storage::tries as left;
use torvus_storage::{Conn, StorageError, Store, audit, peppers};
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::own_password::Holder;
use crate::sessions::{Client, failed, record};
use crate::sign_in::{Entered, SignedIn, begin_session, known, record_alone};
use crate::tries::{self, What};
use crate::{Actor, CookieSecret, KeyringError};

/// How long somebody may take from the password to the code.
pub const CODE_WAIT: TimeDelta = TimeDelta::minutes(10);
/// How long somebody may take to set it up.
const SET_UP_WAIT: TimeDelta = TimeDelta::minutes(15);
/// How many recovery codes are made.
const RECOVERY_CODES: usize = 10;
/// 120 bits each, which are 24 characters.
const RECOVERY_BYTES: usize = 15;
/// As RFC 4226 advises, section 4.
const SECRET_BYTES: usize = 20;
const PURPOSE: &str = "one-time codes";

/// The secret that an app makes codes from, in base32: while it is being set up,
/// and never again.
///
/// # Errors
/// Those of the store; unavailable where the pepper is not at hand.
pub fn secret_of(
    c: &mut Conn,
    ring: &PepperRing,
    account: AccountId,
    now: Timestamp,
) -> Result<Option<SecretString>, StorageError> {
    let factor = rows::find(c, account)?.filter(|factor| being_set_up(factor, now));
    let Some(factor) = factor else {
        return Ok(None);
    };
    let secret = opened(&factor, ring, account)?;
    Ok(Some(SecretString::from(
        Secret::from(secret.to_vec()).to_base32(),
    )))
}

fn being_set_up(factor: &SecondFactor, now: Timestamp) -> bool {
    factor.enabled_at.is_none() && now - factor.created_at < SET_UP_WAIT
}

/// Begins to set it up: a new secret, which counts once it is [`enable`]d.
///
/// # Errors
/// [`KeyringError::Conflict`] where it is enabled already.
pub fn begin(
    store: &Store,
    ring: &PepperRing,
    account: AccountId,
    now: Timestamp,
) -> Result<(), KeyringError> {
    let secret = random::<SECRET_BYTES>()?;
    let pepper = ring.current();
    let sealed = sealed(secret.as_slice(), pepper, account)?;
    let begun = store.write(|c| {
        if peppers::hold_version(c, pepper.version())? {
            return Err(StorageError::Unavailable(
                "the pepper that is current here was retired".to_owned(),
            ));
        }
        rows::begin(c, account, &sealed, pepper.version(), now)
    })?;
    match begun {
        true => Ok(()),
        false => Err(KeyringError::Conflict(
            "Two-step sign-in is on already.".to_owned(),
        )),
    }
}

/// Enables it, where a first code shows that the app has the secret: the
/// recovery codes, which are shown once. `None` where the code is wrong.
///
/// # Errors
/// [`KeyringError::Conflict`] where nothing was begun, or too long ago.
pub fn enable(
    store: &Store,
    ring: &PepperRing,
    holder: &Holder<'_>,
    code: &str,
    now: Timestamp,
) -> Result<Option<Vec<SecretString>>, KeyringError> {
    let account = holder.account;
    let factor = store.read(|c| rows::find(c, account.id))?;
    let begun = factor.filter(|factor| being_set_up(factor, now));
    let not_begun =
        || KeyringError::Conflict("Begin to turn two-step sign-in on first.".to_owned());
    let begun = begun.ok_or_else(not_begun)?;
    let Some(step) = step_of(&begun, ring, account.id, code, now)? else {
        return Ok(None);
    };
    let codes = recovery_codes()?;
    let digests: Vec<[u8; 32]> = codes
        .iter()
        .map(|code| digest(code.expose_secret()))
        .collect();
    let enabled = store.write(|c| {
        if !rows::enable(c, account.id, now)? {
            return Ok(false);
        }
        rows::take_step(c, account.id, step)?;
        rows::set_codes(c, account.id, &digests)?;
        changed(c, "account.enable_second_factor", holder, now)?;
        Ok(true)
    })?;
    match enabled {
        true => Ok(Some(codes)),
        false => Err(not_begun()),
    }
}

/// Turns it off. False where it was so.
///
/// # Errors
/// What the store says.
pub fn disable(store: &Store, holder: &Holder<'_>, now: Timestamp) -> Result<bool, KeyringError> {
    Ok(store.write(|c| {
        if !rows::remove(c, holder.account.id)? {
            return Ok(false);
        }
        changed(c, "account.disable_second_factor", holder, now)?;
        Ok(true)
    })?)
}

fn changed(
    c: &mut Conn,
    action: &str,
    holder: &Holder<'_>,
    now: Timestamp,
) -> Result<(), StorageError> {
    let detail = json!({ "session": holder.session.id });
    let account = holder.account;
    let mut record = Actor::holder(account).on_account(action, account, detail, now);
    record.ip = holder.client.ip;
    record.user_agent.clone_from(&holder.client.user_agent);
    audit::append(c, &[record])
}

/// A code after the password.
pub struct CodeAttempt {
    /// What opens the session that waits for it.
    pub waiting: CookieSecret,
    /// The code, as it was typed: of the app, or a recovery code.
    pub code: String,
    /// Where they are.
    pub client: Client,
    /// Their browser.
    pub browser: Option<CookieSecret>,
}

/// Who a code is waited for from, where somebody is.
///
/// # Errors
/// Those of the store.
pub fn waiting(
    c: &mut Conn,
    secret: &CookieSecret,
    now: Timestamp,
) -> Result<Option<Account>, StorageError> {
    Ok(waiting_session(c, secret, now)?.map(|(_, account)| account))
}

fn waiting_session(
    c: &mut Conn,
    secret: &CookieSecret,
    now: Timestamp,
) -> Result<Option<(Session, Account)>, StorageError> {
    let found = open::find(c, &secret.digest())?;
    Ok(found.filter(|(session, account)| {
        session.awaits_code
            && now - session.created_at < CODE_WAIT
            && account.suspended_at.is_none()
    }))
}

/// Takes a code: the session that waited for it ends, and one begins that is
/// open. [`SignedIn::Wrong`] also where nobody is waited for any more.
///
/// # Errors
/// What the store says; unavailable where the pepper is not at hand.
pub fn sign_in_with_code(
    store: &Store,
    ring: &PepperRing,
    attempt: &CodeAttempt,
    now: Timestamp,
) -> Result<SignedIn, KeyringError> {
    let client = &attempt.client;
    let Some((account, factor, known)) = store.read(|c| look_up(c, attempt, now))? else {
        return Ok(SignedIn::Wrong);
    };
    let note = |outcome| failed("session.code", Some(&account), outcome, client, now);
    let buckets = tries::of_sign_in(What::Code, Some(&account.email), known.as_ref(), client.ip);
    if let Some(wait) = tries::take(store, &buckets, note, now)? {
        return Ok(SignedIn::SlowDown(wait));
    }
    let step = step_of(&factor, ring, account.id, &attempt.code, now)?;
    let mut entered = Entered::new(&account, client, now)?;
    let done = store.write(|c| {
        // Whoever was waited for may have been ended meanwhile: then no code is
        // used up.
        let Some((waited, _)) = waiting_session(c, &attempt.waiting, now)? else {
            return Ok(false);
        };
        let right = match step {
            Some(step) => rows::take_step(c, account.id, step)?,
            None => rows::take_code(c, account.id, &digest(&attempt.code))?,
        };
        if !right {
            return Ok(false);
        }
        // A code is no password: that was given before.
        entered.session.confirmed_at = waited.confirmed_at;
        left::give_back(c, &buckets)?;
        open::end_by_digest(c, &attempt.waiting.digest())?;
        begin_session(c, &entered, attempt.browser.as_ref())?;
        let how = if step.is_some() {
            "code"
        } else {
            "recovery_code"
        };
        let detail = json!({ "session": entered.session.id, "second_factor": how });
        audit::append(
            c,
            &[record("session.sign_in", &account, client, detail, now)],
        )?;
        Ok(true)
    })?;
    if done {
        return Ok(SignedIn::Yes(Box::new(entered)));
    }
    record_alone(store, note(Outcome::WrongCredentials))?;
    Ok(SignedIn::Wrong)
}

/// Who is waited for, what their codes are made from, and their browser.
type Found = (Account, SecondFactor, Option<[u8; 32]>);

fn look_up(
    c: &mut Conn,
    attempt: &CodeAttempt,
    now: Timestamp,
) -> Result<Option<Found>, StorageError> {
    let Some(account) = waiting(c, &attempt.waiting, now)? else {
        return Ok(None);
    };
    let Some(factor) = rows::find(c, account.id)?.filter(|factor| factor.enabled_at.is_some())
    else {
        return Ok(None);
    };
    let known = known(c, attempt.browser.as_ref(), account.id)?;
    Ok(Some((account, factor, known)))
}

/// The step of a code that is right now, or was or will be half a minute from
/// now.
fn step_of(
    factor: &SecondFactor,
    ring: &PepperRing,
    account: AccountId,
    code: &str,
    now: Timestamp,
) -> Result<Option<i64>, KeyringError> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let secret = opened(factor, ring, account)?;
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let step = totp(&secret)?.check(&code, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn totp(secret: &[u8]) -> Result<Totp, KeyringError> {
    let built = Builder::new()
        .with_secret(secret.to_vec())
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(30)
        .build();
    built.map_err(|error| KeyringError::Failed(format!("codes can't be made: {error:?}")))
}

fn sealed(secret: &[u8], pepper: &Pepper, account: AccountId) -> Result<Vec<u8>, KeyringError> {
    let owner = account.to_string();
    let sealed = pepper.seal(secret, PURPOSE, owner.as_bytes());
    sealed.map_err(|error| KeyringError::Failed(error.to_string()))
}

fn opened(
    factor: &SecondFactor,
    ring: &PepperRing,
    account: AccountId,
) -> Result<Zeroizing<Vec<u8>>, StorageError> {
    let version = factor.pepper_version;
    let lacking =
        || StorageError::Unavailable(format!("version {version} of the pepper is not at hand"));
    let pepper = ring.get(version).ok_or_else(lacking)?;
    let owner = account.to_string();
    let secret = pepper.open(&factor.sealed, PURPOSE, owner.as_bytes());
    secret.map_err(|error| StorageError::Unavailable(error.to_string()))
}

/// What was encrypted under this version is so under the current one from now on.
pub(crate) fn reseal(c: &mut Conn, ring: &PepperRing, old: &Pepper) -> Result<(), StorageError> {
    for (account, bytes) in rows::of_version(c, old.version())? {
        let owner = account.to_string();
        let anew = old
            .open(&bytes, PURPOSE, owner.as_bytes())
            .map_err(|error| error.to_string())
            .and_then(|secret| {
                let sealed = ring.current().seal(&secret, PURPOSE, owner.as_bytes());
                sealed.map_err(|error| error.to_string())
            })
            .map_err(StorageError::Unavailable)?;
        rows::reseal(c, account, ring.current().version(), &anew)?;
    }
    Ok(())
}

/// Codes for when the device is lost, in groups that can be copied by hand.
fn recovery_codes() -> Result<Vec<SecretString>, KeyringError> {
    (0..RECOVERY_CODES)
        .map(|_| {
            let text = Secret::from(random::<RECOVERY_BYTES>()?.to_vec()).to_base32();
            let characters: Vec<char> = text.chars().collect();
            let groups: Vec<String> = characters
                .chunks(4)
                .map(|group| group.iter().collect())
                .collect();
            Ok(SecretString::from(groups.join("-")))
        })
        .collect()
}

/// What is stored of a recovery code, however it is typed.
fn digest(code: &str) -> [u8; 32] {
    let plain: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    Sha256::digest(plain).into()
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, KeyringError> {
    let mut bytes = Zeroizing::new([0; N]);
    SysRng
        .try_fill_bytes(bytes.as_mut_slice())
        .map_err(|error| KeyringError::Failed(format!("no random numbers to be had: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B: the last six of its eight digits.
        let totp = totp(b"12345678901234567890").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(totp.check(code, seconds), Some(seconds / 30));
            assert_eq!(totp.check(code, seconds + 30), Some(seconds / 30));
            assert_eq!(totp.check(code, seconds + 90), None);
        }
        for wrong in ["", "28708", "2870820", "28708a", "٢٨٧٠٨٢"] {
            assert_eq!(totp.check(wrong, 59), None, "{wrong}");
        }
    }

    #[test]
    fn recovery_codes_may_be_typed_as_people_do() {
        let codes = recovery_codes().unwrap();
        assert_eq!(codes.len(), RECOVERY_CODES);
        let code = codes[0].expose_secret();
        assert_eq!(code.len(), 24 + 5);
        let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
        assert_eq!(digest(&typed), digest(code));
        assert_ne!(digest(code), digest(codes[1].expose_secret()));
    }
}
