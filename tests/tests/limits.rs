//! What a key is held to: its addresses, its limit, its plan and its end.

use std::time::{SystemTime, UNIX_EPOCH};

use torvus_e2e::{Answer, Database, TestApp, on_both};

#[track_caller]
fn number(answer: &Answer, header: &str) -> u64 {
    answer
        .header(header)
        .unwrap_or_else(|| panic!("no {header}: {answer:?}"))
        .parse()
        .unwrap()
}

fn an_address_list_admits_its_addresses(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    for (list, status) in [
        (vec!["--allow-ip", "127.0.0.1"], 200),
        (
            vec!["--allow-ip", "10.0.0.0/8", "--allow-ip", "127.0.0.0/8"],
            200,
        ),
        (vec!["--allow-ip", "10.0.0.0/8"], 403),
        (vec!["--allow-ip", "::1/128"], 403),
    ] {
        let key = app.key_with(&account, "live", "read", &list);
        app.client(&key.token).get("/v1/account").expect(status);
    }
    // Nobody's word is taken for an address.
    let key = app.key_with(&account, "live", "read", &["--allow-ip", "203.0.113.7"]);
    let client = app.client(&key.token);
    let request = client.request("GET", "/v1/account");
    client
        .send(request.header("X-Forwarded-For", "203.0.113.7"))
        .expect_403();

    let ordinary = app.account("professional");
    let run = app.admin_run(&[
        "key",
        "create",
        "--account",
        &ordinary,
        "--name",
        "n",
        "--environment",
        "live",
        "--permissions",
        "read",
        "--allow-ip",
        "127.0.0.1",
    ]);
    assert!(matches!(run.code, 4 | 5), "{run:?}");
}

