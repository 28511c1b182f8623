//! `torvus-admin key explain`.

use std::net::IpAddr;

use serde_json::{Value, json};
use torvus_authz::{RouteTable, plain_path};
use torvus_domain::{ApiKey, KeyId, KeySnapshot, Outcome, URI_BYTES_MAX, rfc3339};
use torvus_gate::{Change, Explanation, Finding, Question, Remedy, explain};
use torvus_storage::snapshots;

use super::update_line::UpdateLine;
use crate::cli::KeyExplain;
use crate::context::{Context, id, instant, value};
use crate::failure::Failure;
use crate::output;

pub(super) fn run(context: &Context, args: &KeyExplain) -> Result<(), Failure> {
    let now = context.now();
    let (question, uri) = (question(context, args)?, args.path.as_str());
    let key: KeyId = id("key", &args.id)?;
    let store = context.store_with_all_records()?;
    let secrets = store.read(|c| snapshots::of_key(c, key, now))?;
    let nth = usize::from(args.old_secret);
    let snapshot = match (secrets.get(nth), secrets.len()) {
        (Some(snapshot), _) => snapshot,
        (None, 0) => return Err(Failure::not_found(format!("there is no key {}", args.id))),
        (None, _) => {
            return Err(Failure::invalid(
                "--old-secret: the key has one secret only",
            ));
        }
    };
    let own = RouteTable::torvus();
    let routes = if args.forward {
        &context.settings.routes
    } else {
        &own
    };
    let explanation = explain(snapshot, &question, routes, &context.settings.plans, now);
    let early = before_the_gate(uri, &question, args.forward);
    let known = known(secrets.len(), args.old_secret);
    Told::new(snapshot, explanation, early, known).print(context)
}

fn question(context: &Context, args: &KeyExplain) -> Result<Question, Failure> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if args.method.is_empty() || !args.method.bytes().all(token) {
        return Err(Failure::invalid(
            "METHOD: use one such as GET, HEAD, POST, PUT, PATCH or DELETE",
        ));
    }
    let sendable = |text: &str| !text.chars().any(|c| c == ' ' || c.is_control());
    if !args.path.starts_with('/') || !sendable(&args.path) {
        return Err(Failure::invalid(
            "PATH: use one such as /v1/vaults, without the host, and without blanks",
        ));
    }
    let ip = args.ip.as_deref().map(|text| value::<IpAddr>("--ip", text));
    let at = instant("--at", args.at.as_ref())?;
    // No fragment is sent; to a proxy it is no path at all.
    let end: &[char] = if args.forward { &['?'] } else { &['?', '#'] };
    let path = args.path.split(end).next().unwrap_or_default();
    Ok(Question {
        method: args.method.clone(),
        path: path.to_owned(),
        client_ip: ip.transpose()?.map(|ip| ip.to_canonical()),
        at: at.unwrap_or_else(|| context.now()),
    })
}

/// What a server refuses before it asks the gate.
struct Early {
    outcome: Outcome,
    detail: String,
    /// What would help; where it is empty, what helps the gate.
    remedy: Option<String>,
}

fn before_the_gate(uri: &str, question: &Question, forward: bool) -> Option<Early> {
    let refuse = |outcome, detail: String, remedy: Option<&str>| {
        let remedy = remedy.map(str::to_owned);
        Some(Early {
            outcome,
            detail,
            remedy,
        })
    };
    let length = uri.len();
    if forward {
        return match plain_path(uri).filter(|_| length <= URI_BYTES_MAX) {
            Some(_) => None,
            None => refuse(
                Outcome::AmbiguousRequest,
                "two readers could disagree about the path".to_owned(),
                Some(
                    "nothing that could be changed here: ask for a path with one reading, of at most 2048 bytes",
                ),
            ),
        };
    }
    if length > URI_BYTES_MAX {
        let detail = format!("the URI has {length} bytes");
        let remedy = "nothing that could be changed here: send a URI of at most 2048 bytes";
        return refuse(Outcome::UriTooLong, detail, Some(remedy));
    }
    let below = question.path.strip_prefix("/v1");
    if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    let detail = "only /v1 and what is below it asks for a key; the rest is a plain 404";
    refuse(Outcome::NotFound, detail.to_owned(), None)
}

fn known(secrets: usize, old: bool) -> String {
    let which = match (secrets, old) {
        (0 | 1, _) => String::new(),
        (n, false) => format!("; it has {n} secrets, and this is about the current one"),
        (n, true) => format!("; it has {n} secrets, and this is about the one before it"),
    };
    format!("found by its identifier: that its secret is sent right is taken for granted{which}")
}

