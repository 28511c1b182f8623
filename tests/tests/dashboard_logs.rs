//! The audit log in the dashboard: what it shows, to whom, and what it exports.

use std::collections::HashSet;
use std::io::Read as _;
use std::thread;

use torvus_e2e::{Browser, Database, Holder, TestApp, on_both, random_like};

const LOG: &str = "/settings/audit-logs";

/// The records of a page, by their identifiers.
fn records(html: &str) -> Vec<String> {
    let rows = html.split("<tbody role=\"rowgroup\" id=\"").skip(1);
    rows.map(|row| row.split('"').next().unwrap().to_owned())
        .collect()
}

/// Where a link of the pager leads.
fn link(html: &str, rel: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("rel=\"{rel}\" href=\""))?;
    let href = rest.split('"').next()?;
    Some(unescaped(href))
}

/// The text that stands in HTML.
fn unescaped(html: &str) -> String {
    html.replace("&#38;", "&")
        .replace("&amp;", "&")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
}

/// All records from a page on, by the links to older ones.
fn walk(visitor: &Browser, first: &str) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), Some(first.to_owned()));
    while let Some(path) = next {
        let page = visitor.get(&path).expect(200);
        found.extend(records(&page.body));
        next = link(&page.body, "next");
    }
    found
}

/// What the command lists for an account, the newest first.
fn listed(app: &TestApp, holder: &Holder, filters: &[&str]) -> Vec<String> {
    let all = [
        "audit",
        "list",
        "--account",
        &holder.id,
        "--limit",
        "100000",
    ];
    let list = app.admin(&[&all[..], filters].concat());
    let records = list["data"].as_array().unwrap();
    records
        .iter()
        .map(|record| record["id"].as_str().unwrap().to_owned())
        .collect()
}

/// What the command exports for an account.
fn exported(app: &TestApp, holder: &Holder, format: &str, filters: &[&str]) -> String {
    let all = [
        "audit",
        "export",
        "--format",
        format,
        "--account",
        &holder.id,
    ];
    app.admin_text(&[&all[..], filters].concat())
}

/// A bit of everything: two environments, several routes, statuses, addresses and outcomes.
fn traffic(app: &TestApp, holder: &Holder) -> [String; 2] {
    let live = app.key(&holder.id, "live", "read,write");
    let test = app.key(&holder.id, "test", "read");
    let client = app.client(&live.token);
    let vault = client.vault("one");
    client.get(&format!("/v1/vaults/{vault}")).expect(200);
    client
        .get("/v1/vaults/vault_00000000000000000000000000")
        .expect(404);
    client.delete(&format!("/v1/vaults/{vault}")).expect(403);
    let other = app.client_from("127.0.0.2", &test.token);
    other.get("/v1/vaults").expect(200);
    other.call("POST", "/v1/vaults", None).expect(403);
    app.anonymous().get("/v1/vaults").expect(401);
    app.admin(&["key", "revoke", &test.id, "--reason", "<b>leaked</b>"]);
    other.get("/v1/vaults").expect(401);
    [live.id, test.id]
}

