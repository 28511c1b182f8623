//! What of the log is asked for, as it stands in the URL.

use std::fmt::Display;
use std::str::FromStr;

use chrono::{NaiveDate, NaiveDateTime};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use torvus_audit::{AuditFilter, Cursor};
use torvus_domain::{AccountId, Category, Timestamp};

use crate::fields::Fields;

/// The fields by which the log is filtered, in their order: their names in the
/// URL, and what they are called on the page.
pub(super) const FIELDS: [(&str, &str); 10] = [
    ("key", "Key"),
    ("environment", "Environment"),
    ("method", "Method"),
    ("endpoint", "Endpoint"),
    ("status", "Status"),
    ("outcome", "Outcome"),
    ("ip", "IP address"),
    ("request", "Request ID"),
    ("from", "From (UTC)"),
    ("to", "To (UTC)"),
];

/// From where on the page goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At the newest record.
    Top,
    /// Behind this record, towards older ones.
    Older(Cursor),
    /// Behind this record, towards newer ones.
    Newer(Cursor),
}

/// What can't stand in a query as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b':')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

/// What of the log is asked for.
pub(super) struct Asked {
    /// Which records.
    pub(super) filter: AuditFilter,
    /// From where on.
    pub(super) place: Place,
    /// Since when new records are to appear by themselves, in Unix seconds.
    pub(super) live: Option<i64>,
    /// What was given for each of the [`FIELDS`], as it was typed.
    given: [String; FIELDS.len()],
    /// What is wrong with it.
    faults: [Option<String>; FIELDS.len()],
    /// What is wrong with anything else.
    pub(super) fault: Option<String>,
}

impl Asked {
    /// Reads a query; of this account, whatever it says.
    pub(super) fn read(query: &Fields, account: AccountId) -> Self {
        let mut asked = Self {
            filter: AuditFilter {
                account: Some(account),
                ..AuditFilter::default()
            },
            place: Place::Top,
            live: None,
            given: Default::default(),
            faults: Default::default(),
            fault: None,
        };
        for (name, value) in query.iter() {
            let value = value.trim();
            if !value.is_empty() {
                asked.take(name, value);
            }
        }
        if let (Some(from), Some(to)) = (asked.filter.from, asked.filter.to)
            && from >= to
        {
            asked.blame("to", "must be later than where it begins");
        }
        asked
    }

    fn take(&mut self, name: &str, value: &str) {
        // No record has any, and databases differ in what they make of them.
        if value.chars().any(char::is_control) {
            self.blame(name, "must be plain text, on one line");
            return;
        }
        let field = FIELDS.iter().position(|field| field.0 == name);
        if let Some(given) = field.and_then(|field| self.given.get_mut(field)) {
            value.clone_into(given);
        }
        match name {
            "category" => self.filter.category = self.parsed(name, value),
            "key" => {
                self.filter.key = value.parse().ok();
                if self.filter.key.is_none() {
                    self.blame(name, "must be the ID of a key: key_…");
                }
            }
            "environment" => self.filter.environment = self.parsed(name, value),
            "method" => self.filter.method = Some(value.to_ascii_uppercase()),
            // A template has a place for what differs; anything else is a path.
            "endpoint" if value.contains("/:") => self.filter.route = Some(value.to_owned()),
            "endpoint" => self.filter.path = Some(value.to_owned()),
            "status" => self.filter.status = self.parsed(name, &value.to_ascii_lowercase()),
            "outcome" => self.filter.outcome = self.parsed(name, value),
            "ip" => {
                self.filter.ip = value.parse().ok();
                if self.filter.ip.is_none() {
                    self.blame(name, "must be one IPv4 or IPv6 address");
                }
            }
            "request" => {
                self.filter.request = value.parse().ok();
                if self.filter.request.is_none() {
                    self.blame(name, "must be a request ID: req_…");
                }
            }
            "from" => self.filter.from = self.instant(name, value),
            "to" => self.filter.to = self.instant(name, value),
            "older" => self.place = self.cursor(value).map_or(Place::Top, Place::Older),
            "newer" => self.place = self.cursor(value).map_or(Place::Top, Place::Newer),
            "live" => self.live = value.parse().ok(),
            _ => {}
        }
    }

    fn parsed<T: FromStr>(&mut self, name: &str, value: &str) -> Option<T>
    where
        T::Err: Display,
    {
        match value.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.blame(name, &error.to_string());
                None
            }
        }
    }

    fn instant(&mut self, name: &str, value: &str) -> Option<Timestamp> {
        let read = instant(value);
        if read.is_none() {
            self.blame(name, "must be a time such as 2026-11-24 09:30, in UTC");
        }
        read
    }

    fn cursor(&mut self, value: &str) -> Option<Cursor> {
        let read = read_cursor(value);
        if read.is_none() {
            self.fault = Some("This link leads nowhere: go on from the newest records.".to_owned());
        }
        read
    }

    fn blame(&mut self, name: &str, what: &str) {
        let field = FIELDS.iter().position(|field| field.0 == name);
        match field.and_then(|field| self.faults.get_mut(field)) {
            Some(fault) => *fault = Some(what.to_owned()),
            None => self.fault = Some(format!("The {name} {what}.")),
        }
    }

    /// Whether all of it could be read.
    pub(super) fn is_sound(&self) -> bool {
        self.fault.is_none() && self.faults.iter().all(Option::is_none)
    }

    /// The fields with what was given for them, and what is wrong with it.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, &str, Option<&str>)> {
        let told = self.given.iter().zip(&self.faults);
        FIELDS
            .iter()
            .zip(told)
            .map(|(field, (given, fault))| (field.0, given.as_str(), fault.as_deref()))
    }

    /// How many fields filter.
    pub(super) fn active(&self) -> usize {
        self.given.iter().filter(|given| !given.is_empty()).count()
    }

    /// The query string of the same filter, to be gone on with: empty, or
    /// ending in `&`.
    pub(super) fn query(&self) -> String {
        self.query_of(self.filter.category)
    }

    /// The same of another category.
    pub(super) fn query_of(&self, category: Option<Category>) -> String {
        self.written(category, "")
    }

    /// The same without one field.
    pub(super) fn query_without(&self, name: &str) -> String {
        self.written(self.filter.category, name)
    }

    fn written(&self, category: Option<Category>, without: &str) -> String {
        let category = category.map(|category| ("category", category.as_str()));
        let fields = self.fields().map(|(name, given, _)| (name, given));
        let fields = fields.filter(|(name, value)| *name != without && !value.is_empty());
        category
            .into_iter()
            .chain(fields)
            .map(|(name, value)| format!("{name}={}&", escaped(value)))
            .collect()
    }
}

