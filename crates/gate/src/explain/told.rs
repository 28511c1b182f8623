//! An explanation as it is told: with what a server looks at before it asks
//! the gate.

use torvus_authz::plain_path;
use torvus_domain::{Outcome, URI_BYTES_MAX};

use super::{Explanation, Question, detail};

/// Where a request comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// At Torvus itself.
    Own,
    /// At a proxy, which asks.
    Proxy,
}

/// A text that is no part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// No method.
    #[error("use one such as GET, HEAD, POST, PUT, PATCH or DELETE")]
    Method,
    /// No path.
    #[error("use one such as /v1/vaults, without the host, and without blanks")]
    Path,
}

/// The method, if it can be sent.
///
/// # Errors
/// [`QuestionError::Method`].
pub fn method_of(text: &str) -> Result<String, QuestionError> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match !text.is_empty() && text.bytes().all(token) {
        true => Ok(text.to_owned()),
        false => Err(QuestionError::Method),
    }
}

/// The path of a URI, if that can be sent: without its query.
///
/// # Errors
/// [`QuestionError::Path`].
pub fn path_of(uri: &str, door: Door) -> Result<String, QuestionError> {
    let sendable = |text: &str| !text.chars().any(|c| c == ' ' || c.is_control());
    if !uri.starts_with('/') || !sendable(uri) {
        return Err(QuestionError::Path);
    }
    // No fragment is sent; to a proxy it is no path at all.
    let end: &[char] = match door {
        Door::Proxy => &['?'],
        Door::Own => &['?', '#'],
    };
    Ok(uri.split(end).next().unwrap_or_default().to_owned())
}

/// What a server refuses before it asks the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Early {
    /// The word that the audit log has for it.
    pub outcome: Outcome,
    /// What is wrong, as a sentence.
    pub detail: String,
    /// What would help; none: what helps the gate.
    pub remedy: Option<&'static str>,
}

/// What a server would refuse of this without asking the gate.
#[must_use]
pub fn before_the_gate(uri: &str, question: &Question, door: Door) -> Option<Early> {
    let length = uri.len();
    if door == Door::Proxy {
        return match plain_path(uri).filter(|_| length <= URI_BYTES_MAX) {
            Some(_) => None,
            None => Some(Early {
                outcome: Outcome::AmbiguousRequest,
                detail: "two readers could disagree about the path".to_owned(),
                remedy: Some(
                    "nothing that could be changed here: ask for a path with one reading, of at most 2048 bytes",
                ),
            }),
        };
    }
    if length > URI_BYTES_MAX {
        return Some(Early {
            outcome: Outcome::UriTooLong,
            detail: format!("the URI has {length} bytes"),
            remedy: Some("nothing that could be changed here: send a URI of at most 2048 bytes"),
        });
    }
    let below = question.path.strip_prefix("/v1");
    if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    let detail = "only /v1 and what is below it asks for a key; elsewhere one opens nothing";
    Some(Early {
        outcome: Outcome::NotFound,
        detail: detail.to_owned(),
        remedy: None,
    })
}

/// One check, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldCheck {
    /// What was looked at.
    pub check: &'static str,
    /// Whether it passed; none where another one had decided before.
    pub passed: Option<bool>,
    /// What was found, as a sentence.
    pub detail: String,
}

/// All checks of a request in their order, and the word for what comes of it.
/// `secrets` is how many the key has, `old` whether it is about the one that
/// was replaced.
#[must_use]
pub fn told(
    explanation: &Explanation,
    early: Option<&Early>,
    secrets: usize,
    old: bool,
) -> (Outcome, Vec<ToldCheck>) {
    let check = |check, passed, detail| ToldCheck {
        check,
        passed,
        detail,
    };
    let mut checks = vec![
        check("request", Some(true), "it can be asked about".to_owned()),
        check("key", Some(true), known(secrets, old)),
    ];
    let findings = explanation.findings.iter();
    checks.extend(
        findings.map(|found| check(found.check.as_str(), found.passed, found.detail.clone())),
    );
    let Some(early) = early else {
        return (explanation.outcome(), checks);
    };
    for told in &mut checks {
        (told.passed, told.detail) = match told.check {
            "request" => (Some(false), early.detail.clone()),
            _ => (None, detail::NOT_REACHED.to_owned()),
        };
    }
    (early.outcome, checks)
}

fn known(secrets: usize, old: bool) -> String {
    let which = match (secrets, old) {
        (0 | 1, _) => String::new(),
        (n, false) => format!("; it has {n} secrets, and this is about the current one"),
        (n, true) => format!("; it has {n} secrets, and this is about the one before it"),
    };
    format!("found by its identifier: that its secret is sent right is taken for granted{which}")
}
