//! What the forms for keys have in common: what was typed is kept, and what is
//! wrong stands beside its field.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use torvus_domain::{Expiry, IpAllowlist, KeyName, Permission, PermissionSet};
use torvus_keyring::KeyringError;

use super::view::sentence;
use crate::fields::Fields;
use crate::problem::Problem;

/// What was typed, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) name: String,
    pub(super) permissions: Vec<String>,
    pub(super) environment: String,
    pub(super) expiration: String,
    pub(super) expires_on: String,
    /// None where the field was off.
    pub(super) addresses: Option<String>,
    pub(super) allowed_ips: String,
    pub(super) limit: String,
    pub(super) reason: String,
}

impl Typed {
    pub(super) fn read(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        let addresses = fields.has("allowed_ips").then(|| text("allowed_ips"));
        Self {
            name: text("name"),
            permissions: fields.all("permissions").map(str::to_owned).collect(),
            environment: text("environment"),
            expiration: text("expiration"),
            expires_on: text("expires_on"),
            allowed_ips: addresses.clone().unwrap_or_default(),
            addresses,
            limit: text("limit"),
            reason: text("reason"),
        }
    }

    pub(super) fn chosen(&self) -> Chosen {
        let has = |wanted: &str| self.permissions.iter().any(|one| one == wanted);
        Chosen {
            read: has("read"),
            write: has("write"),
            delete: has("delete"),
        }
    }

    /// The reason, if there is one.
    pub(super) fn reason(&self) -> Option<String> {
        Some(self.reason.trim().to_owned()).filter(|reason| !reason.is_empty())
    }
}

/// Which permissions are ticked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) read: bool,
    pub(super) write: bool,
    pub(super) delete: bool,
}

/// What is wrong, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Errors {
    pub(super) name: Option<String>,
    pub(super) permissions: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) expires: Option<String>,
    pub(super) allowed_ips: Option<String>,
    pub(super) limit: Option<String>,
    pub(super) reason: Option<String>,
    /// What no field is to blame for.
    pub(super) form: Option<String>,
}

impl Errors {
    pub(super) fn any(&self) -> bool {
        *self != Self::default()
    }

    /// What the change was refused for, if what was typed is to blame.
    pub(super) fn of(error: KeyringError) -> Result<Self, Problem> {
        let mut errors = Self::default();
        match error {
            KeyringError::Invalid { field, message } => {
                let place = match field {
                    "name" => &mut errors.name,
                    "expires" => &mut errors.expires,
                    "allowed_ips" => &mut errors.allowed_ips,
                    "limit" => &mut errors.limit,
                    "reason" => &mut errors.reason,
                    _ => &mut errors.form,
                };
                *place = Some(sentence(message));
                Ok(errors)
            }
            KeyringError::Conflict(message) | KeyringError::Refused(message) => {
                errors.form = Some(sentence(message));
                Ok(errors)
            }
            other => Err(other.into()),
        }
    }

    /// The value, or its error in a field's place.
    fn take<T, E: ToString>(place: &mut Option<String>, read: Result<T, E>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                *place = Some(sentence(error));
                None
            }
        }
    }

    pub(super) fn name(&mut self, typed: &Typed) -> Option<KeyName> {
        Self::take(&mut self.name, typed.name.parse())
    }

    pub(super) fn permissions(&mut self, typed: &Typed) -> Option<PermissionSet> {
        let each = typed
            .permissions
            .iter()
            .map(|one| one.parse::<Permission>());
        let read = each.collect::<Result<Vec<_>, _>>();
        let all = Self::take(&mut self.permissions, read)?;
        let none = || "choose at least one: a key that may do nothing is good for nothing";
        Self::take(
            &mut self.permissions,
            PermissionSet::new(all).ok_or_else(none),
        )
    }

    /// When the key ends; the inner `None` where that stays as it is.
    pub(super) fn expiry(&mut self, typed: &Typed) -> Option<Option<Expiry>> {
        let read = match typed.expiration.as_str() {
            "keep" => return Some(None),
            "custom" => on(&typed.expires_on),
            "90d" | "1y" | "never" => typed.expiration.parse().map_err(sentence),
            _ => Err("choose when the key ends".to_owned()),
        };
        Self::take(&mut self.expires, read).map(Some)
    }

    pub(super) fn addresses(&mut self, typed: &Typed) -> Option<Option<IpAllowlist>> {
        let Some(text) = &typed.addresses else {
            return Some(None);
        };
        Self::take(&mut self.allowed_ips, IpAllowlist::parse(text)).map(Some)
    }

    /// Requests per hour; the inner `None` is the plan's.
    pub(super) fn limit(&mut self, typed: &Typed) -> Option<Option<u32>> {
        let text: String = typed
            .limit
            .chars()
            .filter(|c| !c.is_whitespace() && *c != ',')
            .collect();
        if text.is_empty() {
            return Some(None);
        }
        let read = text.parse::<u32>().ok().filter(|limit| *limit > 0);
        let wrong = || "use a whole number of requests, or leave it empty";
        Self::take(&mut self.limit, read.ok_or_else(wrong)).map(Some)
    }
}

/// An end as people write it: a date is over when its last second is.
fn on(text: &str) -> Result<Expiry, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("say when: a date such as 2027-01-31, or how long, such as 45d".to_owned());
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        let next = date
            .succ_opt()
            .map(|next| next.and_time(NaiveTime::MIN).and_utc());
        return next
            .map(Expiry::At)
            .ok_or_else(|| "that is too far away".to_owned());
    }
    let local = [
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
    ];
    let mut local = local
        .iter()
        .filter_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    if let Some(at) = local.next() {
        return Ok(Expiry::At(at.and_utc()));
    }
    text.parse::<Expiry>().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use torvus_domain::rfc3339;

    use super::*;

    fn end(text: &str) -> Option<String> {
        match on(text) {
            Ok(Expiry::At(at)) => Some(rfc3339(at)),
            _ => None,
        }
    }

    #[test]
    fn an_end_is_read_as_people_write_it() {
        assert_eq!(end("2027-01-31").as_deref(), Some("2027-02-01T00:00:00Z"));
        assert_eq!(
            end("2027-01-31T10:30").as_deref(),
            Some("2027-01-31T10:30:00Z")
        );
        assert_eq!(
            end(" 2027-01-31T10:30:00+02:00 ").as_deref(),
            Some("2027-01-31T08:30:00Z")
        );
        assert!(matches!(on("45d"), Ok(Expiry::After(_))));
        for wrong in ["", "soon", "31.1.2027", "2027-02-30", "0d"] {
            assert!(on(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_field_has_its_own_error() {
        let typed = Typed {
            expiration: "custom".to_owned(),
            addresses: Some("10.0.0.300".to_owned()),
            limit: "-1".to_owned(),
            ..Typed::default()
        };
        let mut errors = Errors::default();
        assert!(errors.name(&typed).is_none() && errors.permissions(&typed).is_none());
        assert!(errors.expiry(&typed).is_none() && errors.addresses(&typed).is_none());
        assert!(errors.limit(&typed).is_none());
        let all = [
            errors.name,
            errors.permissions,
            errors.expires,
            errors.allowed_ips,
            errors.limit,
        ];
        assert!(all.iter().all(Option::is_some), "{all:?}");
    }
}
