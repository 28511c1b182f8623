//! Would a request be let in, and why not?

use std::net::IpAddr;
use std::str::FromStr;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use torvus_domain::{ApiKey, KeyId, KeySnapshot, Outcome, Plans, Timestamp};
use torvus_gate::{
    Change, Door, Question, Remedy, ToldCheck, before_the_gate, explain, method_of, path_of, told,
};
use torvus_storage::snapshots;

use super::moment::Moment;
use super::query::encoded;
use super::recorded::{self, Recorded, Which};
use super::view::{Badge, sentence, words};
use super::{LIST, own};
use crate::ask::Ask;
use crate::fields::Fields;
use crate::frame::{Frame, Section};
use crate::page::page_with;
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "keys/explain.html")]
struct ExplainPage {
    frame: Frame,
    id: String,
    name: String,
    typed: Asked,
    errors: Errors,
    problem: Option<String>,
    /// Of a key that was rotated: number and words of each secret.
    secrets: Vec<(String, String)>,
    answer: Option<Answer>,
    /// What the log says, where somebody comes from there.
    recorded: Option<Recorded>,
}

/// What was typed.
#[derive(Clone, Default)]
struct Asked {
    method: String,
    path: String,
    ip: String,
    at: String,
    door: String,
    secret: String,
}

#[derive(Default, PartialEq, Eq)]
struct Errors {
    method: Option<String>,
    path: Option<String>,
    ip: Option<String>,
    at: Option<String>,
}

struct Answer {
    allowed: bool,
    outcome: String,
    words: String,
    checks: Vec<CheckRow>,
    remedies: Vec<Help>,
}

struct CheckRow {
    what: String,
    badge: Badge,
    detail: String,
    skipped: bool,
}

/// What would help, and where that can be done.
struct Help {
    text: String,
    href: Option<String>,
    link: &'static str,
}

impl Help {
    fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            href: None,
            link: "",
        }
    }
}

/// Shows the form and, where something is asked, the answer.
pub(crate) async fn show(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let key = own(site, &visitor, &ask).await?;
    let query = ask.query();
    let mut asked = Asked::read(&query);
    let mut errors = Errors::default();
    let mut answer = None;
    let (id, now) = (key.id, ask.now);
    let found = site
        .parts
        .store
        .run_read(move |c| snapshots::of_key(c, id, now))
        .await?;
    let secrets = named(&found, now);
    let recorded = recorded(site, &visitor, id, &query).await?;
    if recorded.is_some() {
        // The log says how it was then: what is asked is how it is now.
        asked.at.clear();
    }
    if query.has("path") {
        if let Some((question, door)) = asked.question(&mut errors, now) {
            let shown = found
                .iter()
                .position(|one| asked.secret == one.secret.number.to_string());
            let nth = shown.unwrap_or(0);
            let world = World {
                site,
                secrets: found.len(),
                old: nth > 0,
                snapshot: found.into_iter().nth(nth).ok_or(Problem::NotFound)?,
                asked: &asked,
                now,
            };
            answer = Some(world.answer(&question, door));
        }
    } else {
        asked.method = "GET".to_owned();
        asked.path = "/v1/vaults".to_owned();
    }
    let wrong = errors != Errors::default();
    let status = match wrong {
        true => StatusCode::UNPROCESSABLE_ENTITY,
        false => StatusCode::OK,
    };
    let page = ExplainPage {
        frame: ask.frame(&visitor, Section::Keys),
        id: key.id.to_string(),
        name: key.name.to_string(),
        typed: asked,
        errors,
        secrets,
        problem: wrong.then(|| "That is no request that could be sent: see below.".to_owned()),
        answer,
        recorded,
    };
    page_with(status, &page)
}

