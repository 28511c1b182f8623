//! The first account of a new installation.

use secrecy::SecretString;
use torvus_domain::{
    Account, Email, Expiry, IpAllowlist, KeyName, NameError, PermissionSet, PlanName, Plans,
    Timestamp,
};
use torvus_key_core::{Environment, PepperRing};
use torvus_storage::{Store, accounts as rows};

use crate::keys::{Issued, NewKey};
use crate::{Actor, KeyringError, accounts, keys};

/// What the first start made; all secrets are shown once.
pub struct Bootstrapped {
    /// The account.
    pub account: Account,
    /// The dashboard's password.
    pub password: SecretString,
    /// A live key with all permissions.
    pub live: Issued,
    /// A test key with all permissions.
    pub test: Issued,
}

/// Makes an account with a live and a test key, in one transaction. `None`
/// where the address has an account: then nothing is changed.
///
/// # Errors
/// [`KeyringError::Invalid`] where there is no such plan, and what the store says.
pub fn bootstrap(
    store: &Store,
    peppers: &PepperRing,
    plans: &Plans,
    email: &Email,
    plan: &PlanName,
    now: Timestamp,
) -> Result<Option<Bootstrapped>, KeyringError> {
    if store.read(|c| rows::find_by_email(c, email))?.is_some() {
        return Ok(None);
    }
    let actor = Actor::bootstrap();
    let (account, password) = accounts::prepare(email, plan, plans, now)?;
    let key = |environment| {
        let name: KeyName = format!("First {environment} key")
            .parse()
            .map_err(|error: NameError| KeyringError::invalid("name", error))?;
        let new = NewKey {
            account_id: account.id,
            name,
            environment,
            permissions: PermissionSet::all(),
            expiry: Expiry::default(),
            allowed_ips: IpAllowlist::default(),
            limit: None,
        };
        keys::prepare(&account, plans, &new, now)
    };
    let (live, test) = (key(Environment::Live)?, key(Environment::Test)?);
    store
        .write(|c| {
            accounts::insert(c, &account, &password, &actor, now)?;
            keys::insert(c, &live, peppers, &actor, now)?;
            keys::insert(c, &test, peppers, &actor, now)
        })
        .map_err(|error| accounts::taken(error, email))?;
    Ok(Some(Bootstrapped {
        account,
        password: password.text,
        live,
        test,
    }))
}
