//! What a change would refuse, and what a key needs at least, from the traffic that was recorded.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use torvus_domain::{Clock, SystemClock, rfc3339};
use torvus_e2e::{Answer, Database, Key, TestApp, on_both};

const HOME: &str = "203.0.113.5";
const AWAY: &str = "2001:db8::7";

fn app(database: Database) -> TestApp {
    TestApp::builder(database)
        .args(&["--trusted-proxy", "127.0.0.0/8"])
        .start()
}

fn ask(app: &TestApp, key: &Key, from: &str, method: &str, path: &str) -> Answer {
    let client = app.client(&key.token);
    let request = client.request(method, path).header("X-Forwarded-For", from);
    client.send(match method {
        "POST" => request.json(&json!({ "name": "n" })),
        _ => request,
    })
}

/// Six requests that are let in, one that is not.
fn traffic(app: &TestApp, key: &Key) {
    for _ in 0..3 {
        ask(app, key, HOME, "GET", "/v1/vaults").expect(200);
    }
    ask(app, key, HOME, "POST", "/v1/vaults").expect(201);
    ask(app, key, AWAY, "GET", "/v1/account").expect(200);
    // A handler's 404 was let in.
    ask(
        app,
        key,
        AWAY,
        "HEAD",
        "/v1/vaults/vault_01kb3wcvygf0xv0h0h0h0h0h0h",
    )
    .expect(404);
    ask(app, key, AWAY, "DELETE", "/v1/vaults/x").expect_403();
    ask(app, key, AWAY, "GET", "/v1/nothing").expect(404);
}

fn simulate(app: &TestApp, key: &Key, change: &[&str]) -> Value {
    app.admin(&[&["key", "simulate", &key.id], change].concat())
}

/// Method, route, address, reason and count of what would break.
fn breaks(told: &Value) -> BTreeSet<(String, String, String, String, u64)> {
    let of = |group: &Value| {
        let text = |field: &str| group[field].as_str().unwrap().to_owned();
        assert!(text("first_seen") <= text("last_seen"));
        let count = group["count"].as_u64().unwrap();
        (
            text("method"),
            text("route"),
            text("ip"),
            text("outcome"),
            count,
        )
    };
    told["breaks"].as_array().unwrap().iter().map(of).collect()
}

fn group(
    method: &str,
    route: &str,
    ip: &str,
    outcome: &str,
    count: u64,
) -> (String, String, String, String, u64) {
    let [method, route, ip, outcome] = [method, route, ip, outcome].map(str::to_owned);
    (method, route, ip, outcome, count)
}

fn a_simulation_lists_what_a_change_would_refuse(database: Database) {
    let app = app(database);
    let key = app.key(&app.account("enterprise"), "live", "read,write");
    traffic(&app, &key);
    let shown = app.admin(&["key", "show", &key.id]);
    let trail = app.trail(&[]);

    let told = simulate(&app, &key, &["--permissions", "read"]);
    assert_eq!((&told["requests"], &told["let_in"]), (&json!(8), &json!(6)));
    assert_eq!(told["would_break"], 1);
    let posted = group("POST", "/v1/vaults", HOME, "missing_permission", 1);
    assert_eq!(breaks(&told), BTreeSet::from([posted]));

    let told = simulate(
        &app,
        &key,
        &[
            "--allow-ip",
            "2001:db8::/32",
            "--permissions",
            "read,write,delete",
        ],
    );
    assert_eq!(
        (&told["would_break"], &told["would_pass"]),
        (&json!(4), &json!(1))
    );
    assert_eq!(
        breaks(&told),
        BTreeSet::from([
            group("GET", "/v1/vaults", HOME, "ip_not_allowed", 3),
            group("POST", "/v1/vaults", HOME, "ip_not_allowed", 1),
        ])
    );
    // Two of the six that were let in fit; what was refused later was counted, too, but comes behind them.
    let told = simulate(&app, &key, &["--limit", "2"]);
    assert_eq!(told["would_break"], 4);
    assert!(breaks(&told).iter().all(|group| group.3 == "rate_limited"));
    assert_eq!(simulate(&app, &key, &["--limit", "8"])["would_break"], 0);
    let same = [
        "--permissions",
        "read,write",
        "--allow-ip",
        HOME,
        "--allow-ip",
        AWAY,
    ];
    assert_eq!(simulate(&app, &key, &same)["would_break"], 0);

    let text = app.admin_text(&["key", "simulate", &key.id, "--permissions", "read"]);
    assert!(
        text.contains("missing_permission") && text.contains(HOME),
        "{text}"
    );
    assert_eq!(app.admin(&["key", "show", &key.id]), shown);
    assert_eq!(app.trail(&[]), trail);
    for (args, code) in [
        (vec![&key.id[..]], 2),
        (vec![&key.id, "--permissions", "fly"], 4),
        (vec![&key.id, "--allow-ip", "1.2.3"], 4),
        (vec![&key.id, "--limit", "0"], 4),
        (vec![&key.id, "--limit", "1", "--days", "0"], 2),
        (vec!["key_01kb3wcvygf0xv0h0h0h0h0h0h", "--limit", "1"], 3),
    ] {
        let run = app.admin_run(&[&["key", "simulate"], &args[..]].concat());
        assert_eq!(run.code, code, "{args:?}: {run:?}");
    }
}

