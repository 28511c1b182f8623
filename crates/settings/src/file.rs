//! The settings file.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use torvus_domain::{PlanName, PlanPatch, Plans};

use crate::SettingsError;

/// What may stand in the file. It may be empty.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSettings {
    pub(crate) data_dir: Option<String>,
    pub(crate) database_url: Option<String>,
    pub(crate) redis_url: Option<String>,
    pub(crate) listen: Option<String>,
    pub(crate) admin_listen: Option<String>,
    pub(crate) workers: Option<u32>,
    pub(crate) trusted_proxies: Option<Vec<String>>,
    pub(crate) pepper_file: Option<String>,
    pub(crate) audit_durability: Option<String>,
    pub(crate) journal_max: Option<String>,
    pub(crate) drain_delay: Option<String>,
    pub(crate) routes: Option<String>,
    pub(crate) github_secret_scanning: Option<String>,
    pub(crate) grpc_listen: Option<String>,
    pub(crate) dashboard: Option<bool>,
    #[serde(default)]
    pub(crate) plans: BTreeMap<String, PlanPatch>,
}

const KEYS: [&str; 16] = [
    "data_dir",
    "database_url",
    "redis_url",
    "listen",
    "admin_listen",
    "workers",
    "trusted_proxies",
    "pepper_file",
    "audit_durability",
    "journal_max",
    "drain_delay",
    "routes",
    "github_secret_scanning",
    "grpc_listen",
    "dashboard",
    "plans",
];
const PLAN_KEYS: [&str; 5] = [
    "live_requests_per_hour",
    "test_requests_per_hour",
    "limit_scope",
    "ip_allowlist",
    "audit_export",
];

impl FileSettings {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, SettingsError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| SettingsError::new(format!("{shown}: can't be read: {error}")))?;
        let wrong = |error: &toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            SettingsError::new(format!("{shown}: line {line}: {}", error.message()))
        };
        let table: toml::Table = text.parse().map_err(|error| wrong(&error))?;
        refuse_unknown(&shown.to_string(), "", &table, &KEYS)?;
        if let Some(toml::Value::Table(plans)) = table.get("plans") {
            for (name, plan) in plans {
                if let toml::Value::Table(plan) = plan {
                    refuse_unknown(
                        &shown.to_string(),
                        &format!("plans.{name}."),
                        plan,
                        &PLAN_KEYS,
                    )?;
                }
            }
        }
        toml::from_str(&text).map_err(|error| {
            // The text is TOML, so its line is a setting with a value of the
            // wrong type: show both.
            let line = error
                .span()
                .and_then(|span| Some(text.get(..span.start)?.matches('\n').count()))
                .and_then(|line| text.lines().nth(line))
                .unwrap_or_default();
            // The message repeats the value, so it goes where the value goes.
            if showable(line) {
                SettingsError::new(format!("{shown}: {line}: {}", error.message()))
            } else {
                let name = line.split('=').next().unwrap_or_default();
                SettingsError::new(format!("{shown}: {name}: the value is of the wrong type"))
            }
        })
    }

    /// The shipped plans, as the file changes them.
    pub(crate) fn plans(&self, file: Option<&Path>) -> Result<Plans, SettingsError> {
        let mut plans = Plans::shipped();
        for (name, patch) in &self.plans {
            let named = |error: torvus_domain::PlansError| {
                let file = file
                    .map(|path| path.display().to_string())
                    .unwrap_or_default();
                SettingsError::new(format!("{file}: {error}"))
            };
            let name: PlanName = name.parse().map_err(named)?;
            plans = plans.with(name, patch).map_err(named)?;
        }
        Ok(plans)
    }
}

fn refuse_unknown(
    file: &str,
    prefix: &str,
    table: &toml::Table,
    known: &[&str],
) -> Result<(), SettingsError> {
    match table.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some((key, value)) => {
            let whole = match value {
                toml::Value::Table(_) => key.clone(),
                value => format!("{key} = {value}"),
            };
            let setting = if showable(&whole) { &whole } else { key };
            Err(SettingsError::new(format!(
                "{file}: unknown setting {prefix}{setting} (known here: {})",
                known.join(", ")
            )))
        }
    }
}

/// A line of the file, if it can be shown: one that may hold an address with
/// a password, a pepper or a token is not.
fn showable(line: &str) -> bool {
    let name = line.split('=').next().unwrap_or_default().to_lowercase();
    let secret = ["url", "pepper", "secret", "password", "token", "key"];
    // A table has names of its own.
    let plain = !line.contains(['{', '[', '@']) && !line.contains("://");
    plain && !secret.iter().any(|word| name.contains(word))
}
