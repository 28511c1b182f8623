//! Progress of long work: a line on standard error where that is a terminal,
//! nothing elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// Counts records.
pub(crate) struct Progress {
    bar: ProgressBar,
    count: u64,
}

/// How many records go by before the line is drawn anew.
const STEP: u64 = 1_000;

impl Progress {
    /// Starts; `done` says what happens to the records: `exported`, `verified`.
    pub(crate) fn start(done: &'static str) -> Self {
        Self::with_template(&format!(
            "{{spinner}} {{human_pos}} records {done}, {{per_sec}}, {{elapsed}}"
        ))
    }

    /// The same for bytes: see [`Progress::add`].
    pub(crate) fn of_bytes(done: &'static str) -> Self {
        Self::with_template(&format!(
            "{{spinner}} {{bytes}} {done}, {{bytes_per_sec}}, {{elapsed}}"
        ))
    }

    fn with_template(template: &str) -> Self {
        // Hides itself where standard error is no terminal.
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self { bar, count: 0 }
    }

    /// One record more.
    pub(crate) fn advance(&mut self) {
        self.count += 1;
        if self.count.is_multiple_of(STEP) {
            self.bar.set_position(self.count);
        }
    }

    /// So many more.
    pub(crate) fn add(&mut self, count: u64) {
        self.count += count;
        self.bar.set_position(self.count);
    }

    /// Says something beside the line.
    pub(crate) fn note(&self, text: &str) {
        self.bar.suspend(|| output::note(text));
    }

    /// Takes the line away.
    pub(crate) fn end(self) {
        self.bar.finish_and_clear();
    }
}
