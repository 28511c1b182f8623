//! Passwords take a core each: they are looked at off the event loop, and few
//! at once.

use std::time::Duration;

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use torvus_keyring::KeyringError;
use torvus_keyring::own_password::{Checked, Holder, confirm};
use torvus_storage::Store;

use crate::ask::Ask;
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

/// How long somebody waits for their turn.
const TURN_WAIT: Duration = Duration::from_secs(5);
/// The field in which a password is given once more.
pub(crate) const FIELD: &str = "password";

impl Dashboard {
    /// Does what hashes a password, when it is its turn. Where too many wait
    /// already it is not done.
    pub(crate) async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = timeout(TURN_WAIT, self.hashing.acquire()).await;
        let _turn = turn.map_err(|_| Problem::Unavailable)?;
        self.change(work).await
    }

    /// Whether a form may go on that asks for the password where it was given
    /// too long ago: `Err` holds what is to be said beside the field `password`
    /// of the form, shown once more with all that was typed.
    pub(crate) async fn confirmed(
        &self,
        visitor: &Visitor,
        ask: &Ask,
    ) -> Result<Result<(), String>, Problem> {
        if !visitor.must_confirm(ask.now) {
            return Ok(Ok(()));
        }
        let given = SecretString::from(ask.form.text(FIELD));
        if given.expose_secret().is_empty() {
            let asked = "Give your password once more: it was given over 15 minutes ago.";
            return Ok(Err(asked.to_owned()));
        }
        let (account, session) = (visitor.account.clone(), visitor.session.clone());
        let (client, now) = (ask.client.clone(), ask.now);
        let checked = self.hashing(move |store| {
            let holder = Holder {
                account: &account,
                session: &session,
                client: &client,
            };
            confirm(store, &holder, &given, now)
        });
        Ok(match checked.await? {
            Checked::Right(()) => Ok(()),
            Checked::Wrong => Err(WRONG.to_owned()),
            Checked::SlowDown(wait) => Err(slow_down(wait)),
        })
    }
}

/// What is said of a password that is not the right one.
pub(crate) const WRONG: &str = "That is not your password.";

/// What is said to somebody who tried too often.
pub(crate) fn slow_down(wait: TimeDelta) -> String {
    let seconds = seconds(wait);
    let wait = match seconds {
        1 => "1 second".to_owned(),
        2..120 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    };
    format!("Too many tries. Wait {wait}, then try again.")
}

/// Whole seconds, at least one.
pub(crate) fn seconds(wait: TimeDelta) -> u64 {
    let whole = (wait + TimeDelta::milliseconds(999)).num_seconds();
    u64::try_from(whole).unwrap_or_default().max(1)
}
