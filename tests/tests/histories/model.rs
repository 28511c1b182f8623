//! One key as it would be if there were one server that remembered nothing.

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A request with one of its secrets, counted from 0, that reads or writes.
    Use { secret: usize, write: bool },
    /// Its permissions are set: whether it may read, and whether it may write.
    Permit { read: bool, write: bool },
    /// It gets this secret; the one before goes on.
    Rotate { secret: usize },
    /// The secret before the newest ends.
    EndGrace,
    /// It is revoked.
    Revoke,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Of a use: 2xx.
    LetIn,
    /// Of a use: 403.
    Forbidden,
    /// Of a use: 401.
    Unknown,
    /// Of a change: it holds.
    Ok,
    /// Of a change: it is not possible now.
    Conflict,
}

/// The key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    read: bool,
    write: bool,
    newest: usize,
    /// The one before, while it goes on.
    before: Option<usize>,
    rotated: bool,
    revoked: bool,
}

impl Default for Key {
    fn default() -> Self {
        Self {
            read: true,
            write: true,
            newest: 0,
            before: None,
            rotated: false,
            revoked: false,
        }
    }
}

impl Key {
    /// The key after that, if this is what comes of it; where nobody knows what came of it, after it was done.
    pub fn after(self, what: &What, done: Option<Done>) -> Option<Self> {
        let (after, would) = self.step(what);
        (done.is_none_or(|done| done == would)).then_some(after)
    }

    fn step(self, what: &What) -> (Self, Done) {
        let changed = |after| (after, Done::Ok);
        let conflict = (self, Done::Conflict);
        match *what {
            What::Use { secret, write } => {
                let open = secret == self.newest || Some(secret) == self.before;
                let allowed = if write { self.write } else { self.read };
                let done = match (open && !self.revoked, allowed) {
                    (false, _) => Done::Unknown,
                    (true, false) => Done::Forbidden,
                    (true, true) => Done::LetIn,
                };
                (self, done)
            }
            What::Permit { .. } if self.revoked => conflict,
            What::Permit { read, write } => changed(Self {
                read,
                write,
                ..self
            }),
            What::Rotate { .. } if self.revoked || self.before.is_some() => conflict,
            What::Rotate { secret } => changed(Self {
                newest: secret,
                before: Some(self.newest),
                rotated: true,
                ..self
            }),
            What::EndGrace if !self.rotated => conflict,
            What::EndGrace => changed(Self {
                before: None,
                ..self
            }),
            What::Revoke => changed(Self {
                revoked: true,
                ..self
            }),
        }
    }
}
