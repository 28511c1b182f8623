//! What `key explain` says is what the server does.

#[cfg(test)]
mod asked;
#[cfg(test)]
mod spoken;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use asked::{Asked, Held, OUTSIDE, PLANS};
use serde_json::Value;
use torvus_authz::RouteTable;
use torvus_domain::{Clock, KeyId, LimitScope, PlanPatch, Plans, SystemClock};
use torvus_e2e::{Database, Dice, TestApp, large, on_both};
use torvus_gate::{Explanation, Question, explain};
use torvus_storage::{Store, snapshots};

const THREADS: usize = 4;
/// How many requests are explained by the program, too, on each database.
const BY_PROGRAM: usize = 120;

/// What was said of a request, just before it and, of the same key, just after it.
struct Said {
    request_id: String,
    status: u16,
    asked: Asked,
    before: Explanation,
    after: Explanation,
}

struct World<'a> {
    app: &'a TestApp,
    store: Store,
    plans: Plans,
    routes: RouteTable,
    by_program: AtomicUsize,
}

fn plans() -> Plans {
    let plan = |live, test, limit_scope| PlanPatch {
        live_requests_per_hour: Some(live),
        test_requests_per_hour: Some(test),
        limit_scope: Some(limit_scope),
        ip_allowlist: Some(true),
        audit_export: None,
    };
    let shared = plan(40, 90, LimitScope::Account);
    let wide = plan(1_000_000, 1_000_000, LimitScope::Key);
    let plans = Plans::shipped().with("shared".parse().unwrap(), &shared);
    let plans = plans.unwrap().with("wide".parse().unwrap(), &wide);
    plans.unwrap()
}

/// Explained by the very function that the command calls, and by the command for a sample; then made.
fn it_agrees_with_the_real_answer(database: Database) {
    let app = TestApp::builder(database)
        .args(&["--trusted-proxy", "127.0.0.0/8"])
        .config(PLANS)
        .start();
    let world = World {
        app: &app,
        store: app.store(),
        plans: plans(),
        routes: RouteTable::torvus(),
        by_program: AtomicUsize::new(0),
    };
    let each = large(50_000).div_ceil(THREADS);
    let said: Vec<Said> = thread::scope(|scope| {
        let spawn = |seed: usize| {
            let world = &world;
            scope.spawn(move || world.ask(u64::try_from(seed).unwrap(), each))
        };
        let threads: Vec<_> = (0..THREADS).map(spawn).collect();
        let done = threads.into_iter().map(|thread| thread.join().unwrap());
        done.flatten().collect()
    });
    assert!(said.len() >= large(50_000));
    assert!(world.by_program.into_inner() >= BY_PROGRAM);

    let records = app.exported();
    let by_id: HashMap<&str, &Value> = records
        .iter()
        .map(|record| (record["request_id"].as_str().unwrap(), record))
        .collect();
    let mut outcomes: HashMap<String, usize> = HashMap::new();
    for said in &said {
        let record = by_id[said.request_id.as_str()];
        let agrees = agrees(&said.before, said, record) || agrees(&said.after, said, record);
        assert!(
            agrees,
            "{:?}: {} {record}, but\n{:?}\n{:?}",
            said.asked, said.status, said.before, said.after
        );
        let outcome = record["outcome"].as_str().unwrap().to_owned();
        *outcomes.entry(outcome).or_default() += 1;
    }
    // It was a test of all of them.
    for outcome in [
        "ok",
        "expired_key",
        "revoked_key",
        "suspended_account",
        "ip_not_allowed",
        "rate_limited",
        "not_found",
        "method_not_allowed",
        "missing_permission",
    ] {
        assert!(outcomes.contains_key(outcome), "no {outcome}: {outcomes:?}");
    }
    eprintln!("{database:?}: {} requests, {outcomes:?}", said.len());
}

/// Whether the explanation is what happened. What is let in, the handler answers.
fn agrees(explained: &Explanation, said: &Said, record: &Value) -> bool {
    assert_eq!(record["status"], said.status);
    if let Some(refusal) = &explained.refusal {
        return said.status == refusal.status()
            && record["outcome"] == refusal.outcome().as_str()
            && record["billable"] == false;
    }
    let let_in = ["ok", "not_found", "not_owner", "invalid_request"];
    let_in.iter().any(|outcome| record["outcome"] == *outcome)
        && record["route"].is_string()
        && record["billable"] == (record["environment"] == "live")
}