/// The record that the link names, if it is one of this key.
async fn recorded(
    site: &Dashboard,
    visitor: &Visitor,
    key: KeyId,
    query: &Fields,
) -> Result<Option<Recorded>, Problem> {
    let (record, at) = (query.text("record").to_owned(), query.text("at").parse());
    let (false, Ok(at)) = (record.is_empty(), at) else {
        return Ok(None);
    };
    let account = visitor.account.id;
    let which = Which {
        account,
        key,
        at,
        record,
    };
    let found = site
        .parts
        .store
        .run_read(move |c| recorded::find(c, &which))
        .await?;
    let (own, forward) = (
        site.parts.routes.load_full(),
        site.parts.forward.load_full(),
    );
    Ok(found.map(|(record, since)| Recorded::of(&record, &since, &[&own, &forward])))
}

/// The secrets of a key that has more than one.
fn named(found: &[KeySnapshot], now: Timestamp) -> Vec<(String, String)> {
    let words = |(nth, one): (usize, &KeySnapshot)| {
        let state = match (nth, one.secret.ended(now)) {
            (0, _) => "the current one",
            (_, false) => "in its grace",
            (_, true) => "ended",
        };
        let number = one.secret.number;
        (number.to_string(), format!("Secret {number}, {state}"))
    };
    match found {
        [_] => Vec::new(),
        more => more.iter().enumerate().map(words).collect(),
    }
}

fn read<T: FromStr>(text: &str, place: &mut Option<String>, like: &str) -> Option<Option<T>> {
    if text.is_empty() {
        return Some(None);
    }
    let read = text.parse().ok();
    if read.is_none() {
        *place = Some(format!("Use one such as {like}, or leave it empty."));
    }
    read.map(Some)
}

impl Asked {
    fn read(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).trim().to_owned();
        Self {
            method: text("method"),
            path: text("path"),
            ip: text("ip"),
            at: text("at"),
            door: text("door"),
            secret: text("secret"),
        }
    }

    fn question(&self, errors: &mut Errors, now: Timestamp) -> Option<(Question, Door)> {
        let door = match self.door.as_str() {
            "proxy" => Door::Proxy,
            _ => Door::Own,
        };
        let method = method_of(&self.method).map_err(|error| errors.method = Some(sentence(error)));
        let path = path_of(&self.path, door).map_err(|error| errors.path = Some(sentence(error)));
        let ip = read::<IpAddr>(&self.ip, &mut errors.ip, "203.0.113.5");
        let at = read::<Timestamp>(&self.at, &mut errors.at, "2026-11-24T12:00:00Z");
        let question = Question {
            method: method.ok()?,
            path: path.ok()?,
            client_ip: ip?.map(|ip| ip.to_canonical()),
            at: at?.unwrap_or(now),
        };
        Some((question, door))
    }

    /// The same question, but for one thing.
    fn with(&self, id: impl ToString, change: impl FnOnce(&mut Self)) -> String {
        let mut other = self.clone();
        change(&mut other);
        let mut pairs = vec![
            ("method", other.method),
            ("path", other.path),
            ("ip", other.ip),
            ("at", other.at),
            ("door", other.door),
            ("secret", other.secret),
        ];
        pairs.retain(|(_, value)| !value.is_empty());
        format!("{LIST}/{}/explain?{}", id.to_string(), encoded(pairs))
    }
}

/// What a question is answered from.
struct World<'a> {
    site: &'a Dashboard,
    snapshot: KeySnapshot,
    secrets: usize,
    old: bool,
    asked: &'a Asked,
    now: Timestamp,
}

