//! A record as a row of the page.

use serde_json::Value;
use torvus_audit::AuditRecord;
use torvus_domain::{Category, rfc3339};
use torvus_storage::audit::Entry;

use super::asked::{cursor, escaped};
use super::words;

/// How much of a path a row shows.
const EVENT_CHARS_MAX: usize = 80;

/// A record as a row of the page: what is shown at once, and all the rest.
pub(super) struct Row {
    pub(super) id: String,
    /// Its place in the log: of two, the later one's is the greater text.
    pub(super) order: String,
    /// RFC 3339.
    pub(super) at: String,
    pub(super) method: Option<String>,
    /// The template of the route.
    pub(super) route: Option<String>,
    pub(super) event: String,
    /// The key's page, and what the key was called.
    pub(super) key: Option<Key>,
    pub(super) environment: Option<&'static str>,
    pub(super) status: Option<u16>,
    /// How its badge looks; the words say the same.
    pub(super) tone: &'static str,
    pub(super) outcome: &'static str,
    /// Where it came from, or who did it.
    pub(super) from: String,
    /// Why it was refused.
    pub(super) explain: Option<String>,
    /// All fields, by their names in exports.
    pub(super) fields: Vec<(&'static str, String)>,
    /// What a change changed.
    pub(super) changes: Vec<Change>,
}

/// The key of a record.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) name: String,
}

/// One thing that a change changed.
pub(super) struct Change {
    pub(super) what: String,
    pub(super) before: String,
    pub(super) after: String,
}

impl From<&Entry> for Row {
    fn from(entry: &Entry) -> Self {
        let record = &entry.record;
        let key = record.key_id.map(|id| Key {
            name: record.key_name.clone().unwrap_or_else(|| id.to_string()),
            id: id.to_string(),
        });
        let from = match (record.ip, record.actor.as_deref()) {
            (Some(ip), _) => ip.to_string(),
            (None, Some(actor)) => actor.to_owned(),
            (None, None) => "—".to_owned(),
        };
        Self {
            id: record.id.to_string(),
            order: cursor(entry.cursor()),
            at: rfc3339(record.at),
            method: record.method.clone(),
            route: record.route.clone(),
            event: shortened(words::event(record)),
            key,
            environment: record.environment.map(|environment| environment.as_str()),
            status: record.status,
            tone: tone(record),
            outcome: words::outcome(record.outcome),
            from,
            explain: explain(record),
            fields: fields(entry),
            changes: record.detail.as_ref().map(changes).unwrap_or_default(),
        }
    }
}