/// An explanation as it is printed.
struct Told {
    outcome: Outcome,
    checks: Vec<(&'static str, Option<bool>, String)>,
    would_allow: Option<Vec<String>>,
}

impl Told {
    fn new(
        snapshot: &KeySnapshot,
        explanation: Explanation,
        early: Option<Early>,
        known: String,
    ) -> Self {
        let outcome = explanation.outcome();
        let remedy = remedy(snapshot, &explanation.remedy);
        let mut checks = vec![
            ("request", Some(true), "it can be asked about".to_owned()),
            ("key", Some(true), known),
        ];
        let row = |finding: Finding| (finding.check.as_str(), finding.passed, finding.detail);
        checks.extend(explanation.findings.into_iter().map(row));
        let Some(early) = early else {
            let would_allow = (outcome != Outcome::Ok).then_some(remedy);
            return Self {
                outcome,
                checks,
                would_allow,
            };
        };
        for (check, passed, detail) in &mut checks {
            (*passed, *detail) = match *check {
                "request" => (Some(false), early.detail.clone()),
                _ => (None, "not reached".to_owned()),
            };
        }
        Self {
            outcome: early.outcome,
            checks,
            would_allow: Some(early.remedy.map_or(remedy, |remedy| vec![remedy])),
        }
    }

    fn print(self, context: &Context) -> Result<(), Failure> {
        let pasted = |lines: Vec<String>| lines.iter().map(|line| context.command(line)).collect();
        let would_allow: Option<Vec<String>> = self.would_allow.map(pasted);
        let allowed = self.outcome == Outcome::Ok;
        if context.json {
            let check = |(check, passed, detail): (&str, Option<bool>, String)| -> Value {
                json!({ "check": check, "passed": passed, "detail": detail })
            };
            return output::json(&json!({
                "allowed": allowed,
                "outcome": self.outcome,
                "checks": self.checks.into_iter().map(check).collect::<Vec<_>>(),
                "would_allow": would_allow,
            }));
        }
        output::fields(&[
            ("allowed", if allowed { "yes" } else { "no" }.to_owned()),
            ("outcome", self.outcome.to_string()),
        ])?;
        let row = |(check, passed, detail): (&str, Option<bool>, String)| {
            let mark = match passed {
                Some(true) => "ok",
                Some(false) => "FAILED",
                None => "-",
            };
            vec![check.to_owned(), mark.to_owned(), detail]
        };
        output::lines(&[String::new()])?;
        output::table(
            &["check", "result", "what was found"],
            self.checks.into_iter().map(row).collect(),
        )?;
        let Some(would_allow) = would_allow else {
            return Ok(());
        };
        let mut lines = vec![String::new(), "What would let it in:".to_owned()];
        lines.extend(would_allow.iter().map(|line| format!("  {line}")));
        output::lines(&lines)
    }
}

/// Commands and sentences; what one command can do is one line.
fn remedy(snapshot: &KeySnapshot, remedy: &Remedy) -> Vec<String> {
    let changes = match remedy {
        Remedy::Changes(changes) => changes,
        Remedy::None(why) => {
            let mut lines = vec![format!("nothing that could be changed here: {why}")];
            lines.extend(snapshot.key.revoked_at.map(|_| like_it(&snapshot.key)));
            return lines;
        }
    };
    let account = snapshot.account.id;
    let (mut update, mut lines) = (UpdateLine::default(), Vec::new());
    for change in changes {
        lines.push(match change {
            Change::Expiry(end) => {
                update.expires = Some(*end);
                continue;
            }
            Change::Addresses(list) => {
                update.allowed_ips = Some(list.clone());
                continue;
            }
            Change::Permissions(permissions) => {
                update.permissions = Some(*permissions);
                continue;
            }
            Change::NewestSecret => "use the key's newest secret".to_owned(),
            Change::Resume => format!("torvus-admin account resume {account}"),
            Change::AskFrom(ip) => {
                format!("ask from one of the key's addresses, and say which: --ip {ip}")
            }
            Change::Plan(plan) => format!("torvus-admin account set-plan {account} {plan}"),
            Change::Wait(until) => format!("wait until {}", rfc3339(*until)),
            Change::Path(path) => format!("ask for {path}"),
            Change::Method(method) => format!("ask with {method}"),
        });
    }
    lines.splice(0..0, update.of(snapshot.key.id));
    lines
}

/// The command for a new key that may do the same.
fn like_it(key: &ApiKey) -> String {
    let name = key.name.as_str().replace('\'', r"'\''");
    let list = key.allowed_ips.entries();
    let ips: String = list
        .iter()
        .map(|entry| format!(" --allow-ip {entry}"))
        .collect();
    let limit = key.limit.map(|limit| format!(" --limit {limit}"));
    format!(
        "torvus-admin key create --account {} --name '{name}' --environment {} --permissions {}{ips}{}",
        key.account_id,
        key.environment,
        key.permissions,
        limit.unwrap_or_default()
    )
}