fn the_page_shows_what_the_command_lists(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder_on("professional");
    let visitor = app.signed_in(&holder);
    let [live, test] = traffic(&app, &holder);
    let page = visitor.get(LOG).expect(200);
    for text in [
        "Audit Logs",
        ">API Activity<",
        ">Key Management<",
        ">Sign-ins<",
        ">Export as CSV<",
    ] {
        assert!(page.body.contains(text), "{text}");
    }
    let check = |query: &str, filters: &[&str]| {
        let expected = listed(&app, &holder, filters);
        assert!(!expected.is_empty(), "{query}");
        assert_eq!(
            walk(&visitor, &format!("{LOG}?{query}")),
            expected,
            "{query}"
        );
    };
    check("", &[]);
    check("category=api_activity", &["--category", "api_activity"]);
    check("category=key_management", &["--category", "key_management"]);
    check("category=sign_in", &["--category", "sign_in"]);
    check(&format!("key={live}"), &["--key", &live]);
    check("environment=test", &["--environment", "test"]);
    check("method=post", &["--method", "POST"]);
    check("endpoint=/v1/vaults/:id", &["--route", "/v1/vaults/:id"]);
    check("endpoint=%2Fv1%2Fvaults", &["--path", "/v1/vaults"]);
    check("status=403", &["--status", "403"]);
    check("status=4xx&outcome=", &["--status", "4xx"]);
    check("outcome=revoked_key", &["--outcome", "revoked_key"]);
    check("ip=127.0.0.2", &["--ip", "127.0.0.2"]);
    check(
        "from=2020-01-01&to=2099-01-01T00:00",
        &["--from", "2020-01-01T00:00:00Z"],
    );
    let none = visitor.get(&format!("{LOG}?to=2020-01-01")).expect(200);
    assert!(records(&none.body).is_empty() && none.body.contains("No record is one of these"));

    // A refusal of a known key leads to its explanation; what was done says what it changed.
    let refused = visitor
        .get(&format!("{LOG}?status=403&key={test}"))
        .expect(200);
    let explain =
        format!("/settings/api-keys/{test}/explain?method=POST&path=/v1/vaults&ip=127.0.0.2&at=");
    assert!(
        unescaped(&refused.body).contains(&explain),
        "{}",
        refused.body
    );
    let revoked = visitor
        .get(&format!("{LOG}?category=key_management&key={test}"))
        .expect(200);
    assert!(revoked.body.contains("Key revoked") && !revoked.body.contains("<b>leaked"));
    assert!(unescaped(&revoked.body).contains("<ins><b>leaked</b></ins>"));
}

fn a_bad_filter_is_named_and_nothing_is_shown(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder_on("professional");
    let visitor = app.signed_in(&holder);
    for (query, blamed) in [
        ("status=9", "fault-status"),
        ("ip=somewhere", "fault-ip"),
        ("from=soon", "fault-from"),
        ("key=key_x", "fault-key"),
        ("older=12", "leads nowhere"),
        ("endpoint=%00", "fault-endpoint"),
        ("method=%00", "fault-method"),
        ("category=everything", "category"),
    ] {
        let page = visitor.get(&format!("{LOG}?{query}")).expect(400);
        assert!(page.body.contains(blamed), "{query}");
        assert!(records(&page.body).is_empty(), "{query}");
        visitor.get(&format!("{LOG}/export?{query}")).expect(400);
    }
    visitor.get(&format!("{LOG}/export?format=xml")).expect(400);
}

fn exports_are_those_of_the_command(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder_on("enterprise");
    let visitor = app.signed_in(&holder);
    let [live, _] = traffic(&app, &holder);
    for (query, filters) in [
        ("", &[][..]),
        (
            "&category=api_activity",
            &["--category", "api_activity"][..],
        ),
        ("&status=4xx", &["--status", "4xx"]),
        (
            &format!("&key={live}&method=GET"),
            &["--key", &live, "--method", "GET"],
        ),
        (
            "&outcome=ok&environment=live",
            &["--outcome", "ok", "--environment", "live"],
        ),
        ("&to=2020-01-01", &["--to", "2020-01-01T00:00:00Z"]),
    ] {
        for (format, kind) in [
            ("csv", "text/csv; charset=utf-8"),
            ("jsonl", "application/jsonl"),
        ] {
            let answer = visitor
                .get(&format!("{LOG}/export?format={format}{query}"))
                .expect(200);
            assert_eq!(answer.header("content-type"), Some(kind));
            let disposition = answer.header("content-disposition").unwrap();
            assert!(
                disposition.starts_with("attachment; filename=\"torvus-audit-"),
                "{disposition}"
            );
            assert_eq!(
                answer.body,
                exported(&app, &holder, format, filters),
                "{format} {query}"
            );
        }
    }
    // What the page's own link exports is CSV.
    let page = visitor.get(&format!("{LOG}?status=4xx")).expect(200);
    let href = page.body.split("class=\"button\" href=\"").nth(1).unwrap();
    let href = unescaped(href.split('"').next().unwrap());
    let csv = visitor.get(&href).expect(200).body;
    assert_eq!(csv, exported(&app, &holder, "csv", &["--status", "4xx"]));
}

