//! `torvus-admin key explain`.

use std::net::IpAddr;

use serde_json::{Value, json};
use torvus_authz::RouteTable;
use torvus_domain::{ApiKey, KeyId, KeySnapshot, Outcome, rfc3339};
use torvus_gate::{
    Change, Door, Early, Explanation, Question, QuestionError, Remedy, ToldCheck, before_the_gate,
    explain, method_of, path_of, told,
};
use torvus_storage::snapshots;

use super::update_line::UpdateLine;
use crate::cli::KeyExplain;
use crate::context::{Context, id, instant, value};
use crate::failure::Failure;
use crate::output;

pub(super) fn run(context: &Context, args: &KeyExplain) -> Result<(), Failure> {
    let now = context.now();
    let door = match args.forward {
        true => Door::Proxy,
        false => Door::Own,
    };
    let question = question(context, args, door)?;
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
    let early = before_the_gate(&args.path, &question, door);
    let secrets = (secrets.len(), args.old_secret);
    Told::new(snapshot, &explanation, early.as_ref(), secrets).print(context)
}

fn question(context: &Context, args: &KeyExplain, door: Door) -> Result<Question, Failure> {
    let method = method_of(&args.method).map_err(|error| wrong("METHOD", error))?;
    let path = path_of(&args.path, door).map_err(|error| wrong("PATH", error))?;
    let ip = args.ip.as_deref().map(|text| value::<IpAddr>("--ip", text));
    let at = instant("--at", args.at.as_ref())?;
    Ok(Question {
        method,
        path,
        client_ip: ip.transpose()?.map(|ip| ip.to_canonical()),
        at: at.unwrap_or_else(|| context.now()),
    })
}

fn wrong(name: &str, error: QuestionError) -> Failure {
    Failure::invalid(format!("{name}: {error}"))
}

/// An explanation as it is printed.
struct Told {
    outcome: Outcome,
    checks: Vec<ToldCheck>,
    would_allow: Option<Vec<String>>,
}

impl Told {
    fn new(
        snapshot: &KeySnapshot,
        explanation: &Explanation,
        early: Option<&Early>,
        (secrets, old): (usize, bool),
    ) -> Self {
        let remedy = remedy(snapshot, &explanation.remedy);
        let (outcome, checks) = told(explanation, early, secrets, old);
        let would_allow = match early {
            None => (outcome != Outcome::Ok).then_some(remedy),
            Some(early) => Some(match early.remedy {
                Some(words) => vec![words.to_owned()],
                None => remedy,
            }),
        };
        Self {
            outcome,
            checks,
            would_allow,
        }
    }

    fn print(self, context: &Context) -> Result<(), Failure> {
        let pasted = |lines: Vec<String>| lines.iter().map(|line| context.command(line)).collect();
        let would_allow: Option<Vec<String>> = self.would_allow.map(pasted);
        let allowed = self.outcome == Outcome::Ok;
        if context.json {
            let check = |told: ToldCheck| -> Value {
                json!({ "check": told.check, "passed": told.passed, "detail": told.detail })
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
        let row = |told: ToldCheck| {
            let mark = match told.passed {
                Some(true) => "ok",
                Some(false) => "FAILED",
                None => "-",
            };
            vec![told.check.to_owned(), mark.to_owned(), told.detail]
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
