//! The first account of a new installation.

use secrecy::SecretString;
use torvus_domain::{
    Account, Email, Expiry, IpAllowlist, KeyName, NameError, PermissionSet, PlanName, Plans,
    Timestamp,
};
use torvus_key_core::{Environment, PepperRing};
use torvus_storage::{StorageError, Store, accounts as rows};

use crate::issue::{self, Issued, NewKey};
use crate::{Actor, KeyringError, accounts};

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

/// Makes an account with a live and a test key, in one transaction, and shows
/// them before it ends: secrets that nobody saw must not stay. `None` where the
/// address has an account, or somebody else is making it: then nothing is
/// changed or shown.
///
/// # Errors
/// [`KeyringError::Invalid`] where there is no such plan,
/// [`KeyringError::Failed`] where they can't be shown, and what the store says.
pub fn bootstrap(
    store: &Store,
    peppers: &PepperRing,
    plans: &Plans,
    email: &Email,
    plan: &PlanName,
    now: Timestamp,
    show: impl FnOnce(&Bootstrapped) -> std::io::Result<()>,
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
        issue::prepare(&account, plans, &new, now)
    };
    let (live, test) = (key(Environment::Live)?, key(Environment::Test)?);
    let mut unseen = None;
    let hash = password.hash;
    let made = Bootstrapped {
        account,
        password: password.text,
        live,
        test,
    };
    let written = store.write(|c| {
        accounts::insert(c, &made.account, &hash, &actor, now)?;
        issue::insert(c, &made.live, peppers, &actor, now)?;
        issue::insert(c, &made.test, peppers, &actor, now)?;
        show(&made).map_err(|error| {
            unseen = Some(error);
            StorageError::GivenUp
        })
    });
    match (written, unseen) {
        (Ok(()), _) => Ok(Some(made)),
        (Err(StorageError::Duplicate), _) => Ok(None),
        (Err(_), Some(error)) => Err(KeyringError::Failed(format!(
            "the keys can't be shown, so none were made: {error}"
        ))),
        (Err(error), None) => Err(error.into()),
    }
}
