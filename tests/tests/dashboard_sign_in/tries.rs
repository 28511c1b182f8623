//! Passwords that are tried.

use std::time::Instant;

use torvus_e2e::{Browser, Database, TestApp, on_both, token};

use crate::{HERE, records};

fn nobody_learns_which_accounts_there_are(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let answer = |email: &str| {
        let refused = app.browser().sign_in(email, "not the password").expect(401);
        let token = token(&refused, "/login");
        refused
            .body
            .replace(&token, "TOKEN")
            .replace(email, "EMAIL")
    };
    let known = answer(&holder.email);
    assert!(known.contains("Wrong email or password."));
    for unknown in ["nobody@example.com", "no address", "x@y"] {
        assert_eq!(answer(unknown), known, "{unknown}");
    }
    let wrong = records(&app);
    assert_eq!(wrong.len(), 4);
    // The quickest of some answers, by turns: what else the machine does only makes them slower. Without
    // a password to look at, an answer would take a twentieth.
    let (known, unknown) = (app.browser(), app.browser());
    let time = |browser: &Browser, email: &str| {
        let start = Instant::now();
        browser.sign_in(email, "a guess").expect(401);
        start.elapsed().as_secs_f64()
    };
    let mut quickest = [f64::INFINITY; 2];
    for _ in 0..9 {
        let known = time(&known, &holder.email);
        let unknown = time(&unknown, "nobody@example.org");
        quickest = [quickest[0].min(known), quickest[1].min(unknown)];
    }
    let [known, unknown] = quickest;
    assert!(
        known < 4.0 * unknown && unknown < 4.0 * known,
        "{quickest:?}"
    );
    for (action, outcome, actor) in wrong {
        assert_eq!(action, "session.sign_in");
        assert_eq!(outcome, "wrong_credentials");
        assert_eq!(actor, "anonymous");
    }
}

fn strangers_slow_down_nobody_but_themselves(database: Database) {
    let app = TestApp::start(database);
    let (holder, other) = (app.holder(), app.holder());
    let key = app.key(&holder.id, "live", "read");
    let home = app.signed_in(&holder);
    home.fill(HERE, "/logout", &[]).expect(303);
    let stranger = app.browser();
    for _ in 0..10 {
        stranger.sign_in(&holder.email, "a guess").expect(401);
    }
    for password in ["a guess", &holder.password] {
        let slowed = stranger.sign_in(&holder.email, password).expect(429);
        let wait: u64 = slowed.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=180).contains(&wait), "{wait}");
        assert!(slowed.body.contains("Too many tries."));
    }
    // Neither the holder's browser nor their keys, nor another account.
    home.sign_in(&holder.email, &holder.password).expect(303);
    app.client(&key.token).get("/v1/account").expect(200);
    app.signed_in(&other);
    // A known browser is not let in without the password, nor can it guess for ever.
    home.fill(HERE, "/logout", &[]).expect(303);
    let tries = (0..11).map(|_| home.sign_in(&holder.email, "a guess").status);
    let tries: Vec<u16> = tries.collect();
    assert_eq!(tries, [&[401; 10][..], &[429]].concat());

    // An address that has no account is slowed down like one that has.
    let unknown = app.browser();
    let tries = (0..11).map(|_| unknown.sign_in("nobody@example.com", "a guess").status);
    assert_eq!(
        tries.collect::<Vec<u16>>(),
        [&[401; 10][..], &[429]].concat()
    );
    let slowed = records(&app);
    let slowed = slowed.iter().filter(|record| record.1 == "rate_limited");
    assert_eq!(slowed.count(), 3, "each is told once an hour");

    // Time gives tries back.
    let earlier = "UPDATE sign_in_tries SET whole_at = whole_at - 200000000";
    app.sql(earlier);
    stranger
        .sign_in(&holder.email, &holder.password)
        .expect(303);
}

fn operators_see_how_many_are_tried(database: Database) {
    let app = TestApp::builder(database).operators().start();
    let holder = app.holder();
    let count = |result: &str| {
        let text = reqwest::blocking::get(format!("{}/metrics", app.operators())).unwrap();
        let text = text.text().unwrap();
        let name = format!("torvus_sign_ins_total{{result=\"{result}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap().parse::<f64>().unwrap()
    };
    assert_eq!(count("ok"), 0.0);
    let stranger = app.browser();
    (0..12).for_each(|_| drop(stranger.sign_in(&holder.email, "a guess")));
    app.admin(&["account", "suspend", &holder.id]);
    let other = app.holder();
    app.signed_in(&other);
    let counts = ["ok", "code", "wrong", "suspended", "slowed_down"].map(count);
    assert_eq!(counts, [1.0, 0.0, 10.0, 0.0, 2.0]);
}

fn a_network_is_slowed_down_over_many_accounts(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let stranger = app.browser();
    let tries = (0..31).map(|n| stranger.sign_in(&format!("n{n}@example.com"), "x").status);
    assert_eq!(
        tries.collect::<Vec<u16>>(),
        [&[401; 30][..], &[429]].concat()
    );
    stranger
        .sign_in(&holder.email, &holder.password)
        .expect(429);
}

fn right_passwords_are_slowed_down_too(database: Database) {
    let app = TestApp::start(database);
    let (holder, other) = (app.holder(), app.holder());
    let browser = app.browser();
    let enter = || {
        app.browser()
            .sign_in(&holder.email, &holder.password)
            .status
    };
    let tries: Vec<u16> = (0..60).map(|_| enter()).collect();
    assert!(tries[..30].iter().all(|status| *status == 303), "{tries:?}");
    assert!(tries.contains(&429), "{tries:?}");
    browser.sign_in(&other.email, &other.password).expect(303);
}

fn a_browser_left_behind_locks_out_no_other(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let (left, home) = (app.signed_in(&holder), app.signed_in(&holder));
    for browser in [&left, &home] {
        browser.fill(HERE, "/logout", &[]).expect(303);
    }
    let tries = (0..20).map(|_| left.sign_in(&holder.email, "a guess").status);
    assert_eq!(tries.filter(|status| *status == 401).count(), 10);
    home.sign_in(&holder.email, &holder.password).expect(303);
}

on_both!(
    right_passwords_are_slowed_down_too,
    a_browser_left_behind_locks_out_no_other,
    nobody_learns_which_accounts_there_are,
    strangers_slow_down_nobody_but_themselves,
    operators_see_how_many_are_tried,
    a_network_is_slowed_down_over_many_accounts,
);
