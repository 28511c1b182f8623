//! What was done to a key.

use serde_json::Value;
use torvus_audit::AuditRecord;

use super::moment::Moment;

pub(super) struct Step {
    pub(super) what: String,
    pub(super) at: Moment,
    pub(super) by: String,
    pub(super) lines: Vec<String>,
}

impl Step {
    pub(super) fn of(record: &AuditRecord) -> Self {
        let action = record.action.as_deref().unwrap_or_default();
        let words = match action {
            "key.create" => "Created",
            "key.import" => "Imported",
            "key.update" => "Changed",
            "key.rotate" => "Rotated",
            "key.grace" => "Grace of the old secret changed",
            "key.revoke" => "Revoked",
            other => other,
        };
        Self {
            what: words.to_owned(),
            at: Moment::at(record.at),
            by: by(record.actor.as_deref()),
            lines: record
                .detail
                .as_ref()
                .map(|detail| lines(action, detail))
                .unwrap_or_default(),
        }
    }
}

/// Who did it, in words.
pub(super) fn by(actor: Option<&str>) -> String {
    match actor.map(|actor| actor.split_once(':').unwrap_or((actor, ""))) {
        Some(("account", email)) => email.to_owned(),
        Some(("operator", user)) => format!("the operator {user}"),
        Some(("bootstrap", _)) => "the first start of the server".to_owned(),
        Some(("github", _)) => "GitHub, which found it in public".to_owned(),
        Some((other, _)) => other.to_owned(),
        None => "somebody".to_owned(),
    }
}

fn lines(action: &str, detail: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let side = |name: &str| detail.get(name).and_then(Value::as_object);
    if matches!(action, "key.update" | "key.grace" | "key.rotate")
        && let Some(after) = side("after")
    {
        for (field, is) in after {
            let was = side("before").and_then(|before| before.get(field));
            lines.extend(change(field, was, is));
        }
    }
    if let Some(reason) = detail.get("reason").and_then(Value::as_str) {
        lines.push(format!("Reason: {reason}"));
    }
    lines
}

fn change(field: &str, was: Option<&Value>, is: &Value) -> Option<String> {
    let label = match field {
        "name" => "Name",
        "permissions" => "Permissions",
        "expires_at" => "Expires",
        "allowed_ips" => "IP whitelist",
        "limit" => "Requests per hour",
        "old_secret_ends_at" => "The old secret ends",
        "key" => "Shown as",
        _ => return None,
    };
    let is = told(field, is);
    Some(match was {
        Some(was) => format!("{label}: {} → {is}", told(field, was)),
        None => format!("{label}: {is}"),
    })
}

fn told(field: &str, value: &Value) -> String {
    match value {
        Value::String(text) if field.ends_with("_at") => match text.parse() {
            Ok(at) => Moment::at(at).exact,
            Err(_) => text.clone(),
        },
        Value::String(text) => text.clone(),
        Value::Array(entries) if entries.is_empty() => "any address".to_owned(),
        Value::Array(entries) => {
            let entries: Vec<&str> = entries.iter().filter_map(Value::as_str).collect();
            entries.join(", ")
        }
        Value::Null if field == "limit" => "the plan's".to_owned(),
        Value::Null => "never".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_told_before_and_after() {
        let detail = json!({
            "before": { "permissions": ["read"], "limit": null, "secret": 1 },
            "after": { "permissions": ["read", "write"], "limit": 5, "secret": 2 },
            "reason": "the job grew",
        });
        let told = lines("key.update", &detail);
        assert_eq!(
            told,
            [
                "Requests per hour: the plan's → 5",
                "Permissions: read → read, write",
                "Reason: the job grew",
            ]
        );
    }

    #[test]
    fn who_did_it_is_named() {
        assert_eq!(by(Some("account:you@example.com")), "you@example.com");
        assert_eq!(by(Some("operator:root")), "the operator root");
        assert_eq!(by(None), "somebody");
    }
}
