//! Every operation of the served document against every way to be refused. The cases are made from the document
//! that the running server gives, so a new route is covered when it is there, or fails here.

use serde_json::Value;
use torvus_e2e::{Answer, Client, Database, Document, Operation, TestApp, on_both};

const ALL: [&str; 3] = ["read", "write", "delete"];

/// Headers that are on some answers of a status only.
const SOMETIMES: [&str; 5] = [
    "X-Key-Expires-At",
    "Deprecation",
    "Sunset",
    "Idempotency-Replayed",
    // On a 403 for a missing permission, not for a foreign resource.
    "WWW-Authenticate",
];

/// A server, what it says of itself, and somebody who may do all of it.
struct Scene {
    app: TestApp,
    document: Document,
    account: String,
    owner: Client,
    answered: Vec<Case>,
}

/// An answer, and the word for it that the audit log must have.
struct Case {
    operation: Operation,
    answer: Answer,
    outcome: &'static str,
}

impl Scene {
    fn new(database: Database) -> Self {
        let app = TestApp::start(database);
        let account = app.account("enterprise");
        let owner = app.client(&app.key(&account, "live", &ALL.join(",")).token);
        Self {
            document: Document::of(&app),
            app,
            account,
            owner,
            answered: Vec::new(),
        }
    }

    /// A new key of the owner's account.
    fn key(&self, environment: &str, permissions: &str, more: &[&str]) -> Client {
        let key = self
            .app
            .key_with(&self.account, environment, permissions, more);
        self.app.client(&key.token)
    }

    /// Calls each operation that is meant on things of the owner's, and keeps what was answered.
    #[track_caller]
    fn each(
        &mut self,
        meant: impl Fn(&Operation) -> bool,
        client: impl Fn(&Operation) -> Client,
        status: impl Fn(&Operation) -> u16,
        outcome: &'static str,
    ) {
        let document = self.document.clone();
        for operation in document.operations.iter().filter(|told| meant(told)) {
            let path = document.path(operation, &self.owner);
            let answer = operation.call(&client(operation), &path);
            let what = format!("{} {}", operation.method, operation.template);
            assert_eq!(answer.status, status(operation), "{what}: {answer:?}");
            for header in document.headers(operation, answer.status) {
                let there = answer.header(&header).is_some();
                assert!(
                    there || SOMETIMES.contains(&&*header),
                    "{what}: no {header}"
                );
            }
            self.answered.push(Case {
                operation: operation.clone(),
                answer,
                outcome,
            });
        }
        assert!(!self.answered.is_empty(), "no operation was meant");
    }

    /// Each answer has its one record, under its route, with its status and outcome.
    fn audited(&self) {
        let list = self.app.admin(&["audit", "list", "--limit", "1000"]);
        let records = list["data"].as_array().expect("a list");
        for case in &self.answered {
            let id = case.answer.header("x-request-id").expect("a request id");
            let found: Vec<&Value> = records
                .iter()
                .filter(|one| one["request_id"] == id)
                .collect();
            let [record] = found[..] else {
                panic!("{} records of {:?}", found.len(), case.answer);
            };
            assert_eq!(record["route"], case.operation.route, "{record}");
            assert_eq!(record["method"], case.operation.method, "{record}");
            assert_eq!(record["status"], case.answer.status, "{record}");
            assert_eq!(record["outcome"], case.outcome, "{record}");
        }
    }
}

fn any(_: &Operation) -> bool {
    true
}

fn every_operation_does_what_it_promises(database: Database) {
    let mut scene = Scene::new(database);
    let owner = scene.owner.clone();
    scene.each(any, |_| owner.clone(), Operation::success, "ok");
    assert_eq!(scene.answered.len(), scene.document.operations.len());
    scene.audited();
}

fn every_operation_needs_a_key(database: Database) {
    let mut scene = Scene::new(database);
    let nobody = scene.app.anonymous();
    scene.each(any, |_| nobody.clone(), |_| 401, "missing_key");
    for case in &scene.answered {
        case.answer.clone().expect_401();
    }
    scene.audited();
}

fn every_operation_needs_its_permission(database: Database) {
    let mut scene = Scene::new(database);
    let without = ALL.map(|lacking| {
        let others: Vec<&str> = ALL.into_iter().filter(|held| *held != lacking).collect();
        (lacking, scene.key("live", &others.join(","), &[]))
    });
    let lacking = |operation: &Operation| {
        let found = without
            .iter()
            .find(|(lacking, _)| *lacking == operation.permission);
        found.expect("a permission of the three").1.clone()
    };
    let permission = |operation: &Operation| operation.permission != "any";
    scene.each(permission, lacking, |_| 403, "missing_permission");
    for case in &scene.answered {
        let refused = case.answer.clone().expect_403();
        let challenge = refused.header("www-authenticate").expect("a challenge");
        let needed = format!("scope=\"{}\"", case.operation.permission);
        assert!(challenge.contains(&needed), "{refused:?}");
    }
    scene.audited();
}

fn every_resource_is_closed_to_strangers(database: Database) {
    let mut scene = Scene::new(database);
    let stranger = scene.app.account("enterprise");
    let stranger = scene.app.key(&stranger, "live", &ALL.join(","));
    let stranger = scene.app.client(&stranger.token);
    scene.each(
        Operation::is_of_resource,
        |_| stranger.clone(),
        |_| 403,
        "not_owner",
    );
    for case in &scene.answered {
        case.answer.clone().expect_403();
    }
    scene.audited();
}

fn every_resource_is_absent_from_the_other_environment(database: Database) {
    let mut scene = Scene::new(database);
    let test = scene.key("test", &ALL.join(","), &[]);
    scene.each(
        Operation::is_of_resource,
        |_| test.clone(),
        |_| 404,
        "not_found",
    );
    scene.audited();
}

fn every_operation_is_limited(database: Database) {
    let mut scene = Scene::new(database);
    let limited = scene.key("live", &ALL.join(","), &["--limit", "1"]);
    limited.get("/v1/account").expect(200);
    scene.each(any, |_| limited.clone(), |_| 429, "rate_limited");
    for case in &scene.answered {
        let refused = case.answer.clone().expect_error(429, "rate_limit_exceeded");
        assert_eq!(refused.header("x-ratelimit-limit"), Some("1"));
        assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
        let wait = refused.header("retry-after").expect("how long to wait");
        assert!((1..=3600).contains(&wait.parse::<u32>().unwrap()), "{wait}");
    }
    scene.audited();
}

on_both!(
    every_operation_does_what_it_promises,
    every_operation_needs_a_key,
    every_operation_needs_its_permission,
    every_resource_is_closed_to_strangers,
    every_resource_is_absent_from_the_other_environment,
    every_operation_is_limited,
);
