//! What is seen of a key, and by whom.

use serde_json::json;
use torvus_e2e::{Database, TestApp, on_both, token, wait_until};

use crate::{LIST, NEW, READ_LIVE, READ_TEST, SOON, generate, on_plan, page_of};

fn usage_is_what_was_used(database: Database) {
    let app = TestApp::start(database);
    let browser = app.signed_in(&app.holder());
    let fields = [READ_LIVE, &[("limit", "50")]].concat();
    let (id, key) = generate(&browser, "used", &fields);
    let client = app.client(&key);
    for _ in 0..3 {
        client.get("/v1/vaults").expect(200);
    }
    client
        .post("/v1/vaults", &json!({ "name": "x" }))
        .expect(403);
    let page = page_of(&id);
    wait_until(SOON, "four requests are counted", || {
        browser
            .get(&page)
            .body
            .contains("Total requests</dt><dd class=\"value\">4</dd>")
    });
    let seen = browser.get(&page).expect(200);
    for word in [
        ">Usage</h2>",
        "Error rate</dt><dd class=\"value\">25.0%</dd>",
        ">Last used</dt>",
        ">Requests by endpoint</h3>",
        ">IP addresses</h3>",
        "<code>/v1/vaults</code>",
        "<code>127.0.0.1</code>",
        "46 <small>of 50</small>",
        ">Edit</button>",
        ">Rotate</button>",
        ">Revoke</button>",
        "role=\"img\"",
    ] {
        assert!(seen.body.contains(word), "{word}");
    }
    // From what was refused to why.
    let (_, why) = seen
        .body
        .split_once("<a href=\"")
        .and_then(|_| seen.body.split_once("/explain?method=POST"))
        .expect("a link");
    let query = why
        .split('"')
        .next()
        .unwrap()
        .replace("&amp;", "&")
        .replace("&#38;", "&");
    let told = browser
        .get(&format!("{page}/explain?method=POST{query}"))
        .expect(200);
    assert!(
        told.body
            .contains("It would be refused: missing permission."),
        "{}",
        told.body
    );
    let was = "it was refused: 403, missing permission <code>write</code>.";
    assert!(told.body.contains(was) && told.body.contains("Today: "));
    assert!(told.body.contains("The key was not changed since."));
    assert!(told.body.contains("permissions=read") && told.body.contains("permissions=write"));
    let told = browser
        .get(&format!("{page}/explain?method=GET&path=/v1/vaults"))
        .expect(200);
    assert!(told.body.contains("It would be let in."));
    let wrong = browser
        .get(&format!("{page}/explain?method=G+T&path=v1&ip=here&at=now"))
        .expect(422);
    for field in ["method", "path", "ip", "at"] {
        assert!(
            wrong.body.contains(&format!("id=\"{field}-error\"")),
            "{field}"
        );
    }
}

fn another_accounts_keys_are_nowhere(database: Database) {
    let app = TestApp::start(database);
    let (mine, other) = (app.signed_in(&app.holder()), app.signed_in(&app.holder()));
    let (id, key) = generate(&mine, "mine alone", READ_TEST);
    let (own, _) = generate(&other, "other", READ_TEST);
    assert!(!other.get(LIST).expect(200).body.contains("mine alone"));
    let page = page_of(&id);
    let shown = format!("{}/edit", page_of(&own));
    for path in [
        page.clone(),
        page_of("key_01h455vb4pex5vsknk084sn02q"),
        page_of("nonsense"),
        page_of("%FF"),
    ] {
        other.get(&path).expect(404);
        for action in ["edit", "rotate", "grace", "revoke", "explain"] {
            other.get(&format!("{path}/{action}")).expect(404);
        }
        for action in ["edit", "rotate", "grace", "revoke"] {
            // With a token that is good for its own forms.
            let sent = token(&other.get(&shown), &shown);
            let fields = [
                ("token", sent.as_str()),
                ("name", "x"),
                ("permissions", "read"),
                ("expiration", "keep"),
                ("grace", "0"),
                ("end", "now"),
                ("confirm", "mine alone"),
            ];
            other.post(&format!("{path}/{action}"), &fields).expect(404);
        }
    }
    app.client(&key).get("/v1/account").expect(200);
    assert_eq!(app.trail(&["--key", &id]).len(), 1);
    // And nobody who is not signed in sees any.
    let nobody = app.browser();
    for path in [LIST, NEW, &page] {
        assert!(
            nobody
                .get(path)
                .expect(303)
                .header("location")
                .unwrap()
                .starts_with("/login")
        );
    }
    app.client(&key).get(LIST).expect(303);
}

