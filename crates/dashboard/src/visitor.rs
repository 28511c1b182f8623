//! Who is signed in.

use torvus_domain::{Account, Timestamp};
use torvus_keyring::{Actor, CookieSecret, sessions};
use torvus_storage::sessions::Session;

/// Somebody who is signed in: the holder of an account, in one session.
pub(crate) struct Visitor {
    pub(crate) account: Account,
    pub(crate) session: Session,
    /// What the cookie holds: the forms of the session belong to it.
    pub(crate) secret: CookieSecret,
}

impl Visitor {
    /// As the audit log names them.
    pub(crate) fn actor(&self) -> Actor {
        Actor::holder(&self.account)
    }

    /// Whether the password has to be given again before a live key is made or
    /// rotated: it was given too long ago.
    pub(crate) fn must_confirm(&self, now: Timestamp) -> bool {
        sessions::must_confirm(&self.session, now)
    }
}
