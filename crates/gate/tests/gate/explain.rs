//! An explanation says what the gate does, and its changes let the request in.

use std::time::Duration;

use crate::kit::{World, account, after, issue};
use torvus_authz::RouteTable;
use torvus_domain::{
    Budget, Credential, IpAllowlist, KeySnapshot, LimitScope, PermissionSet, PlanPatch, Plans,
    Refusal, Spent,
};
use torvus_gate::{Change, Check, Explanation, Question, Remedy, Verdict, explain};
use torvus_key_core::{ApiKeyToken, Environment};

const SECOND: u64 = 1_000;

const REQUESTS: [(&str, &str); 20] = [
    ("GET", "/v1/account"),
    ("HEAD", "/v1/account"),
    ("GET", "/v1/vaults"),
    ("HEAD", "/v1/vaults"),
    ("POST", "/v1/vaults"),
    ("PUT", "/v1/vaults/x"),
    ("DELETE", "/v1/vaults/x"),
    ("DELETE", "/v1/vaults/x/policies/y"),
    ("GET", "/v1/check-ins"),
    ("PUT", "/v1/vaults"),
    ("get", "/v1/vaults"),
    ("OPTIONS", "/v1/vaults/x"),
    ("POST", "/v1/account"),
    ("GET", "/v1/vaults/"),
    ("GET", "//v1/vaults"),
    ("GET", "/V1/Vaults"),
    ("GET", "/v1/./vaults"),
    ("GET", "/v1/nothing"),
    ("GET", "/v1"),
    ("GET", "/v1/vaults/%2e"),
];

/// Chance that can be repeated (xorshift64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let index = self.roll(of.len());
        of.get(index).unwrap()
    }
}

fn plans() -> Plans {
    let shared = PlanPatch {
        live_requests_per_hour: Some(20),
        test_requests_per_hour: Some(20),
        limit_scope: Some(LimitScope::Account),
        ip_allowlist: Some(true),
        audit_export: None,
    };
    let name = "shared".parse().unwrap();
    Plans::shipped().with(name, &shared).unwrap()
}

/// A key in any state that it can be in.
fn any_key(dice: &mut Dice) -> (ApiKeyToken, KeySnapshot) {
    let plan = dice.pick(&["free", "professional", "enterprise", "shared", "gone"]);
    let environment = *dice.pick(&[Environment::Live, Environment::Test]);
    let (token, mut found) = issue(&account(plan), environment);
    let key = &mut found.key;
    key.permissions = dice
        .pick(&["read", "write", "delete", "read,write", "read,write,delete"])
        .parse::<PermissionSet>()
        .unwrap();
    key.expires_at = *dice.pick(&[None, None, Some(after(SECOND - 1)), Some(after(9_999))]);
    let lists = ["", "", "203.0.113.0/24", "10.0.0.0/8, ::1", "203.0.113.5"];
    key.allowed_ips = IpAllowlist::parse(dice.pick::<&str>(&lists)).unwrap();
    key.limit = *dice.pick(&[None, None, Some(1), Some(7)]);
    key.revoked_at = *dice.pick(&[None, None, None, None, None, None, Some(after(5))]);
    found.secret_ends_at = *dice.pick(&[None, None, None, Some(after(SECOND)), Some(after(9_000))]);
    found.account.suspended_at = *dice.pick(&[None, None, None, None, Some(after(3))]);
    for budget in [Budget::of_key(&found.key), Budget::of_account(&found.key)] {
        let limit = u32::try_from(1 + dice.roll(20)).unwrap();
        found.spent.push(Spent {
            budget,
            whole_at: after(u64::try_from(dice.roll(6_000)).unwrap()),
            limit,
            peak: limit,
            changes: 0,
        });
    }
    (token, found)
}

/// What the gate itself makes of it; each time another one, so that nothing was counted before.
async fn real(token: &ApiKeyToken, found: &KeySnapshot, question: &Question) -> Option<Refusal> {
    let mut world = World::new();
    world.plans.store(plans().into());
    world.store(token, found.clone());
    let seconds = (question.at - after(0)).num_seconds();
    world.second = u64::try_from(seconds).unwrap();
    world.client_ip = question.client_ip.unwrap();
    let credential = Credential::Bearer(token.expose());
    match world
        .ask(&question.method, &question.path, credential)
        .await
    {
        Verdict::Allow { .. } => None,
        Verdict::Refuse(denied) => Some(denied.refusal),
    }
}

fn asked(found: &KeySnapshot, question: &Question) -> Explanation {
    let routes = RouteTable::torvus();
    explain(found, question, &routes, &plans(), question.at)
}

#[tokio::test]
async fn it_agrees_with_the_gate_and_its_changes_let_the_request_in() {
    let mut dice = Dice(0x0bad_5eed_0bad_5eed);
    let (mut allowed, mut helped, mut hopeless) = (0, 0, 0);
    for _ in 0..1_000 {
        let (token, mut found) = any_key(&mut dice);
        let (method, path) = *dice.pick(&REQUESTS);
        let client = dice.pick(&["203.0.113.5", "10.1.2.3", "198.51.100.9", "::1"]);
        let mut question = Question {
            method: method.to_owned(),
            path: path.to_owned(),
            client_ip: client.parse().ok(),
            at: after(SECOND),
        };
        let explained = asked(&found, &question);
        let refusal = real(&token, &found, &question).await;
        assert_eq!(explained.refusal, refusal, "{question:?} {found:?}");
        let failed = explained
            .findings
            .iter()
            .filter(|f| f.passed == Some(false));
        assert_eq!(failed.count(), usize::from(refusal.is_some()));
        match explained.remedy {
            Remedy::Changes(changes) => {
                assert_eq!(changes.is_empty(), refusal.is_none());
                for change in &changes {
                    assert!(real(&token, &found, &question).await.is_some());
                    change.make(&mut found, &mut question);
                }
                let refusal = real(&token, &found, &question).await;
                assert_eq!(refusal, None, "{changes:?} {question:?} {found:?}");
                if changes.is_empty() {
                    allowed += 1;
                } else {
                    helped += 1;
                }
            }
            Remedy::None(why) => {
                assert!(!why.is_empty());
                hopeless += 1;
            }
        }
    }
    assert!(
        allowed > 10 && helped > 200 && hopeless > 20,
        "{allowed} {helped} {hopeless}"
    );
}