impl World<'_> {
    fn ask(&self, seed: u64, count: usize) -> Vec<Said> {
        let mut dice = Dice::new(seed);
        let mut keys = Vec::new();
        for (plan, number) in [("wide", 14), ("wide", 6), ("shared", 8), ("enterprise", 6)] {
            keys.extend(asked::keys(self.app, &mut dice, plan, number));
        }
        let mut connection = self.app.keep_alive();
        let mut said = Vec::new();
        let mut suspended = None;
        for turn in 0..count {
            if turn % (count / 20) == 0 {
                self.change(&mut dice, &keys, &mut suspended);
            }
            let held = dice.pick(&keys);
            let asked = Asked::any(&mut dice);
            let by_program = turn % (count * THREADS / BY_PROGRAM) == 0;
            let (before, after, answer) = self.one(held, &asked, by_program, &mut connection);
            said.push(Said {
                request_id: answer.header("x-request-id").unwrap().to_owned(),
                status: answer.status,
                asked,
                before,
                after,
            });
        }
        said
    }

    fn one(
        &self,
        held: &Held,
        asked: &Asked,
        by_program: bool,
        connection: &mut torvus_e2e::KeepAlive,
    ) -> (Explanation, Explanation, torvus_e2e::Answer) {
        // Where nothing is used up, it does not matter what is not in the tables yet.
        if held.limited {
            self.app.catch_up(&self.store);
        }
        let id: KeyId = held.key.id.parse().unwrap();
        let clock = SystemClock::new();
        let now = clock.now().wall;
        let found = self.store.read(|c| snapshots::of_key(c, id, now)).unwrap();
        let explained = || {
            let now = clock.now().wall;
            let question = Question {
                method: asked.method.to_owned(),
                path: asked.path().to_owned(),
                client_ip: Some(asked.ip.parse().unwrap()),
                at: now,
            };
            explain(&found[0], &question, &self.routes, &self.plans, now)
        };
        let before = explained();
        let program = by_program.then(|| {
            let args = ["key", "explain", &held.key.id, asked.method, asked.uri];
            self.app.admin(&[&args[..], &["--ip", asked.ip]].concat())
        });
        let answer = connection.send(&asked.bytes(&held.key.token)).unwrap();
        let after = explained();
        if let Some(program) = program {
            self.by_program.fetch_add(1, Ordering::Relaxed);
            let same = |e: &Explanation| {
                program["outcome"] == e.outcome().as_str()
                    && program["allowed"] == e.refusal.is_none()
            };
            assert!(same(&before) || same(&after), "{program} {before:?}");
        }
        (before, after, answer)
    }

    /// Revokes a key now and then; suspends an account, or lets it in again.
    fn change(&self, dice: &mut Dice, keys: &[Held], suspended: &mut Option<String>) {
        if let Some(account) = suspended.take() {
            self.app.admin(&["account", "resume", &account]);
            return;
        }
        let held = dice.pick(keys);
        if dice.roll(3) == 0 {
            self.app.admin(&["key", "revoke", &held.key.id]);
        } else {
            self.app.admin(&["account", "suspend", &held.account]);
            *suspended = Some(held.account.clone());
        }
    }
}

/// There no key is asked for, whatever it may do.
fn outside_of_v1_no_key_is_asked_for(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("free"), "live", "read");
    for path in OUTSIDE {
        let told = app.admin(&["key", "explain", &key.id, "GET", path]);
        assert_eq!(told["outcome"], "not_found", "{path}");
        assert_eq!(told["allowed"], false);
        // At the root are pages for people, who bring no key.
        let status = if path == "/" { 303 } else { 404 };
        app.client(&key.token).get(path).expect(status);
    }
    let key_uses = app.admin(&["key", "usage", &key.id]);
    assert_eq!(key_uses["total_requests"], 0);
}

on_both!(
    it_agrees_with_the_real_answer,
    outside_of_v1_no_key_is_asked_for,
);
