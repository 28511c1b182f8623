//! One record of the audit log.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use torvus_domain::{
    AccountId, AuditId, Category, KeyId, Outcome, RequestId, Spent, Timestamp, rfc3339,
};
use torvus_key_core::Environment;

/// What is kept of a request, or of what was done to a key or an account
/// (public contract, section 7). Never a body, a query string or a key.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRecord {
    /// Its own identifier.
    pub id: AuditId,
    /// When the request came in, or the change was made.
    #[serde(serialize_with = "instant")]
    pub at: Timestamp,
    /// What kind of thing it tells of.
    pub category: Category,
    /// The identifier that the answer carried.
    pub request_id: Option<RequestId>,
    /// The identifier that the client sent along.
    pub client_request_id: Option<String>,
    /// The account, where it is known.
    pub account_id: Option<AccountId>,
    /// The key, where it is known.
    pub key_id: Option<KeyId>,
    /// The key's name at the time.
    pub key_name: Option<String>,
    /// The key's environment.
    #[serde(serialize_with = "environment", deserialize_with = "read_environment")]
    pub environment: Option<Environment>,
    /// Which of the key's secrets was shown: its number.
    pub secret: Option<u32>,
    /// That secret had been replaced by a rotation; the answer said so.
    #[serde(default)]
    pub secret_replaced: bool,
    /// The method, as sent.
    pub method: Option<String>,
    /// The raw path, without the query.
    pub path: Option<String>,
    /// The template of the route that was matched, `/v1/vaults/:id`.
    pub route: Option<String>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: Outcome,
    /// The client's address, in its canonical form.
    pub ip: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// From the head of the request to its record, in microseconds.
    pub duration_us: Option<i64>,
    /// A live key was let through, and the answer is not a 5xx.
    pub billable: bool,
    /// Who did it, for what is done to keys and accounts.
    pub actor: Option<String>,
    /// What was done: `key.create`, `key.revoke`, `account.create` …
    pub action: Option<String>,
    /// Before, after and reason of a change.
    pub detail: Option<serde_json::Value>,
    /// What the request left of its budgets: it goes along to be kept for a
    /// restart, and is no part of the log.
    #[serde(skip)]
    pub spent: [Option<Spent>; 2],
}

impl AuditRecord {
    /// A record with a new identifier and nothing else in it.
    #[must_use]
    pub fn new(at: Timestamp, category: Category, outcome: Outcome) -> Self {
        Self {
            id: AuditId::new(at),
            at,
            category,
            request_id: None,
            client_request_id: None,
            account_id: None,
            key_id: None,
            key_name: None,
            environment: None,
            secret: None,
            secret_replaced: false,
            method: None,
            path: None,
            route: None,
            status: None,
            outcome,
            ip: None,
            user_agent: None,
            duration_us: None,
            billable: false,
            actor: None,
            action: None,
            detail: None,
            spent: [None, None],
        }
    }

    /// Whether the key was let in far enough to count as used: it was known,
    /// alive and its account not suspended.
    #[must_use]
    pub fn used_key(&self) -> Option<KeyId> {
        let refused = matches!(
            self.outcome,
            Outcome::MissingKey
                | Outcome::MalformedKey
                | Outcome::UnknownKey
                | Outcome::ExpiredKey
                | Outcome::RevokedKey
                | Outcome::SuspendedAccount
        );
        self.key_id
            .filter(|_| self.category == Category::ApiActivity && !refused)
    }
}

/// A line that is no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no audit record: {0}")]
pub struct LineError(String);

impl AuditRecord {
    /// The record as one line of JSON: the very bytes that are chained, kept
    /// and exported. The fields stand in the order of this struct, without a
    /// blank between them.
    #[must_use]
    pub fn to_line(&self) -> String {
        // Nothing in it can't be written: its maps have strings for keys.
        let line = serde_json::to_string(self).unwrap_or_default();
        // PostgreSQL takes no NUL in a JSON text, not even an escaped one, and
        // a record must never fail for what a client sent.
        if line.contains("\\u0000") {
            return without_nul(&line);
        }
        line
    }

