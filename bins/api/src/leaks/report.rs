//! What GitHub says it found, and what it is told of it.

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use torvus_domain::{ApiKey, Refusal};
use torvus_key_core::{ApiKeyToken, redact};
use zeroize::Zeroizing;

/// How many finds one report may have.
const MATCHES_MAX: usize = 1_000;
/// How much of a place is kept in the log.
const PLACE_CHARS_MAX: usize = 500;

/// What GitHub found.
pub(super) struct Report {
    pub(super) matches: Vec<Match>,
}

/// One find.
pub(super) struct Match {
    /// The key, if it is one by its form.
    pub(super) key: Option<ApiKeyToken>,
    /// SHA-256 of what was found, in hexadecimal.
    hash: String,
    kind: String,
    url: String,
    source: String,
}

/// A find as it is sent; fields that are new to us are no error.
#[derive(Deserialize)]
struct Sent {
    token: Zeroizing<String>,
    r#type: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    source: Option<String>,
}

impl Report {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let sent: Vec<Sent> = serde_json::from_slice(body).map_err(|error| Refusal::Unreadable {
            // Its own words could quote what was sent.
            message: format!(
                "The body is not a list of objects with `token` and `type`; see line {}, column {}",
                error.line(),
                error.column()
            ),
        })?;
        if sent.len() > MATCHES_MAX {
            return Err(Refusal::Invalid {
                field: None,
                message: format!("At most {MATCHES_MAX} tokens at once"),
            });
        }
        let matches = sent.into_iter().map(Match::from).collect();
        Ok(Self { matches })
    }

    /// What is a key by its form, in order.
    pub(super) fn keys(&self) -> Vec<&ApiKeyToken> {
        let keys = self.matches.iter();
        keys.filter_map(|found| found.key.as_ref()).collect()
    }

    /// What GitHub is told: which finds were keys of ours. Not the text again.
    pub(super) fn feedback(&self, real: &[bool]) -> Value {
        let label = |real: bool| {
            if real {
                "true_positive"
            } else {
                "false_positive"
            }
        };
        let each = self.matches.iter().zip(real).map(|(found, real)| {
            json!({
                "token_hash": found.hash,
                "token_type": found.kind,
                "label": label(*real),
            })
        });
        Value::Array(each.collect())
    }
}

impl Match {
    /// Tells the operator where the key was seen.
    pub(super) fn log(&self, key: &ApiKey) {
        tracing::warn!(
            key_id = %key.id,
            account_id = %key.account_id,
            key = %key.hint,
            source = %place(&self.source),
            url = %place(&self.url),
            "a leaked key was reported, and is revoked"
        );
    }
}

impl From<Sent> for Match {
    fn from(sent: Sent) -> Self {
        let hash = Sha256::digest(sent.token.as_bytes());
        Self {
            key: ApiKeyToken::parse(&sent.token).ok(),
            hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            kind: sent.r#type,
            url: sent.url.unwrap_or_default(),
            source: sent.source.unwrap_or_default(),
        }
    }
}

/// Text of others, as it may be logged.
fn place(text: &str) -> String {
    let plain = redact(text);
    let plain = plain.chars().filter(|character| !character.is_control());
    plain.take(PLACE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "torvus_sk_live_00000000000000000000000000000000000000000004GmCyj";

    #[test]
    fn the_feedback_has_the_hash_and_never_the_text() {
        let body = json!([
            { "token": KEY, "type": "t", "url": "u", "source": "commit", "new": 1 },
            { "token": "x", "type": "other", "url": null },
        ]);
        let report = Report::parse(body.to_string().as_bytes()).ok().unwrap();
        assert_eq!(report.keys().len(), 1);
        let told = report.feedback(&[true, false]);
        assert!(!told.to_string().contains(KEY));
        assert_eq!(told[0]["label"], "true_positive");
        assert_eq!(told[1]["label"], "false_positive");
        assert_eq!(told[1]["token_type"], "other");
        // FIPS 180-4, of `x`.
        let hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        assert_eq!(told[1]["token_hash"], hash);
    }

    #[test]
    fn what_is_no_report_is_refused_without_its_text() {
        for body in [
            "",
            "{}",
            "[1]",
            r#"[{"token":"secret"}]"#,
            "[{\"token\":1,\"type\":\"t\"}]",
        ] {
            let Err(Refusal::Unreadable { message }) = Report::parse(body.as_bytes()) else {
                panic!("{body}");
            };
            assert!(!message.contains("secret"), "{message}");
        }
        let many = vec![json!({ "token": "x", "type": "t" }); MATCHES_MAX + 1];
        let many = Value::Array(many).to_string();
        let refused = Report::parse(many.as_bytes());
        assert!(matches!(refused, Err(Refusal::Invalid { .. })));
    }

    #[test]
    fn a_place_is_logged_without_keys_and_controls() {
        let text = format!("https://example.com/{KEY}\u{1b}[2J{}", "x".repeat(600));
        let shown = place(&text);
        assert!(!shown.contains(KEY) && !shown.contains('\u{1b}'));
        assert_eq!(shown.chars().count(), PLACE_CHARS_MAX);
    }
}