fn nobody_sees_the_records_of_others(database: Database) {
    let app = TestApp::start(database);
    let (holder, stranger) = (app.holder_on("enterprise"), app.holder_on("enterprise"));
    let [live, _] = traffic(&app, &holder);
    let theirs: HashSet<String> = listed(&app, &holder, &[]).into_iter().collect();
    let visitor = app.signed_in(&stranger);
    let account = &holder.id;
    for query in [
        String::new(),
        format!("key={live}"),
        format!("account={account}&account_id={account}"),
        "category=key_management".to_owned(),
        "status=403".to_owned(),
        "ip=127.0.0.2".to_owned(),
    ] {
        let seen = walk(&visitor, &format!("{LOG}?{query}"));
        assert!(seen.iter().all(|id| !theirs.contains(id)), "{query}");
        for format in ["csv", "jsonl"] {
            let export = visitor
                .get(&format!("{LOG}/export?format={format}&{query}"))
                .expect(200);
            assert!(
                !export.body.contains(&live) && !export.body.contains(account),
                "{query}"
            );
        }
    }
    // Another's key is like one that there never was.
    let shown = |key: &str| {
        let page = visitor.get(&format!("{LOG}?key={key}")).expect(200);
        assert!(link(&page.body, "next").is_none() && link(&page.body, "prev").is_none());
        page.body.contains("No record is one of these")
    };
    assert!(shown(&live) && shown("key_01h455vb4pex5vsknk084sn02q"));
    let empty = exported(&app, &stranger, "csv", &["--to", "2020-01-01T00:00:00Z"]);
    let csv = visitor.get(&format!("{LOG}/export?key={live}")).expect(200);
    assert_eq!(csv.body, empty);
    // Without a session there is nothing at all, and a key opens none of it.
    for path in [LOG, "/settings/audit-logs/export"] {
        let led = app.browser().get(path).expect(303);
        assert!(
            led.header("location").unwrap().starts_with("/login?next="),
            "{led:?}"
        );
        let key = app.key(account, "live", "read");
        app.client(&key.token).get(path).expect(303);
        app.client(&random_like("live")).get(path).expect(303);
    }
}

fn a_plan_without_exports_is_told_so(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder_on("free");
    let visitor = app.signed_in(&holder);
    traffic(&app, &holder);
    let page = visitor.get(LOG).expect(200);
    assert!(
        page.body
            .contains("Exports are part of Professional and Enterprise. Your plan is free.")
    );
    assert!(!page.body.contains("/export?"));
    let refused = visitor.get(&format!("{LOG}/export?format=csv")).expect(403);
    assert!(refused.body.contains("Professional and Enterprise"));
    assert_eq!(walk(&visitor, LOG), listed(&app, &holder, &[]));
    // The plan counts as it is now.
    app.admin(&["account", "set-plan", &holder.id, "professional"]);
    let csv = visitor.get(&format!("{LOG}/export?format=csv")).expect(200);
    assert_eq!(csv.body, exported(&app, &holder, "csv", &[]));
}

/// Whoever pages through the log while it grows sees each record that was there at the beginning once.
fn pages_neither_skip_nor_repeat_while_records_come_in(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder_on("enterprise");
    let visitor = app.signed_in(&holder);
    let key = app.key(&holder.id, "test", "read");
    let clients: Vec<_> = (0..4).map(|_| app.client(&key.token)).collect();
    let ask = |count: usize| {
        thread::scope(|scope| {
            for client in &clients {
                scope.spawn(move || {
                    (0..count).for_each(|_| drop(client.get("/v1/account").expect(200)))
                });
            }
        });
    };
    ask(50);
    thread::scope(|scope| {
        let asking = scope.spawn(|| ask(100));
        for query in ["category=api_activity", "status=200", "status=401"] {
            let first = format!("{LOG}?{query}");
            let before = visitor.get(&first).expect(200);
            let newest = records(&before.body).into_iter().next();
            let seen = {
                let mut seen = records(&before.body);
                if let Some(next) = link(&before.body, "next") {
                    seen.extend(walk(&visitor, &next));
                }
                seen
            };
            let filters: Vec<&str> = match query.split_once('=').unwrap() {
                ("status", status) => vec!["--status", status],
                (_, category) => vec!["--category", category],
            };
            let all = listed(&app, &holder, &filters);
            let there = all.into_iter().skip_while(|id| Some(id) != newest.as_ref());
            let there: Vec<String> = if newest.is_some() {
                there.collect()
            } else {
                Vec::new()
            };
            assert_eq!(seen, there, "{query}");
        }
        asking.join().unwrap();
    });

    // And back again: what is newer, page by page, up to the first one.
    let first = visitor.get(LOG).expect(200);
    let second = visitor.get(&link(&first.body, "next").unwrap()).expect(200);
    let third = visitor
        .get(&link(&second.body, "next").unwrap())
        .expect(200);
    let back = visitor.get(&link(&third.body, "prev").unwrap()).expect(200);
    assert_eq!(records(&back.body), records(&second.body));
    let back = visitor.get(&link(&back.body, "prev").unwrap()).expect(200);
    assert_eq!(records(&back.body), records(&first.body));
}