fn hostile_names_are_shown_as_they_are(database: Database) {
    let app = TestApp::start(database);
    let browser = app.signed_in(&app.holder());
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</title><script>alert(1)</script>",
        "{{7*7}} ${7*7} <%= 7 %>",
        "javascript:alert(1)",
        "\u{202e}gnp.exe",
        "&lt;b&gt;",
        "</textarea><svg onload=alert(1)>",
    ] {
        let (id, _) = generate(&browser, name, READ_TEST);
        let page = page_of(&id);
        let query: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in [
            LIST.to_owned(),
            page.clone(),
            format!("{page}/edit"),
            format!("{page}/rotate"),
            format!("{page}/revoke"),
            format!("{page}/explain?path=/{query}&method={query}"),
            format!("{LIST}?q={query}&sort={query}"),
            format!("{NEW}?name={query}&allowed_ips={query}"),
        ] {
            let body = browser.get(&path).body;
            for bad in [
                "<script>alert",
                "<img src=x",
                "<svg onload",
                "' onmouseover='",
                "49 ",
            ] {
                assert!(!body.contains(bad), "{path}: {bad}");
            }
        }
    }
}

fn what_a_key_needs_is_proposed(database: Database) {
    let app = TestApp::start(database);
    let browser = app.signed_in(&on_plan(&app, "enterprise"));
    let all = [
        ("permissions", "read"),
        ("permissions", "write"),
        ("permissions", "delete"),
        ("environment", "test"),
    ];
    let (id, key) = generate(&browser, "too <wide>", &all);
    generate(&browser, "unused", &all);
    let (narrow, own) = generate(&browser, "narrow", READ_TEST);
    let wider = format!("{LIST}/wider");
    assert!(
        browser
            .get(&wider)
            .expect(200)
            .body
            .contains("<h2>None</h2>")
    );
    for key in [&key, &own] {
        app.client(key).get("/v1/vaults").expect(200);
    }
    app.client(&key)
        .post("/v1/vaults", &json!({ "name": "x" }))
        .expect(201);
    wait_until(SOON, "both uses are known", || {
        let seen = browser.get(&wider).body;
        seen.contains("<td>Read, Write</td><td>Delete</td>")
    });
    let seen = browser.get(&wider).expect(200);
    assert!(seen.body.contains(&page_of(&id)));
    assert!(!seen.body.contains("unused") && !seen.body.contains(&page_of(&narrow)));
    let page = format!("{}/suggest", page_of(&id));
    wait_until(SOON, "both requests are there", || {
        browser
            .get(&page)
            .body
            .contains("2 requests were decided on anew; 0 of them")
    });
    let seen = browser.get(&page).expect(200);
    assert!(
        seen.body.contains("<strong>Read, Write</strong>")
            && seen.body.contains("<strong>Only from 127.0.0.1</strong>")
    );
    assert!(seen.body.contains("That is little to go by"));
    // It leads to a form that is filled in, and changes nothing by itself.
    let (_, edit) = seen
        .body
        .split_once(&format!("{}/edit?", page_of(&id)))
        .unwrap();
    let edit = edit
        .split('"')
        .next()
        .unwrap()
        .replace("&amp;", "&")
        .replace("&#38;", "&");
    let form = browser
        .get(&format!("{}/edit?{edit}", page_of(&id)))
        .expect(200);
    assert!(
        form.body.contains("value=\"write\" checked")
            && !form.body.contains("value=\"delete\" checked")
    );
    assert!(form.body.contains(">\n127.0.0.1</textarea>"));
    assert_eq!(app.trail(&["--key", &id]).len(), 1);
    let other = app.signed_in(&app.holder());
    other.get(&page).expect(404);
    assert!(other.get(&wider).expect(200).body.contains("<h2>None</h2>"));
}

