//! Which records are wanted.

use std::net::IpAddr;
use std::str::FromStr;

use torvus_domain::{AccountId, AuditId, Category, KeyId, Outcome, RequestId, Timestamp};
use torvus_key_core::Environment;

/// A status, or a whole class of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// This status.
    Exact(u16),
    /// All statuses with this first digit.
    Class(u16),
}

impl StatusFilter {
    /// The first and the last status that it lets through.
    #[must_use]
    pub const fn range(self) -> (u16, u16) {
        match self {
            Self::Exact(status) => (status, status),
            Self::Class(class) => (class * 100, class * 100 + 99),
        }
    }
}

/// A text that names no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no status: use one such as 404, or a class such as 4xx")]
pub struct StatusFilterError(String);

impl FromStr for StatusFilter {
    type Err = StatusFilterError;

    fn from_str(text: &str) -> Result<Self, StatusFilterError> {
        let wrong = || StatusFilterError(text.to_owned());
        if let Some(class) = text.strip_suffix("xx") {
            let class: u16 = class.parse().map_err(|_| wrong())?;
            return (1..=5)
                .contains(&class)
                .then_some(Self::Class(class))
                .ok_or_else(wrong);
        }
        let status: u16 = text.parse().map_err(|_| wrong())?;
        (100..=599)
            .contains(&status)
            .then_some(Self::Exact(status))
            .ok_or_else(wrong)
    }
}

/// A place in the log: pages go on behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The instant of the last record seen.
    pub at: Timestamp,
    /// Its identifier.
    pub id: AuditId,
}

/// Which records are wanted. The default is all of them, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this account.
    pub account: Option<AccountId>,
    /// Of this key.
    pub key: Option<KeyId>,
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
    /// With this status.
    pub status: Option<StatusFilter>,
    /// That ended like this.
    pub outcome: Option<Outcome>,
    /// Of this category.
    pub category: Option<Category>,
    /// Of keys of this environment.
    pub environment: Option<Environment>,
    /// With this method.
    pub method: Option<String>,
    /// To this route, `/v1/vaults/:id`.
    pub route: Option<String>,
    /// To this path, as it was sent.
    pub path: Option<String>,
    /// From this address.
    pub ip: Option<IpAddr>,
    /// Of this request.
    pub request: Option<RequestId>,
    /// At most so many; all where not given.
    pub limit: Option<u32>,
    /// The oldest first.
    pub oldest_first: bool,
    /// Only what comes behind this place, in the order that is asked for.
    pub behind: Option<Cursor>,
    /// Nothing that comes behind this place.
    pub until: Option<Cursor>,
}

impl AuditFilter {
    /// Whether few of the records may be wanted that an index leads to, so
    /// that many are read to find one.
    #[must_use]
    pub const fn is_sparse(&self) -> bool {
        self.status.is_some()
            || self.outcome.is_some()
            || self.environment.is_some()
            || self.method.is_some()
            || self.route.is_some()
            || self.path.is_some()
            || self.ip.is_some()
            || self.request.is_some()
            || self.category.is_some()
            // The key's index leads to its records of any account.
            || (self.key.is_some() && self.account.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_classes() {
        assert_eq!("404".parse(), Ok(StatusFilter::Exact(404)));
        assert_eq!("4xx".parse::<StatusFilter>().unwrap().range(), (400, 499));
        for bad in ["", "4x", "xx", "6xx", "0xx", "99", "600", "ok", "44xx"] {
            assert!(bad.parse::<StatusFilter>().is_err(), "{bad}");
        }
    }
}