/// A value as it stands in a URL.
pub(super) fn escaped(value: &str) -> impl Display + '_ {
    percent_encoding::utf8_percent_encode(value, ESCAPED)
}

/// An instant with its zone, or without one in UTC, as browsers send it and
/// people type it.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let text = text.trim_end_matches(" UTC").replacen(' ', "T", 1);
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f"]
        .into_iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
        .or_else(|| {
            let day = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?;
            day.and_hms_opt(0, 0, 0)
        })
        .map(|at| at.and_utc())
        .filter(|at| (0..10_000).contains(&chrono::Datelike::year(at)))
}

/// A place in the log as it stands in a URL.
pub(super) fn cursor(place: Cursor) -> String {
    format!("{}.{}", place.at.timestamp_micros(), place.id)
}

fn read_cursor(text: &str) -> Option<Cursor> {
    let (at, id) = text.split_once('.')?;
    Some(Cursor {
        at: Timestamp::from_timestamp_micros(at.parse().ok()?)?,
        id: id.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use torvus_audit::StatusFilter;
    use torvus_domain::{AuditId, Outcome, rfc3339};
    use torvus_key_core::Environment;

    use super::*;

    fn read(query: &str) -> Asked {
        Asked::read(&Fields::parse(query.as_bytes()), AccountId::nil())
    }

    #[test]
    fn each_field_is_read_and_written_alike() {
        let query = "category=api_activity&key=key_00000000000000000000000000&environment=live&method=get\
            &endpoint=%2Fv1%2Fvaults%2F%3Aid&status=4XX&outcome=not_found&ip=2001%3Adb8%3A%3A1\
            &request=req_00000000000000000000000000&from=2026-11-24T09%3A30&to=2026-11-25&unknown=1&live=1795478400";
        let asked = read(query);
        assert!(asked.is_sound());
        let filter = &asked.filter;
        assert_eq!(filter.account, Some(AccountId::nil()));
        assert_eq!(filter.category, Some(Category::ApiActivity));
        assert!(filter.key.is_some() && filter.request.is_some());
        assert_eq!(asked.live, Some(1_795_478_400));
        assert_eq!(filter.environment, Some(Environment::Live));
        assert_eq!(filter.method.as_deref(), Some("GET"));
        assert_eq!(filter.route.as_deref(), Some("/v1/vaults/:id"));
        assert_eq!(filter.status, Some(StatusFilter::Class(4)));
        assert_eq!(filter.outcome, Some(Outcome::NotFound));
        assert_eq!(filter.ip, Some("2001:db8::1".parse().unwrap()));
        assert_eq!(filter.from.map(rfc3339).unwrap(), "2026-11-24T09:30:00Z");
        assert_eq!(filter.to.map(rfc3339).unwrap(), "2026-11-25T00:00:00Z");
        assert_eq!(asked.active(), FIELDS.len());
        let again = read(&asked.query());
        assert_eq!(again.filter, asked.filter);
        assert_eq!(again.query(), asked.query());
    }

    #[test]
    fn what_cannot_be_read_is_blamed_by_its_name() {
        let empty = read("key=&status=+&from=");
        assert!(empty.is_sound() && empty.active() == 0);
        for (name, value) in [
            ("key", "key_1"),
            ("environment", "prod"),
            ("status", "ok"),
            ("outcome", "fine"),
            ("ip", "10.0.0.0/8"),
            ("request", "1"),
            ("from", "yesterday"),
            ("to", "2026-13-01"),
        ] {
            let asked = read(&format!("{name}={value}"));
            assert!(!asked.is_sound(), "{name}");
            let fields: Vec<_> = asked.fields().filter(|field| field.2.is_some()).collect();
            assert_eq!(fields.len(), 1, "{name}");
            assert_eq!((fields[0].0, fields[0].1), (name, value));
        }
        for query in ["endpoint=/v1/%00", "method=%00", "ip=1%0A2", "older=1.%00"] {
            assert!(!read(query).is_sound(), "{query}");
        }
        for query in ["category=all", "older=1", "newer=x.y"] {
            assert!(read(query).fault.is_some(), "{query}");
        }
        assert!(!read("from=2026-11-25&to=2026-11-24").is_sound());
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = Cursor {
            at: Timestamp::from_timestamp_micros(1_795_478_400_000_001).unwrap(),
            id: AuditId::nil(),
        };
        let asked = read(&format!("older={}", cursor(place)));
        assert_eq!(asked.place, Place::Older(place));
        for time in ["2026-11-24 09:30:01.5", "2026-11-24T09:30:01+02:00"] {
            assert!(instant(time).is_some(), "{time}");
        }
    }
}