/// The limit is held to before the route is looked for.
fn requests_without_a_route_use_the_budget(database: Database) {
    let app = app(database);
    let key = app.key(&app.account("enterprise"), "live", "read");
    ask(&app, &key, HOME, "GET", "/v1/nothing").expect(404);
    ask(&app, &key, HOME, "DELETE", "/v1/account").expect(405);
    ask(&app, &key, HOME, "GET", "/v1/account").expect(200);
    let broken = |limit: &str| simulate(&app, &key, &["--limit", limit])["would_break"].clone();
    assert_eq!([broken("1"), broken("2"), broken("3")], [1, 1, 0]);
    // As a key with that limit finds out.
    let bound = app.key_with(
        &app.account("enterprise"),
        "live",
        "read",
        &["--limit", "2"],
    );
    ask(&app, &bound, HOME, "GET", "/v1/nothing").expect(404);
    ask(&app, &bound, HOME, "DELETE", "/v1/account").expect(405);
    ask(&app, &bound, HOME, "GET", "/v1/account").expect(429);
}

/// What is not in the log any more is not taken for traffic that never was.
fn a_pruned_log_is_not_taken_for_the_whole(database: Database) {
    let app = app(database);
    let account = app.account("enterprise");
    let (key, later) = (
        app.key(&account, "live", "read,write"),
        app.key(&account, "live", "read,write"),
    );
    traffic(&app, &key);
    let pruned = rfc3339(SystemClock::new().now().wall);
    assert_eq!(
        app.admin(&["audit", "prune", "--before", &pruned])["before"],
        pruned.as_str()
    );
    ask(&app, &key, HOME, "GET", "/v1/account").expect(200);
    ask(&app, &later, HOME, "GET", "/v1/account").expect(200);

    let told = app.admin(&["key", "suggest", &key.id]);
    assert_eq!(told["from"], pruned.as_str());
    assert_eq!(
        (&told["requests"], &told["would_break"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(
        (&told["permissions"], &told["command"]),
        (&Value::Null, &Value::Null)
    );
    let notes = words(&told["notes"]).join("\n");
    assert!(notes.contains(&format!("it begins at {pruned}")), "{notes}");
    assert!(
        notes.contains("8 requests that were counted since"),
        "{notes}"
    );
    assert!(notes.contains("nothing is proposed"), "{notes}");
    let text = app.admin_text(&["key", "suggest", &key.id]);
    assert!(
        text.contains(&format!("since {pruned}")) && !text.contains("key update"),
        "{text}"
    );

    let told = simulate(&app, &key, &["--permissions", "read"]);
    assert_eq!(
        (&told["from"], &told["requests"]),
        (&json!(pruned), &json!(1))
    );
    let notes = words(&told["notes"]).join("\n");
    assert!(
        notes.contains("it begins at") && notes.contains("8 requests"),
        "{notes}"
    );

    // A key of which nothing was pruned.
    let told = app.admin(&["key", "suggest", &later.id]);
    assert_eq!(told["from"], pruned.as_str());
    assert_eq!(words(&told["permissions"]), ["read"]);
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect()
}

fn a_suggestion_is_enough_for_the_same_traffic_and_no_more(database: Database) {
    let app = app(database);
    let account = app.account("enterprise");
    let key = app.key(&account, "live", "read,write,delete");
    let wide = app.key(&account, "live", "read,write");
    traffic(&app, &wide);
    let told = app.admin(&["key", "suggest", &wide.id]);
    assert_eq!(
        told["command"],
        Value::from(format!(
            "torvus-admin key update {} --allow-ip {HOME} --allow-ip {AWAY}",
            wide.id
        ))
    );
    assert_eq!(
        (&told["let_in"], &told["replayed"], &told["would_break"]),
        (&json!(6), &json!(6), &json!(0))
    );
    assert_eq!(words(&told["permissions"]), ["read", "write"]);
    assert_eq!(words(&told["allowed_ips"]), [HOME, AWAY]);
    assert!(words(&told["notes"])[0].contains("little to go by"));
    // A key with just that does the same.
    let more = ["--allow-ip", HOME, "--allow-ip", AWAY];
    let narrow = app.key_with(&account, "live", "read,write", &more);
    traffic(&app, &narrow);
    ask(&app, &narrow, "203.0.113.6", "GET", "/v1/account").expect_403();
    let told = app.admin(&["key", "suggest", &narrow.id]);
    assert_eq!(told["command"], Value::Null);

    // One that only asked who it is needs no permission; it gets the least that it has.
    ask(&app, &key, HOME, "GET", "/v1/account").expect(200);
    let told = app.admin(&["key", "suggest", &key.id]);
    assert_eq!(words(&told["permissions"]), ["read"]);
    let command = told["command"].as_str().unwrap();
    assert!(
        command.contains("--permissions read --allow-ip 203.0.113.5"),
        "{command}"
    );
    // Dead keys can be asked about, for the next one.
    app.admin(&["key", "revoke", &key.id]);
    assert_eq!(app.admin(&["key", "suggest", &key.id])["would_break"], 0);
}

fn nothing_is_proposed_that_cannot_be_known(database: Database) {
    let app = app(database);
    let unused = app.key(&app.account("enterprise"), "test", "read");
    let told = app.admin(&["key", "suggest", &unused.id]);
    assert_eq!(
        (&told["permissions"], &told["command"]),
        (&Value::Null, &Value::Null)
    );
    assert!(words(&told["notes"])[0].contains("nothing is proposed"));

    let plain = app.key(&app.account("professional"), "test", "read,delete");
    ask(&app, &plain, HOME, "GET", "/v1/vaults").expect(200);
    let told = app.admin(&["key", "suggest", &plain.id]);
    assert_eq!(words(&told["allowed_ips"]), Vec::<&str>::new());
    assert!(
        words(&told["notes"])
            .iter()
            .any(|note| note.contains("has no address lists"))
    );
    let command = format!("torvus-admin key update {} --permissions read", plain.id);
    assert_eq!(told["command"], command.as_str());
    let text = app.admin_text(&["key", "suggest", &plain.id]);
    assert!(
        text.contains("1 replayed, 0 of them would be refused"),
        "{text}"
    );
    assert!(text.ends_with(&format!("{command}\n")), "{text}");
}

fn more_addresses_than_a_list_holds_become_networks(database: Database) {
    let app = app(database);
    let account = app.account("enterprise");
    let key = app.key(&account, "live", "read");
    let near = (0..140).map(|host| format!("198.51.100.{host}"));
    let far = (0..30).map(|net| format!("192.0.{net}.77"));
    let addresses: Vec<String> = near.chain(far).collect();
    for address in &addresses {
        ask(&app, &key, address, "GET", "/v1/account").expect(200);
    }
    let told = app.admin(&["key", "suggest", &key.id]);
    assert_eq!(
        (&told["replayed"], &told["would_break"]),
        (&json!(170), &json!(0))
    );
    let list = words(&told["allowed_ips"]);
    assert!(
        list.len() <= 100 && list.contains(&"192.0.7.77"),
        "{list:?}"
    );
    let flags: Vec<&str> = list
        .iter()
        .flat_map(|entry| ["--allow-ip", entry])
        .collect();
    let bound = app.key_with(&account, "live", "read", &flags);
    for address in addresses.iter().step_by(13) {
        ask(&app, &bound, address, "GET", "/v1/account").expect(200);
    }
    ask(&app, &bound, "198.51.101.1", "GET", "/v1/account").expect_403();
    ask(&app, &bound, "198.51.100.250", "GET", "/v1/account").expect_403();
}

on_both!(
    a_simulation_lists_what_a_change_would_refuse,
    requests_without_a_route_use_the_budget,
    a_pruned_log_is_not_taken_for_the_whole,
    a_suggestion_is_enough_for_the_same_traffic_and_no_more,
    nothing_is_proposed_that_cannot_be_known,
    more_addresses_than_a_list_holds_become_networks,
);
