//! `torvus-admin leak revoke`.

use std::path::Path;

use serde_json::{Value, json};
use torvus_domain::{ApiKey, rfc3339};
use torvus_key_core::{ApiKeyToken, PepperRing};
use torvus_keyring::leaks::{self, Leaked};
use torvus_storage::Store;

use super::unread;
use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use crate::search::Search;

/// What became of a key, or would.
struct Row {
    hint: String,
    environment: &'static str,
    result: &'static str,
    key: Option<ApiKey>,
    acknowledged: u32,
    expired: u32,
}

pub(super) fn run(context: &Context, file: &Path, dry_run: bool) -> Result<(), Failure> {
    if file.is_dir() {
        return Err(Failure::invalid(format!(
            "{} is a folder: name a file; `leak scan` searches folders",
            file.display()
        )));
    }
    let mut search = Search::start(false)?;
    search.path(file);
    let found = search.end();
    let tokens: Vec<&ApiKeyToken> = found.keys.iter().map(|find| &find.token).collect();
    if tokens.is_empty() {
        unread(found.unread)?;
        return Err(Failure::not_found("no key stands in the text"));
    }
    let store = context.store()?;
    let ring = context.peppers(&store)?;
    let (rows, failed) = match dry_run {
        true => (tried(context, &store, &ring, &tokens)?, None),
        false => done(context, &store, &ring, &tokens)?,
    };
    print(context, &rows, dry_run)?;
    failed.map_or(Ok(()), Err)?;
    unread(found.unread)
}

/// What would be done.
fn tried(
    context: &Context,
    store: &Store,
    ring: &PepperRing,
    tokens: &[&ApiKeyToken],
) -> Result<Vec<Row>, Failure> {
    let now = context.now();
    tokens
        .iter()
        .map(|token| {
            let found = leaks::find(store, ring, token)?;
            let result = match &found {
                None => "unknown",
                Some(found) if leaks::is_dead(found, now) => "dead",
                Some(_) => "would_revoke",
            };
            Ok(Row::new(token, result, found.map(|found| found.key)))
        })
        .collect()
}

/// Revokes them, and gives the first failure beside what became of each.
fn done(
    context: &Context,
    store: &Store,
    ring: &PepperRing,
    tokens: &[&ApiKeyToken],
) -> Result<(Vec<Row>, Option<Failure>), Failure> {
    context.confirm(&format!(
        "Revoke each of the {} keys that stand in the text? It can't be undone.",
        tokens.len()
    ))?;
    let results = leaks::revoke(store, ring, tokens, &context.actor(), context.now());
    let mut failed = None;
    let mut rows = Vec::new();
    for (token, result) in tokens.iter().zip(results) {
        rows.push(match result {
            Ok(Leaked::Unknown) => Row::new(token, "unknown", None),
            Ok(Leaked::Dead(key)) => Row::new(token, "dead", Some(key)),
            Ok(Leaked::Revoked(revoked)) => Row {
                acknowledged: revoked.settled.acknowledged,
                expired: revoked.settled.expired,
                ..Row::new(token, "revoked", Some(revoked.key))
            },
            Err(error) => {
                let failure = Failure::from(error);
                output::note(&format!("{}: {}", token.hint(), failure.message));
                failed.get_or_insert(failure);
                Row::new(token, "failed", None)
            }
        });
    }
    Ok((rows, failed))
}

impl Row {
    fn new(token: &ApiKeyToken, result: &'static str, key: Option<ApiKey>) -> Self {
        Self {
            hint: token.hint().to_string(),
            environment: token.environment().as_str(),
            result,
            key,
            acknowledged: 0,
            expired: 0,
        }
    }

    fn json(&self) -> Value {
        let key = self.key.as_ref();
        json!({
            "key": self.hint,
            "environment": self.environment,
            "result": self.result,
            "id": key.map(|key| key.id),
            "name": key.map(|key| key.name.as_str()),
            "account_id": key.map(|key| key.account_id),
            "revoked_at": key.and_then(|key| key.revoked_at).map(rfc3339),
        })
    }

    fn line(&self) -> Vec<String> {
        let of = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let key = self.key.as_ref();
        vec![
            self.hint.clone(),
            self.result.replace('_', " "),
            of(key.map(|key| key.id.to_string())),
            of(key.map(|key| key.name.to_string())),
            of(key.map(|key| key.account_id.to_string())),
            of(key.and_then(|key| key.revoked_at).map(rfc3339)),
        ]
    }
}

fn print(context: &Context, rows: &[Row], dry_run: bool) -> Result<(), Failure> {
    if context.json {
        return output::json(&json!({
            "data": rows.iter().map(Row::json).collect::<Vec<_>>(),
            "acknowledged": rows.iter().map(|row| row.acknowledged).sum::<u32>(),
            "expired": rows.iter().map(|row| row.expired).sum::<u32>(),
            "dry_run": dry_run,
        }));
    }
    let head = ["key", "result", "id", "name", "account", "revoked"];
    output::table(&head, rows.iter().map(Row::line).collect())
}
