//! Every path written in every way that somebody could read it, with every method, by every kind of key:
//! nobody gets what the plain path would not have given, and nothing changes.

mod targets;

use std::collections::{BTreeMap, BTreeSet};

use torvus_e2e::routes::{ALL, ROUTES, SETS, Things, body};
use torvus_e2e::{Answer, Client, Database, Dice, KeepAlive, TestApp, large};

/// Method, and a header that asks for another one.
const METHODS: [(&str, &str); 13] = [
    ("GET", ""),
    ("HEAD", ""),
    ("POST", ""),
    ("PUT", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("OPTIONS", ""),
    ("TRACE", ""),
    ("CONNECT", ""),
    ("PROPFIND", ""),
    ("get", ""),
    ("Delete", ""),
    (
        "GET",
        "X-HTTP-Method-Override: DELETE\r\nX-HTTP-Method: PUT\r\n",
    ),
];

/// A key with every permission that was revoked: the set without any, which no key can be given.
const NONE: &str = "none";

/// What a key may do, and its secret.
struct Holder {
    set: &'static str,
    token: String,
}

impl Holder {
    /// The status that the plain path has for this key; `None` where it is refused.
    fn allowed(&self, method: &str, pattern: &str) -> Option<u16> {
        let method = if method == "HEAD" { "GET" } else { method };
        let route = ROUTES
            .iter()
            .find(|route| (route.0, route.1) == (method, pattern))?;
        let held = match route.2 {
            "any" => self.set != NONE,
            permission => self.set.split(',').any(|held| held == permission),
        };
        held.then_some(route.3)
    }

    fn send(
        &self,
        to: &mut KeepAlive,
        (method, header): (&str, &str),
        path: &str,
        target: &[u8],
    ) -> Answer {
        let body = body(method, path).map_or(String::new(), |body| body.to_string());
        let head = format!(
            " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{header}\r\n{body}",
            self.token,
            body.len(),
        );
        let request = [method.as_bytes(), b" ", target, head.as_bytes()].concat();
        to.send(&request)
            .unwrap_or_else(|| panic!("no answer to {}", self.shown(method, target)))
    }

    fn shown(&self, method: &str, target: &[u8]) -> String {
        format!("{method} {} with {}", target.escape_ascii(), self.set)
    }
}

fn holders(app: &TestApp, account: &str) -> Vec<Holder> {
    let mut holders: Vec<Holder> = SETS
        .iter()
        .map(|set| Holder {
            set,
            token: app.key(account, "test", set).token,
        })
        .collect();
    let revoked = app.key(account, "test", ALL);
    app.admin(&["key", "revoke", &revoked.id, "--yes"]);
    holders.push(Holder {
        set: NONE,
        token: revoked.token,
    });
    holders
}

/// The paths of the routes, each once.
fn patterns() -> BTreeSet<&'static str> {
    ROUTES.iter().map(|route| route.1).collect()
}

/// A target without a path is that of the root, which leads to the dashboard, whatever the key.
fn leads_to_pages(answer: &Answer) -> bool {
    answer.status == 303 && answer.header("location") == Some("/settings/api-keys")
}

/// One key tries these targets with every method; only what it may read is ever given to it. What it may
/// write is left out: that it changes something is right. Gives how many answers had which status.
fn try_all(
    app: &TestApp,
    holder: &Holder,
    (pattern, path): (&str, &str),
    targets: &[(Vec<u8>, bool)],
    seed: usize,
) -> BTreeMap<u16, usize> {
    let mut dice = Dice::new(seed as u64);
    let mut connection = app.keep_alive();
    let mut statuses = BTreeMap::new();
    let tenths = large(10);
    for (target, is_same) in targets {
        for (method, header) in METHODS {
            let allowed = holder.allowed(method, pattern).filter(|_| *is_same);
            let changes = allowed.is_some() && !matches!(method, "GET" | "HEAD");
            if changes || dice.roll(10) >= tenths {
                continue;
            }
            let answer = holder.send(&mut connection, (method, header), path, target);
            let right = match allowed {
                Some(status) => answer.status == status,
                None => (400..500).contains(&answer.status) || leads_to_pages(&answer),
            };
            let shown = holder.shown(method, target);
            assert!(
                right,
                "{shown}: allowed is {allowed:?}, the answer was {answer:?}"
            );
            *statuses.entry(answer.status).or_default() += 1;
        }
    }
    statuses
}

#[test]
fn no_spelling_gives_more_than_the_path() {
    let app = TestApp::start(Database::Sqlite);
    let account = app.account("enterprise");
    let holders = holders(&app, &account);
    let things = Things::make(&app.client(&app.key(&account, "test", ALL).token));
    let before = app.rows();

    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    let mut spellings = Vec::new();
    for pattern in patterns() {
        let path = things.path(pattern);
        let others = targets::others(&path);
        spellings.push(others.len());
        let mut all: Vec<(Vec<u8>, bool)> = Vec::new();
        all.extend(
            targets::same(&path)
                .into_iter()
                .map(|target| (target, true)),
        );
        all.extend(others.into_iter().map(|target| (target, false)));
        let shares: Vec<_> = holders
            .iter()
            .flat_map(|holder| {
                all.chunks(all.len().div_ceil(4))
                    .map(move |share| (holder, share))
            })
            .collect();
        let counted: Vec<_> = std::thread::scope(|scope| {
            let (app, path) = (&app, (pattern, path.as_str()));
            let running: Vec<_> = shares
                .iter()
                .enumerate()
                .map(|(seed, (holder, share))| {
                    scope.spawn(move || try_all(app, holder, path, share, seed))
                })
                .collect();
            running
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        for (status, count) in counted.into_iter().flatten() {
            *statuses.entry(status).or_default() += count;
        }
        assert_eq!(
            app.rows(),
            before,
            "something was changed by a spelling of {path}"
        );
    }

    let (least, most) = (
        spellings.iter().min().unwrap(),
        spellings.iter().max().unwrap(),
    );
    assert!(*least >= 65, "a path has only {least} other spellings");
    println!(
        "{} paths x {least} to {most} spellings x {} methods x {} sets of permissions, {} requests: \
         0 unauthorised 2xx, 0 changes of state; by status {statuses:?}",
        spellings.len(),
        METHODS.len(),
        holders.len(),
        statuses.values().sum::<usize>(),
    );
}

/// One key tries every way to write the same path, on every route.
fn try_same(app: &TestApp, owner: &Client, holder: &Holder) {
    let mut connection = app.keep_alive();
    let refused = if holder.set == NONE { 401 } else { 403 };
    for form in 0..targets::same("").len() {
        let things = Things::make(owner);
        for (method, pattern, _, _) in ROUTES {
            let path = things.path(pattern);
            let target = &targets::same(&path)[form];
            let answer = holder.send(&mut connection, (method, ""), &path, target);
            let wanted = holder.allowed(method, pattern).unwrap_or(refused);
            let shown = holder.shown(method, target);
            assert_eq!(answer.status, wanted, "{shown}: {answer:?}");
        }
    }
}

#[test]
fn what_is_the_same_path_needs_the_same_permission() {
    let app = TestApp::start(Database::Sqlite);
    let account = app.account("enterprise");
    let owner = app.client(&app.key(&account, "test", ALL).token);
    let holders = holders(&app, &account);
    std::thread::scope(|scope| {
        for holder in &holders {
            let (app, owner) = (&app, &owner);
            scope.spawn(move || try_same(app, owner, holder));
        }
    });
}