fn a_limit_is_told_and_kept(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let limit = 5;
    let key = app.key_with(&account, "live", "read", &["--limit", "5"]);
    let client = app.client(&key.token);

    for used in 1..=limit {
        let answer = client.get("/v1/account").expect(200);
        let remaining = limit - used;
        assert_eq!(number(&answer, "x-ratelimit-limit"), limit);
        assert_eq!(number(&answer, "x-ratelimit-remaining"), remaining);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let back = now + used * 3600 / limit;
        let reset = number(&answer, "x-ratelimit-reset");
        assert!(reset.abs_diff(back) <= 5, "{reset} is not about {back}");
        let policy = answer.header("ratelimit-policy").unwrap();
        assert_eq!(policy, r#""key";q=5;w=3600"#);
        let state = answer.header("ratelimit").unwrap();
        assert!(
            state.starts_with(&format!(r#""key";r={remaining}"#)),
            "{state}"
        );
        assert!(answer.header("retry-after").is_none());
    }
    let refused = client
        .get("/v1/account")
        .expect_error(429, "rate_limit_exceeded");
    assert_eq!(number(&refused, "x-ratelimit-remaining"), 0);
    let wait = number(&refused, "retry-after");
    assert!((1..=3600 / limit).contains(&wait), "{wait}");
    assert_eq!(refused.header("cache-control"), Some("no-store"));

    // Another key of the account has its own limit: the plan's.
    for (environment, expected) in [("live", 1000), ("test", 10_000)] {
        let other = app.client(&app.key(&account, environment, "read").token);
        let answer = other.get("/v1/nothing").expect(404);
        assert_eq!(number(&answer, "x-ratelimit-limit"), expected);
        assert_eq!(number(&answer, "x-ratelimit-remaining"), expected - 1);
    }
}

fn plans_are_data(database: Database) {
    let app = TestApp::builder(database)
        .config("[plans.tiny]\nlive_requests_per_hour = 3\ntest_requests_per_hour = 4\nlimit_scope = \"account\"\n")
        .start();
    let account = app.account("tiny");
    let first = app.client(&app.key(&account, "live", "read").token);
    let second = app.client(&app.key(&account, "live", "read").token);
    let test = app.client(&app.key(&account, "test", "read").token);

    let answer = first.get("/v1/account").expect(200);
    assert_eq!(answer.text("plan"), "tiny");
    assert!(
        answer
            .header("ratelimit")
            .unwrap()
            .starts_with(r#""account";r=2"#)
    );
    second.get("/v1/account").expect(200);
    first.get("/v1/account").expect(200);
    second.get("/v1/account").expect(429);
    let answer = test.get("/v1/account").expect(200);
    assert_eq!(number(&answer, "x-ratelimit-limit"), 4);
    for (plan, limit) in [("free", 100), ("enterprise", 10_000)] {
        let key = app.key(&app.account(plan), "live", "read");
        let answer = app.client(&key.token).get("/v1/account").expect(200);
        assert_eq!(number(&answer, "x-ratelimit-limit"), limit);
    }
}

fn a_key_near_its_end_says_so(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    for (expires, told) in [
        ("13d", true),
        ("15d", false),
        ("90d", false),
        ("never", false),
    ] {
        let key = app.key_with(&account, "live", "read", &["--expires", expires]);
        let answer = app.client(&key.token).get("/v1/account").expect(200);
        let end = answer.header("x-key-expires-at");
        assert_eq!(end.is_some(), told, "{expires}");
        assert!(end.is_none_or(|end| end.starts_with("20") && end.ends_with('Z')));
    }
}

/// A signal in between: what was used is what was answered, however the server ended.
fn a_restart_hands_nobody_a_fresh_limit(database: Database) {
    let mut app = TestApp::builder(database)
        .config("[plans.shared]\nlive_requests_per_hour = 30\ntest_requests_per_hour = 30\nlimit_scope = \"account\"\n")
        .start();
    let account = app.account("professional");
    let key = app
        .key_with(&account, "live", "read", &["--limit", "50"])
        .token;
    let shared = app.account("shared");
    let sharing = [(); 2].map(|()| app.key(&shared, "live", "read").token);
    let ask = |app: &TestApp, token: &str| app.client(token).get("/v1/account");
    for round in 1..=3 {
        for _ in 0..10 {
            ask(&app, &key).expect(200);
        }
        for token in &sharing {
            for _ in 0..4 {
                ask(&app, token).expect(200);
            }
        }
        if round == 2 {
            app.kill();
            app.start_again();
        } else {
            app.restart();
        }
        // One probe of each after the restart; of 50 an hour, one comes back in 72 s.
        let left = number(&ask(&app, &key).expect(200), "x-ratelimit-remaining");
        let used = 11 * round;
        assert!(
            (50 - used..=50 - used + 1).contains(&left),
            "{left} after {used}"
        );
        let left = number(&ask(&app, &sharing[0]).expect(200), "x-ratelimit-remaining");
        let used = 9 * round;
        assert!(
            (30 - used..=30 - used + 1).contains(&left),
            "{left} after {used}"
        );
    }
}

fn a_changed_plan_takes_effect_at_once_and_keeps_what_was_used(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("free");
    let client = app.client(&app.key(&account, "live", "read").token);
    for _ in 0..100 {
        client.get("/v1/account").expect(200);
    }
    client.get("/v1/account").expect(429);
    app.admin(&["account", "set-plan", &account, "professional"]);
    let answer = client.get("/v1/account").expect(200);
    assert_eq!(number(&answer, "x-ratelimit-limit"), 1_000);
    let left = number(&answer, "x-ratelimit-remaining");
    assert!((899..=905).contains(&left), "{left}");
    // And back: 101 of 100 are used.
    app.admin(&["account", "set-plan", &account, "free"]);
    let refused = client.get("/v1/account").expect(429);
    assert_eq!(number(&refused, "x-ratelimit-limit"), 100);
    assert!(number(&refused, "retry-after") <= 40);
}

/// Whoever waits as long as `Retry-After` says gets in, and not a second sooner than needed.
fn retry_after_is_long_enough(database: Database) {
    let app = TestApp::builder(database)
        .config("[plans.quick]\nlive_requests_per_hour = 1800\ntest_requests_per_hour = 1800\n")
        .start();
    let key = app.key(&app.account("quick"), "live", "read");
    let client = app.client(&key.token);
    let refused = loop {
        let answer = client.get("/v1/account");
        if answer.status != 200 {
            break answer.expect(429);
        }
    };
    let wait = number(&refused, "retry-after");
    assert!((1..=2).contains(&wait), "{wait}");
    std::thread::sleep(std::time::Duration::from_secs(wait));
    client.get("/v1/account").expect(200);
}

on_both!(
    a_restart_hands_nobody_a_fresh_limit,
    a_changed_plan_takes_effect_at_once_and_keeps_what_was_used,
    retry_after_is_long_enough,
    an_address_list_admits_its_addresses,
    a_limit_is_told_and_kept,
    plans_are_data,
    a_key_near_its_end_says_so,
);
