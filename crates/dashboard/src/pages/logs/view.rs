//! The page, as its template sees it.

use askama::Template;
use torvus_domain::{Category, Outcome, Timestamp, rfc3339};
use torvus_storage::proofs::Proof;

use super::asked::{Asked, FIELDS, cursor};
use super::find::{Found, PAGE};
use super::words;
use crate::frame::Frame;

const HERE: &str = "/settings/audit-logs";
/// Statuses that are offered; any other may be typed.
const STATUSES: [&str; 10] = [
    "2xx", "4xx", "5xx", "200", "201", "401", "403", "404", "429", "503",
];
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// For so long a page keeps itself up to date.
const LIVE_SECONDS: i64 = 15 * 60;

/// The page.
#[derive(Template)]
#[template(path = "audit_logs.html")]
pub(super) struct AuditLogs {
    pub(super) frame: Frame,
    pub(super) may_export: bool,
    pub(super) plan: String,
    pub(super) verified: Option<Proof>,
    pub(super) checkpoint: Option<Timestamp>,
    pub(super) now: Timestamp,
    pub(super) asked: Asked,
    pub(super) found: Found,
}

/// A link to a part of the log.
struct Tab {
    label: &'static str,
    href: String,
    current: bool,
}

/// A field of the filter.
struct Field {
    name: &'static str,
    label: &'static str,
    value: String,
    fault: Option<String>,
    kind: Kind,
}

/// How a field is filled in.
enum Kind {
    /// One of these, by value and text.
    OneOf(Vec<(String, String)>),
    /// Anything; these are offered.
    Text(Vec<(String, String)>),
    /// A time.
    Time,
}

/// A filter that is on, and the link that takes it away.
struct Chip {
    text: String,
    href: String,
}

impl AuditLogs {
    fn tabs(&self) -> Vec<Tab> {
        let tab = |category: Option<Category>| Tab {
            label: category.map_or("All", words::category),
            href: link(&self.asked.query_of(category)),
            current: self.asked.filter.category == category,
        };
        let some = Category::ALL.iter().map(|category| tab(Some(*category)));
        std::iter::once(tab(None)).chain(some).collect()
    }

    fn fields(&self) -> Vec<Field> {
        let fields = self.asked.fields().zip(&FIELDS);
        fields
            .map(|((name, value, fault), (_, label))| Field {
                name,
                label,
                value: value.to_owned(),
                fault: fault.map(|fault| format!("{label} {fault}.")),
                kind: self.kind(name),
            })
            .collect()
    }

    fn kind(&self, name: &str) -> Kind {
        let plain = |text: &str| (text.to_owned(), String::new());
        match name {
            "environment" => Kind::OneOf(vec![
                ("live".to_owned(), "Live".to_owned()),
                ("test".to_owned(), "Test".to_owned()),
            ]),
            "outcome" => Kind::Text(
                Outcome::ALL
                    .iter()
                    .filter(|outcome| words::is_of_an_account(**outcome))
                    .map(|outcome| (outcome.to_string(), words::outcome(*outcome).to_owned()))
                    .collect(),
            ),
            "method" => Kind::Text(METHODS.iter().map(|method| plain(method)).collect()),
            "status" => Kind::Text(STATUSES.iter().map(|status| plain(status)).collect()),
            "endpoint" => Kind::Text(self.endpoints().iter().map(|path| plain(path)).collect()),
            "key" => Kind::Text(self.keys()),
            "from" | "to" => Kind::Time,
            _ => Kind::Text(Vec::new()),
        }
    }

    /// The keys on this page.
    fn keys(&self) -> Vec<(String, String)> {
        let keys = self.found.rows.iter().filter_map(|row| row.key.as_ref());
        let mut keys: Vec<_> = keys.map(|key| (key.id.clone(), key.name.clone())).collect();
        keys.sort();
        keys.dedup_by(|one, other| one.0 == other.0);
        keys
    }

    /// The routes on this page.
    fn endpoints(&self) -> Vec<&str> {
        let rows = self.found.rows.iter();
        let mut routes: Vec<&str> = rows.filter_map(|row| row.route.as_deref()).collect();
        routes.sort_unstable();
        routes.dedup();
        routes
    }

    fn chips(&self) -> Vec<Chip> {
        let given = self.asked.fields().zip(&FIELDS);
        let given = given.filter(|((_, value, _), _)| !value.is_empty());
        given
            .map(|((name, value, _), (_, label))| Chip {
                text: format!("{label}: {value}"),
                href: link(&self.asked.query_without(name)),
            })
            .collect()
    }

    fn category(&self) -> &'static str {
        self.asked.filter.category.map_or("", Category::as_str)
    }

    /// Where everything of this category is.
    fn unfiltered(&self) -> String {
        match self.category() {
            "" => HERE.to_owned(),
            category => format!("{HERE}?category={category}"),
        }
    }

    fn newest(&self) -> String {
        link(&self.asked.query())
    }

    fn live(&self) -> String {
        let now = self.now.timestamp();
        format!("{HERE}?{}live={now}", self.asked.query())
    }

    /// Whether the page keeps itself up to date. Nobody who has left the desk
    /// stays signed in by that.
    fn is_live(&self) -> bool {
        let since = self
            .asked
            .live
            .map(|since| self.now.timestamp().saturating_sub(since));
        since.is_some_and(|since| (0..LIVE_SECONDS).contains(&since))
    }

    fn export(&self, format: &str) -> String {
        format!("{HERE}/export?{}format={format}", self.asked.query())
    }

    fn older(&self) -> Option<String> {
        let place = cursor(self.found.older?);
        Some(format!("{HERE}?{}older={place}", self.asked.query()))
    }

    fn newer(&self) -> Option<String> {
        let place = cursor(self.found.newer?);
        Some(format!("{HERE}?{}newer={place}", self.asked.query()))
    }

    /// How far the search has come that has found too little.
    fn looked_to(&self) -> Option<String> {
        let place = self.found.older.filter(|_| self.found.cut_short)?;
        Some(rfc3339(place.at))
    }

    const fn page_length(&self) -> usize {
        PAGE
    }
}

fn link(query: &str) -> String {
    match query.trim_end_matches('&') {
        "" => HERE.to_owned(),
        query => format!("{HERE}?{query}"),
    }
}

/// An instant as it is read without a script.
fn utc(at: &str) -> String {
    let whole = at.split(['.', 'Z']).next().unwrap_or(at);
    format!("{} UTC", whole.replacen('T', " ", 1))
}

/// The same, with all that is known of it.
fn utc_exactly(at: &str) -> String {
    format!("{} UTC", at.trim_end_matches('Z').replacen('T', " ", 1))
}