fn who_reads_the_log_is_told_when_it_was_verified(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder_on("professional");
    let visitor = app.signed_in(&holder);
    let page = || visitor.get(LOG).expect(200).body;
    assert!(page().contains("Not verified yet"));
    app.admin_text(&["audit", "checkpoint"]);
    app.admin(&["audit", "verify"]);
    let shown = page();
    assert!(
        shown.contains(">Verified<") && shown.contains("Last checkpoint:"),
        "{shown}"
    );
    assert!(!shown.contains("Not verified yet"));
}

/// A row is shown as soon as its answer is there: nobody has to wait for an index.
fn a_request_is_shown_at_once(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder_on("professional");
    let visitor = app.signed_in(&holder);
    let key = app.key(&holder.id, "test", "read");
    let client = app.client(&key.token);
    for number in 1..=20 {
        client.get("/v1/account").expect(200);
        let page = visitor
            .get(&format!("{LOG}?category=api_activity"))
            .expect(200);
        assert_eq!(records(&page.body).len(), number);
    }
}

/// A page that keeps itself up to date does not keep anybody signed in for good.
fn a_live_page_stops_by_itself(database: Database) {
    let app = TestApp::start(database);
    let visitor = app.signed_in(&app.holder());
    let page = visitor.get(LOG).expect(200).body;
    let (_, live) = page.split_once("live=").expect("a link");
    let now: i64 = live.split('"').next().unwrap().parse().unwrap();
    let refreshes = |since: i64| {
        let page = visitor.get(&format!("{LOG}?live={since}")).expect(200);
        page.body.contains("http-equiv=\"refresh\"")
    };
    assert!(refreshes(now) && refreshes(now - 600));
    assert!(!refreshes(now - 901) && !refreshes(now + 60) && !refreshes(i64::MIN));
}

on_both!(
    a_live_page_stops_by_itself,
    the_page_shows_what_the_command_lists,
    a_bad_filter_is_named_and_nothing_is_shown,
    exports_are_those_of_the_command,
    nobody_sees_the_records_of_others,
    a_plan_without_exports_is_told_so,
    pages_neither_skip_nor_repeat_while_records_come_in,
    who_reads_the_log_is_told_when_it_was_verified,
    a_request_is_shown_at_once,
);

/// A large export goes through in little memory, and one that is broken off looks broken off.
#[test]
fn a_large_export_is_streamed() {
    let app = TestApp::start(Database::Sqlite);
    let holder = app.holder_on("enterprise");
    let key = app.key(&holder.id, "test", "read");
    app.many_records(&holder.id, &key.id, 60_000);
    let visitor = app.signed_in(&holder);
    let resident = || {
        let mut status = String::new();
        let file = format!("/proc/{}/status", app.pid());
        std::fs::File::open(file)
            .unwrap()
            .read_to_string(&mut status)
            .unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        let kilobytes: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes
    };
    visitor
        .get(&format!("{LOG}/export?format=csv&status=404"))
        .expect(200);
    let before = resident();
    let export = visitor
        .get(&format!("{LOG}/export?format=jsonl"))
        .expect(200);
    let grown = resident().saturating_sub(before);
    assert_eq!(export.body, exported(&app, &holder, "jsonl", &[]));
    assert!(
        export.body.len() > 30_000_000 && grown < 12_000,
        "{grown} kB for {} bytes",
        export.body.len()
    );
    // What is rare is looked for in parts, and found.
    let rare = ["status=404", "outcome=rate_limited", "ip=203.0.113.9"];
    for query in rare {
        let (name, value) = query.split_once('=').unwrap();
        let flag = format!("--{name}");
        let expected = listed(&app, &holder, &[&flag, value]);
        assert_eq!(
            walk(&visitor, &format!("{LOG}?{query}")),
            expected,
            "{query}"
        );
    }
}