#[test]
fn every_check_is_told_in_its_order_and_what_was_not_reached() {
    let (_, mut found) = issue(&account("enterprise"), Environment::Live);
    found.key.permissions = "read".parse().unwrap();
    found.key.allowed_ips = IpAllowlist::parse("10.0.0.0/8").unwrap();
    let question = Question {
        method: "POST".to_owned(),
        path: "/v1/vaults".to_owned(),
        client_ip: "203.0.113.7".parse().ok(),
        at: after(1),
    };
    let explained = asked(&found, &question);
    let checks: Vec<Check> = explained.findings.iter().map(|f| f.check).collect();
    assert_eq!(checks, Check::ALL);
    let told: Vec<_> = explained
        .findings
        .iter()
        .map(|f| (f.check.as_str(), f.passed, f.detail.as_str()))
        .filter(|(_, passed, _)| *passed != Some(true))
        .collect();
    assert_eq!(
        told,
        [
            (
                "address",
                Some(false),
                "203.0.113.7 is not among 10.0.0.0/8"
            ),
            (
                "plan",
                None,
                "not reached; would pass: the account is on the plan enterprise"
            ),
            (
                "limit",
                None,
                "not reached; would pass: after it 9999 of 10000 requests per hour of the key would be left"
            ),
            (
                "route",
                None,
                "not reached; would pass: it goes to POST /v1/vaults"
            ),
            (
                "permission",
                None,
                "not reached; would fail, too: it needs write; the key has read"
            ),
        ]
    );
    assert_eq!(
        explained.remedy,
        Remedy::Changes(vec![
            Change::Addresses(IpAllowlist::parse("10.0.0.0/8, 203.0.113.7").unwrap()),
            Change::Permissions("read,write".parse().unwrap()),
        ])
    );
}

#[test]
fn an_address_that_is_not_known_is_refused_only_where_the_key_is_bound() {
    let (_, mut found) = issue(&account("enterprise"), Environment::Live);
    let question = Question {
        method: "GET".to_owned(),
        path: "/v1/account".to_owned(),
        client_ip: None,
        at: after(1),
    };
    assert_eq!(asked(&found, &question).refusal, None);
    found.key.allowed_ips = IpAllowlist::parse("2001:db8::/32").unwrap();
    let explained = asked(&found, &question);
    assert_eq!(explained.refusal, Some(Refusal::IpNotAllowed));
    let from = Change::AskFrom("2001:db8::".parse().unwrap());
    assert_eq!(explained.remedy, Remedy::Changes(vec![from]));
}

#[test]
fn a_full_list_is_widened_and_one_that_the_plan_no_longer_has_is_cleared() {
    let question = Question {
        method: "GET".to_owned(),
        path: "/v1/account".to_owned(),
        client_ip: "198.51.100.200".parse().ok(),
        at: after(1),
    };
    let full: Vec<String> = (0..100).map(|n| format!("198.51.100.{n}")).collect();
    let full = IpAllowlist::from_entries(full.iter().map(String::as_str)).unwrap();
    for (plan, cleared) in [("enterprise", false), ("professional", true)] {
        let (_, mut found) = issue(&account(plan), Environment::Live);
        found.key.allowed_ips = full.clone();
        let Remedy::Changes(changes) = asked(&found, &question).remedy else {
            panic!("nothing would help");
        };
        let [Change::Addresses(list)] = changes.as_slice() else {
            panic!("{changes:?}");
        };
        assert_eq!(list.is_empty(), cleared);
        assert!(list.entries().len() <= 100);
        assert!(!list.allows("198.51.101.1".parse().unwrap()) || cleared);
    }
}

#[tokio::test]
async fn nothing_is_counted() {
    let world = World::new();
    let (token, mut found) = issue(&account("professional"), Environment::Live);
    found.key.limit = Some(1);
    world.store(&token, found.clone());
    let question = Question {
        method: "GET".to_owned(),
        path: "/v1/account".to_owned(),
        client_ip: None,
        at: after(0),
    };
    for _ in 0..10 {
        assert_eq!(asked(&found, &question).refusal, None);
    }
    assert!(world.outcome(&token).await.is_ok());
    // What is recorded of it holds for an explanation, too: an hour later it is whole again.
    found.spent = vec![Spent {
        budget: Budget::of_key(&found.key),
        whole_at: after(0) + Duration::from_secs(3_600),
        limit: 1,
        peak: 1,
        changes: 0,
    }];
    let explained = asked(&found, &question);
    assert_eq!(explained.refusal, Some(Refusal::RateLimited));
    assert_eq!(
        explained.remedy,
        Remedy::Changes(vec![Change::Wait(after(3_600))])
    );
}