/// As much of a long path as tells what it is: all of it is among the fields.
fn shortened(text: String) -> String {
    match text.char_indices().nth(EVENT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn tone(record: &AuditRecord) -> &'static str {
    match record.status {
        Some(500..) => "bad",
        Some(400..) => "warn",
        Some(_) => "good",
        None if record.category == Category::ApiActivity => "bad",
        None if record.outcome == torvus_domain::Outcome::Ok => "good",
        None => "warn",
    }
}

/// Where it is explained why a request was refused.
fn explain(record: &AuditRecord) -> Option<String> {
    let key = record.key_id?;
    if record.category != Category::ApiActivity || !words::is_explained(record.outcome) {
        return None;
    }
    let (method, path) = (record.method.as_deref()?, record.path.as_deref()?);
    let ip = record.ip.map(|ip| ip.to_string()).unwrap_or_default();
    Some(format!(
        "/settings/api-keys/{key}/explain?method={}&path={}&ip={}&at={}&record={}",
        escaped(method),
        escaped(path),
        escaped(&ip),
        escaped(&rfc3339(record.at)),
        record.id,
    ))
}

/// All fields that have something in them, in the order of the log's lines.
fn fields(entry: &Entry) -> Vec<(&'static str, String)> {
    let record = &entry.record;
    let given = |text: &Option<String>| text.clone();
    let all = [
        ("id", Some(record.id.to_string())),
        ("at", Some(rfc3339(record.at))),
        ("category", Some(record.category.to_string())),
        ("request_id", record.request_id.map(|id| id.to_string())),
        ("client_request_id", given(&record.client_request_id)),
        ("account_id", record.account_id.map(|id| id.to_string())),
        ("key_id", record.key_id.map(|id| id.to_string())),
        ("key_name", given(&record.key_name)),
        (
            "environment",
            record.environment.map(|e| e.as_str().to_owned()),
        ),
        ("secret", record.secret.map(|number| number.to_string())),
        (
            "secret_replaced",
            record.secret_replaced.then(|| "true".to_owned()),
        ),
        ("method", given(&record.method)),
        ("path", given(&record.path)),
        ("route", given(&record.route)),
        ("status", record.status.map(|status| status.to_string())),
        ("outcome", Some(record.outcome.to_string())),
        ("ip", record.ip.map(|ip| ip.to_string())),
        ("user_agent", given(&record.user_agent)),
        ("duration_us", record.duration_us.map(|us| us.to_string())),
        (
            "billable",
            (record.category == Category::ApiActivity).then(|| record.billable.to_string()),
        ),
        ("actor", given(&record.actor)),
        ("action", given(&record.action)),
        ("chain", Some(entry.chain.to_string())),
        ("seq", Some(entry.head.seq.to_string())),
        ("hash", Some(entry.head.hash.to_string())),
    ];
    all.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// What a change changed, one thing a line, and what else was said of it.
fn changes(detail: &Value) -> Vec<Change> {
    let empty = serde_json::Map::new();
    let object = |value: Option<&Value>| value.and_then(Value::as_object).unwrap_or(&empty).clone();
    let (before, after) = (object(detail.get("before")), object(detail.get("after")));
    let mut changes: Vec<Change> = after
        .iter()
        .map(|(what, value)| Change {
            what: what.clone(),
            before: before.get(what).map(shown).unwrap_or_default(),
            after: shown(value),
        })
        .collect();
    let gone = before.iter().filter(|(what, _)| !after.contains_key(*what));
    changes.extend(gone.map(|(what, value)| Change {
        what: what.clone(),
        before: shown(value),
        after: String::new(),
    }));
    let rest = object(Some(detail)).into_iter();
    let rest = rest
        .filter(|(what, value)| !matches!(what.as_str(), "before" | "after") && !value.is_null());
    changes.extend(rest.map(|(what, value)| Change {
        what,
        before: String::new(),
        after: shown(&value),
    }));
    changes
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use torvus_audit::Head;
    use torvus_domain::{ChainId, KeyId, Outcome, Timestamp};

    use super::*;

    fn row(record: AuditRecord) -> Row {
        Row::from(&Entry {
            line: record.to_line(),
            record,
            chain: ChainId::nil(),
            head: Head::genesis(ChainId::nil()),
        })
    }

    #[test]
    fn a_refusal_of_a_known_key_can_be_explained() {
        let at = Timestamp::UNIX_EPOCH;
        let mut record = AuditRecord::new(at, Category::ApiActivity, Outcome::MissingPermission);
        record.method = Some("PUT".to_owned());
        record.path = Some("/v1/vaults/a b&c".to_owned());
        record.ip = Some("2001:db8::1".parse().unwrap());
        record.status = Some(403);
        assert_eq!(row(record.clone()).explain, None);
        record.key_id = Some(KeyId::nil());
        let shown = row(record.clone());
        let link = shown.explain.unwrap();
        assert!(
            link.contains("/explain?method=PUT&path=/v1/vaults/a%20b%26c&ip=2001:db8::1&at=1970")
        );
        assert_eq!((shown.tone, shown.outcome), ("warn", "Permission missing"));
        record.outcome = Outcome::Ok;
        assert_eq!(row(record).explain, None);
    }

    #[test]
    fn a_change_is_told_by_what_it_changed() {
        let mut record =
            AuditRecord::new(Timestamp::UNIX_EPOCH, Category::KeyManagement, Outcome::Ok);
        record.action = Some("key.update".to_owned());
        record.detail = Some(json!({
            "before": {"name": "a", "limit": 5},
            "after": {"name": "b", "allowed_ips": ["10.0.0.1", "::1"]},
            "reason": null, "through": "leak",
        }));
        let shown = row(record);
        assert_eq!(shown.event, "Key changed");
        let lines: Vec<_> = shown
            .changes
            .iter()
            .map(|change| format!("{}: {} > {}", change.what, change.before, change.after))
            .collect();
        assert_eq!(
            lines,
            [
                "allowed_ips:  > 10.0.0.1, ::1",
                "name: a > b",
                "limit: 5 > ",
                "through:  > leak"
            ]
        );
    }
}