    /// Reads a line.
    ///
    /// # Errors
    /// [`LineError`] where it is none of [`AuditRecord::to_line`].
    pub fn from_line(line: &str) -> Result<Self, LineError> {
        serde_json::from_str(line).map_err(|error| LineError(error.to_string()))
    }
}

/// The JSON with U+FFFD in the place of each NUL.
fn without_nul(json: &str) -> String {
    let mut kept = String::with_capacity(json.len());
    let mut rest = json;
    while let Some((before, escape)) = rest.split_once('\\') {
        kept.push_str(before);
        rest = match escape.strip_prefix("u0000") {
            Some(after) => {
                kept.push('\u{fffd}');
                after
            }
            None => {
                // The escaped character goes along, lest `\\\\` be taken for two.
                let length = escape.chars().next().map_or(0, char::len_utf8);
                let (escaped, after) = escape.split_at_checked(length).unwrap_or((escape, ""));
                kept.push('\\');
                kept.push_str(escaped);
                after
            }
        };
    }
    kept.push_str(rest);
    kept
}

fn instant<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn environment<S: Serializer>(
    environment: &Option<Environment>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match environment {
        Some(environment) => serializer.serialize_some(environment.as_str()),
        None => serializer.serialize_none(),
    }
}

fn read_environment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Environment>, D::Error> {
    let text = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_and_written_alike() {
        let at = Timestamp::from_timestamp_micros(1_790_000_000_120_000).unwrap();
        let mut record = AuditRecord::new(at, Category::KeyManagement, Outcome::Ok);
        let line = record.to_line();
        assert_eq!(AuditRecord::from_line(&line).unwrap(), record);
        record.request_id = Some(RequestId::new(at));
        record.account_id = Some(AccountId::new(at));
        record.key_id = Some(KeyId::new(at));
        record.key_name = Some("Käse \"部署\" \u{1f511}\n".to_owned());
        record.environment = Some(Environment::Test);
        record.secret = Some(2);
        record.secret_replaced = true;
        record.path = Some("/v1/\u{0}\\u0000".to_owned());
        record.status = Some(204);
        record.ip = Some("2001:db8::1".parse().unwrap());
        record.duration_us = Some(-1);
        record.detail = Some(serde_json::json!({"b": [1, null, "x"], "a": {"c": true}}));
        let line = record.to_line();
        let read = AuditRecord::from_line(&line).unwrap();
        assert_eq!(read.to_line(), line);
        assert_eq!(read.ip, record.ip);
        assert!(!line.contains('\n'));
        assert_eq!(read.path.as_deref(), Some("/v1/\u{fffd}\\u0000"));
        for bad in [
            "",
            "{}",
            "[]",
            line.trim_start_matches('{'),
            &line.replace("\"id\"", "\"di\""),
        ] {
            assert!(AuditRecord::from_line(bad).is_err());
        }
    }

    #[test]
    fn json_has_the_fields_of_the_contract() {
        let mut record =
            AuditRecord::new(Timestamp::UNIX_EPOCH, Category::ApiActivity, Outcome::Ok);
        record.environment = Some(Environment::Live);
        record.status = Some(200);
        let json = serde_json::to_value(&record).unwrap();
        for field in [
            "id",
            "at",
            "request_id",
            "client_request_id",
            "account_id",
            "key_id",
            "environment",
            "secret",
            "secret_replaced",
            "method",
            "path",
            "route",
            "status",
            "outcome",
            "ip",
            "user_agent",
            "duration_us",
            "billable",
            "category",
            "actor",
        ] {
            assert!(json.get(field).is_some(), "{field}");
        }
        assert_eq!(json["at"], "1970-01-01T00:00:00Z");
        assert_eq!(json["environment"], "live");
        assert_eq!(json["key_id"], serde_json::Value::Null);
    }
}