impl World<'_> {
    fn answer(&self, question: &Question, door: Door) -> Answer {
        let parts = &self.site.parts;
        let routes = match door {
            Door::Own => parts.routes.load_full(),
            Door::Proxy => parts.forward.load_full(),
        };
        let plans: std::sync::Arc<Plans> = parts.plans.load_full();
        let explanation = explain(&self.snapshot, question, &routes, &plans, self.now);
        let early = before_the_gate(&self.asked.path, question, door);
        let (outcome, checks) = told(&explanation, early.as_ref(), self.secrets, self.old);
        let remedies = match early.and_then(|early| early.remedy) {
            Some(remedy) => vec![Help::text(sentence(remedy))],
            None if outcome == Outcome::Ok => Vec::new(),
            None => self.remedies(&explanation.remedy),
        };
        Answer {
            allowed: outcome == Outcome::Ok,
            outcome: outcome.as_str().replace('_', " "),
            words: match question.at == self.now {
                true => String::new(),
                false => format!(
                    "Asked for {}, of the key as it is today.",
                    Moment::at(question.at).exact
                ),
            },
            checks: checks.into_iter().map(row).collect(),
            remedies,
        }
    }

    fn remedies(&self, remedy: &Remedy) -> Vec<Help> {
        let key = &self.snapshot.key;
        match remedy {
            Remedy::Changes(changes) => changes.iter().map(|change| self.help(change)).collect(),
            Remedy::None(why) => {
                let mut help = vec![Help::text(sentence(why))];
                if key.revoked_at.is_some() {
                    help.push(Help {
                        text: "Make another one that may do the same:".to_owned(),
                        href: Some(like_it(key)),
                        link: "generate a key like it",
                    });
                }
                help
            }
        }
    }

    fn help(&self, change: &Change) -> Help {
        let key = &self.snapshot.key;
        let edit = |text: String, link, pairs: Vec<(&str, String)>| Help {
            text,
            href: Some(format!("{LIST}/{}/edit?{}", key.id, encoded(pairs))),
            link,
        };
        let ask = |text: String, href: String| Help {
            text,
            href: Some(href),
            link: "ask that",
        };
        let (asked, id) = (self.asked, key.id);
        match change {
            Change::Permissions(permissions) => edit(
                format!(
                    "The key needs the permissions {}:",
                    words(*permissions).join(", ")
                ),
                "give it those",
                permissions
                    .iter()
                    .map(|one| ("permissions", one.to_string()))
                    .collect(),
            ),
            Change::Addresses(list) => edit(
                match list.is_empty() {
                    true => "The key's IP whitelist has to go:".to_owned(),
                    false => "The address has to be on the key's IP whitelist:".to_owned(),
                },
                "change the list",
                vec![("allowed_ips", list.entries().join("\n"))],
            ),
            Change::Expiry(_) => edit(
                "The key needs another end:".to_owned(),
                "give it 90 days more",
                vec![("expiration", "90d".to_owned())],
            ),
            Change::NewestSecret => Help::text("Use the key's newest secret."),
            Change::Resume => {
                Help::text("The account is suspended. Ask whoever runs this server to resume it.")
            }
            Change::Plan(plan) => Help::text(format!(
                "The account needs a plan that is in the settings, such as {plan}. Ask whoever runs this server."
            )),
            Change::Wait(until) => Help::text(format!("Wait until {}.", Moment::at(*until).exact)),
            Change::AskFrom(ip) => ask(
                format!("Send it from one of the key's addresses, such as {ip}:"),
                asked.with(id, |asked| asked.ip = ip.to_string()),
            ),
            Change::Path(path) => ask(
                format!("Send it to {path}:"),
                asked.with(id, |asked| asked.path.clone_from(path)),
            ),
            Change::Method(method) => ask(
                format!("Send it with {method}:"),
                asked.with(id, |asked| asked.method.clone_from(method)),
            ),
        }
    }
}

fn row(check: ToldCheck) -> CheckRow {
    CheckRow {
        what: sentence(check.check).trim_end_matches('.').to_owned(),
        badge: match check.passed {
            Some(true) => Badge::new("good", "Passed"),
            Some(false) => Badge::new("bad", "Failed"),
            None => Badge::new("", "Not reached"),
        },
        detail: sentence(check.detail),
        skipped: check.passed.is_none(),
    }
}

/// The form for a new key, filled in with this one.
fn like_it(key: &ApiKey) -> String {
    let mut pairs = vec![
        ("name", key.name.to_string()),
        ("environment", key.environment.to_string()),
        ("allowed_ips", key.allowed_ips.entries().join("\n")),
        (
            "limit",
            key.limit.map(|limit| limit.to_string()).unwrap_or_default(),
        ),
    ];
    pairs.extend(
        key.permissions
            .iter()
            .map(|one| ("permissions", one.to_string())),
    );
    pairs.retain(|(_, value)| !value.is_empty());
    format!("{LIST}/new?{}", encoded(pairs))
}
