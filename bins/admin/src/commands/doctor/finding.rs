//! What a check found.

use serde_json::{Value, json};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    /// Worth a look; nothing fails for it now.
    Warning,
    /// To be mended.
    Fault,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// One thing that was looked at.
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) level: Level,
    detail: String,
    advice: String,
}

impl Finding {
    fn new(check: &'static str, level: Level, detail: impl ToString, advice: &str) -> Self {
        Self {
            check,
            level,
            detail: detail.to_string(),
            advice: advice.to_owned(),
        }
    }

    pub(super) fn ok(check: &'static str, detail: impl ToString) -> Self {
        Self::new(check, Level::Ok, detail, "")
    }

    pub(super) fn warning(check: &'static str, detail: impl ToString, advice: &str) -> Self {
        Self::new(check, Level::Warning, detail, advice)
    }

    pub(super) fn fault(check: &'static str, detail: impl ToString, advice: &str) -> Self {
        Self::new(check, Level::Fault, detail, advice)
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "check": self.check,
            "level": self.level.as_str(),
            "detail": self.detail,
            "advice": self.advice,
        })
    }

    pub(super) fn row(&self) -> Vec<String> {
        vec![
            self.check.to_owned(),
            self.level.as_str().to_owned(),
            self.detail.clone(),
            self.advice.clone(),
        ]
    }
}