/// Whatever is asked with a whole key in the URL is asked once more without it.
fn a_whole_key_does_not_stay_in_a_url(database: Database) {
    let app = TestApp::start(database);
    let browser = app.signed_in(&app.holder());
    let (id, key) = generate(&browser, "live one", READ_LIVE);
    let page = page_of(&id);
    let end = &key[key.len() - 6..];
    let long = "x".repeat(150);
    for path in [
        format!("{LIST}?q={key}&sort=name"),
        format!("{LIST}?q={long}{key}"),
        format!("{LIST}?q={}", key.replace('_', "%5F")),
        format!("{page}/explain?method=GET&path=/v1/vaults/{key}"),
        format!("{page}/edit?allowed_ips={key}"),
        format!("/settings/audit-logs?endpoint=/v1/vaults/{key}&ip={key}"),
        format!("/login?next=/settings/api-keys?q={key}"),
    ] {
        for visitor in [&browser, &app.browser()] {
            let led = visitor.get(&path).expect(303);
            let hidden = led.header("location").unwrap().to_owned();
            assert!(
                !hidden.contains(&key[..24]) && hidden.contains("%E2%80%A6"),
                "{hidden}"
            );
            let next = visitor.get(&hidden);
            assert!(
                !next.body.contains(end) || !next.body.contains(&key[..24]),
                "{path}"
            );
            let onward = next.header("location").unwrap_or_default();
            assert!(!onward.contains(&key[..24]), "{onward}");
        }
    }
    // What was typed into a form goes along to the password without it, too.
    let rotate = format!("{page}/rotate");
    let sent = token(&browser.get(&rotate).expect(200), &rotate);
    app.sql("UPDATE sessions SET confirmed_at = confirmed_at - 900000000");
    let fields = [
        ("token", sent.as_str()),
        ("grace", "1h"),
        ("reason", key.as_str()),
    ];
    let led = browser.post(&rotate, &fields).expect(303);
    let hidden = led.header("location").unwrap();
    assert!(hidden.starts_with("/confirm?next="), "{hidden}");
    assert!(!hidden.contains(&key[..24]), "{hidden}");
    app.client(&key).get("/v1/account").expect(200);
}

/// What is not in the log any more is not taken for traffic that never was.
fn nothing_is_proposed_from_half_a_log(database: Database) {
    let app = TestApp::start(database);
    let browser = app.signed_in(&on_plan(&app, "enterprise"));
    let fields = [READ_TEST, &[("permissions", "write")]].concat();
    let (id, key) = generate(&browser, "pruned", &fields);
    let page = format!("{}/suggest", page_of(&id));
    let client = app.client(&key);
    client
        .post("/v1/vaults", &json!({ "name": "x" }))
        .expect(201);
    wait_until(SOON, "the request is there", || {
        browser.get(&page).body.contains("1 requests were decided")
    });
    let pruned = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    app.admin(&["audit", "prune", "--before", &pruned]);
    client.get("/v1/account").expect(200);
    wait_until(SOON, "the next one is there", || {
        browser.get(&page).body.contains("on 1 of the last")
    });
    let seen = browser.get(&page).expect(200).body;
    for text in [
        "The log was pruned: it begins at",
        "are not in the log",
        "nothing is proposed",
    ] {
        assert!(seen.contains(text), "{text}: {seen}");
    }
    assert!(!seen.contains("/edit?"), "{seen}");
}

on_both!(
    nothing_is_proposed_from_half_a_log,
    a_whole_key_does_not_stay_in_a_url,
    usage_is_what_was_used,
    another_accounts_keys_are_nowhere,
    hostile_names_are_shown_as_they_are,
    what_a_key_needs_is_proposed,
);
