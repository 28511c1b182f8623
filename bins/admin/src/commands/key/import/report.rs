//! What became of the lines.

use std::collections::HashSet;

use serde_json::{Value, json};
use torvus_domain::KeyId;
use torvus_key_core::ForeignDigest;

use crate::context::Context;
use crate::failure::Failure;
use crate::output;

/// What became of the lines; those that are no keys now are named.
pub(super) struct Report {
    dry_run: bool,
    imported: u64,
    /// Which they are; for programs only, people are told how many.
    keys: Option<Vec<Value>>,
    known: u64,
    skipped: u64,
    refused: u64,
    lines: Vec<Named>,
    seen: HashSet<ForeignDigest>,
}

struct Named {
    line: u64,
    external_id: Option<String>,
    result: &'static str,
    reason: String,
}

impl Report {
    /// Begins; `listed` where each new key is to be named.
    pub(super) fn new(dry_run: bool, listed: bool) -> Self {
        Self {
            dry_run,
            imported: 0,
            keys: listed.then(Vec::new),
            known: 0,
            skipped: 0,
            refused: 0,
            lines: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Whether no earlier line had this digest.
    pub(super) fn first(&mut self, digest: &ForeignDigest) -> bool {
        self.seen.insert(digest.clone())
    }

    pub(super) fn imported(&mut self, line: u64, external_id: Option<String>, id: KeyId) {
        self.imported += 1;
        // What would be made has no name yet.
        let id = (!self.dry_run).then_some(id);
        if let Some(keys) = &mut self.keys {
            keys.push(json!({ "line": line, "external_id": external_id, "id": id }));
        }
    }

    pub(super) fn known(&mut self) {
        self.known += 1;
    }

    pub(super) fn skipped(&mut self, line: u64, external_id: Option<String>, reason: &str) {
        self.skipped += 1;
        self.name(line, external_id, "skipped", reason.to_owned());
    }

    pub(super) fn refused(&mut self, line: u64, external_id: Option<String>, reason: String) {
        self.refused += 1;
        self.name(line, external_id, "refused", reason);
    }

    /// Several that can only be told of together.
    pub(super) fn refused_lines(&mut self, first: u64, count: u64, reason: String) {
        self.refused += count;
        self.name(first, None, "refused", reason);
    }

    fn name(
        &mut self,
        line: u64,
        external_id: Option<String>,
        result: &'static str,
        reason: String,
    ) {
        // Who confuses the columns must not find keys in the report.
        let reason = torvus_key_core::redact(&reason).into_owned();
        let named = Named {
            line,
            external_id,
            result,
            reason,
        };
        self.lines.push(named);
    }

    /// How many are keys of ours by now.
    pub(super) fn taken(&self) -> u64 {
        self.imported
    }

    /// Prints it; refused lines are a failure.
    pub(super) fn print(mut self, context: &Context) -> Result<(), Failure> {
        self.lines.sort_by_key(|named| named.line);
        if context.json {
            output::json(&self.json())?;
        } else {
            self.table()?;
        }
        let all = self.imported + self.known + self.skipped + self.refused;
        match self.refused {
            0 => Ok(()),
            refused => Err(Failure::invalid(format!(
                "{refused} of {all} lines were refused"
            ))),
        }
    }

    fn json(&self) -> Value {
        let line = |named: &Named| {
            json!({
                "line": named.line,
                "external_id": named.external_id,
                "result": named.result,
                "reason": named.reason,
            })
        };
        json!({
            "imported": self.imported,
            "already_there": self.known,
            "skipped": self.skipped,
            "refused": self.refused,
            "dry_run": self.dry_run,
            "keys": self.keys,
            "lines": self.lines.iter().map(line).collect::<Vec<_>>(),
        })
    }

    fn table(&self) -> Result<(), Failure> {
        if !self.lines.is_empty() {
            let row = |named: &Named| {
                vec![
                    named.line.to_string(),
                    named.result.to_owned(),
                    named.external_id.clone().unwrap_or_default(),
                    named.reason.clone(),
                ]
            };
            let rows = self.lines.iter().map(row).collect();
            output::table(&["line", "result", "external id", "reason"], rows)?;
        }
        if self.dry_run {
            output::note("A dry run: nothing was changed.");
        }
        output::fields(&[
            ("imported", self.imported.to_string()),
            ("already there", self.known.to_string()),
            ("skipped", self.skipped.to_string()),
            ("refused", self.refused.to_string()),
        ])
    }
}
