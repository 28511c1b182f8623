//! Accounts: made, put on another plan, suspended and resumed.

use secrecy::SecretString;
use serde_json::json;
use torvus_domain::{Account, AccountId, Change, Email, PlanName, Plans, Timestamp};
use torvus_storage::leases::Settled;
use torvus_storage::{
    Conn, StorageError, Store, accounts, audit, known_browsers, second_factors, sessions,
};

use crate::change::everywhere;
use crate::password::Password;
use crate::{Actor, KeyringError, reason};

/// An account that was made.
pub struct Created {
    /// The account.
    pub account: Account,
    /// The dashboard's password; shown once.
    pub password: SecretString,
}

/// An account after a change that is true on every server.
#[derive(Clone, Debug)]
pub struct ChangedAccount {
    /// The account as it is now.
    pub account: Account,
    /// Whether anything is different: what was so already is not recorded.
    pub changed: bool,
    /// Who had to be waited for.
    pub settled: Settled,
}

/// Makes an account with a password for the dashboard.
///
/// # Errors
/// [`KeyringError::Conflict`] where the address has an account,
/// [`KeyringError::Invalid`] where there is no such plan.
pub fn create(
    store: &Store,
    email: &Email,
    plan: &PlanName,
    plans: &Plans,
    actor: &Actor,
    now: Timestamp,
) -> Result<Created, KeyringError> {
    let (account, password) = prepare(email, plan, plans, now)?;
    store
        .write(|c| insert(c, &account, &password.hash, actor, now))
        .map_err(|error| taken(error, email))?;
    Ok(Created {
        account,
        password: password.text,
    })
}

pub(crate) fn prepare(
    email: &Email,
    plan: &PlanName,
    plans: &Plans,
    now: Timestamp,
) -> Result<(Account, Password), KeyringError> {
    known(plans, plan)?;
    let account = Account {
        id: AccountId::new(now),
        email: email.clone(),
        plan: plan.clone(),
        created_at: now,
        suspended_at: None,
    };
    Ok((account, Password::generate()?))
}

pub(crate) fn insert(
    c: &mut Conn,
    account: &Account,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StorageError> {
    accounts::insert(c, account, password_hash)?;
    let detail = json!({ "after": { "email": account.email, "plan": account.plan } });
    audit::append(
        c,
        &[actor.on_account("account.create", account, detail, now)],
    )
}

fn taken(error: StorageError, email: &Email) -> KeyringError {
    match error {
        StorageError::Duplicate => {
            KeyringError::Conflict(format!("{email} has an account already"))
        }
        other => KeyringError::Storage(other),
    }
}

/// Puts an account on another plan. Lists of addresses stay in force, whatever
/// the plan (public contract, section 1).
///
/// # Errors
/// [`KeyringError::NotFound`], or [`KeyringError::Invalid`] where there is no such plan,
/// and for the reason.
pub fn set_plan(
    store: &Store,
    id: AccountId,
    plan: &PlanName,
    plans: &Plans,
    reason: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<ChangedAccount, KeyringError> {
    known(plans, plan)?;
    let reason = reason::kept(reason)?;
    let same = |account: &Account| account.plan == *plan;
    change(store, id, now, same, |c, account, now| {
        accounts::set_plan(c, id, plan)?;
        let detail = json!({
            "before": { "plan": account.plan },
            "after": { "plan": plan },
            "reason": reason,
        });
        audit::append(
            c,
            &[actor.on_account("account.set_plan", account, detail, now)],
        )
    })
}

/// Suspends an account: from the moment this returns, none of its keys is let
/// in, and nobody is signed in to its dashboard. One that is suspended stays so since the first time.
///
/// # Errors
/// [`KeyringError::NotFound`].
pub fn suspend(
    store: &Store,
    id: AccountId,
    reason: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<ChangedAccount, KeyringError> {
    set_suspended(store, id, true, reason, actor, now)
}

/// Lets an account's keys in again.
///
/// # Errors
/// [`KeyringError::NotFound`].
pub fn resume(
    store: &Store,
    id: AccountId,
    reason: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<ChangedAccount, KeyringError> {
    set_suspended(store, id, false, reason, actor, now)
}

fn set_suspended(
    store: &Store,
    id: AccountId,
    suspended: bool,
    reason: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<ChangedAccount, KeyringError> {
    let reason = reason::kept(reason)?;
    let same = |account: &Account| account.suspended_at.is_some() == suspended;
    change(store, id, now, same, |c, account, now| {
        accounts::set_suspended(c, id, suspended.then_some(now))?;
        if suspended {
            sessions::end_all_but(c, id, None)?;
        }
        let action = if suspended {
            "account.suspend"
        } else {
            "account.resume"
        };
        let detail = json!({
            "before": { "suspended": !suspended },
            "after": { "suspended": suspended },
            "reason": reason,
        });
        audit::append(c, &[actor.on_account(action, account, detail, now)])
    })
}

/// Gives an account a new password; the old one ends, and with it everybody who
/// is signed in. Two-step sign-in stays on, unless it is to be turned off: for
/// who has lost their device and the recovery codes as well.
///
/// # Errors
/// [`KeyringError::NotFound`].
pub fn reset_password(
    store: &Store,
    id: AccountId,
    second_factor_off: bool,
    actor: &Actor,
    now: Timestamp,
) -> Result<Created, KeyringError> {
    let password = Password::generate()?;
    let changed = store.write(|c| {
        let Some(account) = accounts::find(c, id)? else {
            return Ok(None);
        };
        accounts::set_password_hash(c, id, &password.hash)?;
        let ended = sessions::end_all_but(c, id, None)?;
        known_browsers::forget_all(c, id)?;
        let turned_off = second_factor_off && second_factors::remove(c, id)?;
        let detail = json!({ "sessions_ended": ended, "second_factor_off": turned_off });
        audit::append(
            c,
            &[actor.on_account("account.reset_password", &account, detail, now)],
        )?;
        Ok(Some(account))
    })?;
    Ok(Created {
        account: changed.ok_or_else(|| unknown(id))?,
        password: password.text,
    })
}

/// Makes a change that holds on every server at once, where there is one to be
/// made: `same` says that the account is as it is to be.
fn change(
    store: &Store,
    id: AccountId,
    now: Timestamp,
    same: impl Fn(&Account) -> bool,
    mut work: impl FnMut(&mut Conn, &Account, Timestamp) -> Result<(), StorageError>,
) -> Result<ChangedAccount, KeyringError> {
    let find = |c: &mut Conn| accounts::find(c, id)?.ok_or_else(|| unknown(id));
    let (account, changed, settled) = everywhere(store, Change::Account(id), now, |c, now| {
        let account = find(c)?;
        if same(&account) {
            return Ok((account, false));
        }
        work(c, &account, now)?;
        Ok((find(c)?, true))
    })?;
    Ok(ChangedAccount {
        account,
        changed,
        settled,
    })
}

fn unknown(id: AccountId) -> KeyringError {
    KeyringError::NotFound(format!("account {id}"))
}

fn known(plans: &Plans, plan: &PlanName) -> Result<(), KeyringError> {
    if plans.get(plan).is_some() {
        return Ok(());
    }
    let names: Vec<&str> = plans.names().map(PlanName::as_str).collect();
    Err(KeyringError::invalid(
        "plan",
        format!("there is no plan {plan}: use {}", names.join(", ")),
    ))
}
