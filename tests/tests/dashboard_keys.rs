//! Settings → API Keys, by a browser without scripts: each page and each action.

use std::time::Duration;

use serde_json::json;
use torvus_e2e::{
    Answer, BODY_401, Browser, Database, Holder, TestApp, on_both, token, wait_until,
};

const LIST: &str = "/settings/api-keys";
/// What was recorded is known to pages within this time.
const SOON: Duration = Duration::from_secs(10);
const NEW: &str = "/settings/api-keys/new";

/// Fields of the form for a key, with what is usual.
fn form<'a>(name: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![("name", name), ("expiration", "90d")];
    fields.extend(more);
    fields
}

const READ_TEST: &[(&str, &str)] = &[("permissions", "read"), ("environment", "test")];
const READ_LIVE: &[(&str, &str)] = &[("permissions", "read"), ("environment", "live")];

/// The key that a page shows.
#[track_caller]
fn shown(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("<code id=\"api-key\"").expect("a key");
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

/// Generates a key: its id and its text.
#[track_caller]
fn generate(browser: &Browser, name: &str, more: &[(&str, &str)]) -> (String, String) {
    let page = browser.fill(NEW, NEW, &form(name, more)).expect(200);
    let key = shown(&page);
    let link = page.body.split(&format!("{LIST}/key_")).nth(1).unwrap();
    let id = link.split('"').next().unwrap();
    (format!("key_{id}"), key)
}

fn page_of(id: &str) -> String {
    format!("{LIST}/{id}")
}

/// A holder on that plan.
fn on_plan(app: &TestApp, plan: &str) -> Holder {
    let holder = app.holder();
    app.admin(&["account", "set-plan", &holder.id, plan]);
    holder
}

fn a_key_is_shown_once_and_works(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let browser = app.signed_in(&holder);
    let page = browser.get(LIST).expect(200);
    assert!(page.body.contains("<h1>API Keys</h1>") && page.body.contains("No keys yet"));
    assert!(
        page.body
            .contains(&format!("href=\"{NEW}\">Generate New API Key</a>"))
    );

    let page = browser.get(NEW).expect(200);
    for word in [
        "Key Name</label>",
        "<legend>Permissions</legend>",
        ">Read</label>",
        ">Write</label>",
        ">Delete</label>",
        "<legend>Environment</legend>",
        ">Live</label>",
        ">Test</label>",
        "<legend>Expiration</legend>",
        ">90 days (recommended)</label>",
        ">1 year</label>",
        ">Never (not recommended for production)</label>",
        ">Custom</label>",
        "IP Whitelist</label>",
        ">Generate Key</button>",
    ] {
        assert!(page.body.contains(word), "{word}");
    }
    let sent = token(&page, NEW);
    let mut fields = form(
        "Nightly – 部署",
        &[
            ("permissions", "read"),
            ("permissions", "write"),
            ("environment", "live"),
        ],
    );
    fields.push(("token", &sent));
    let made = browser.post(NEW, &fields).expect(200);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let key = shown(&made);
    assert!(key.starts_with("torvus_sk_live_") && key.len() == 64);
    assert!(made.body.contains(">Copy</button>") && made.body.contains("I have saved it"));
    assert!(made.body.contains("Authorization: Bearer $TORVUS_API_KEY"));
    let client = app.client(&key);
    client.get("/v1/account").expect(200);
    client
        .post("/v1/vaults", &json!({ "name": "one" }))
        .expect(201);
    client
        .delete("/v1/vaults/vault_01h455vb4pex5vsknk084sn02q")
        .expect(403);

    // A reload sends the form again: no second key, and nothing shown.
    let again = browser.post(NEW, &fields).expect(409);
    assert!(!again.body.contains("torvus_sk_") && !again.body.contains(&key[20..60]));
    let listed = app.admin(&["key", "list", "--account", &holder.id]);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    let id = listed["data"][0]["id"].as_str().unwrap();

    let hint = format!("torvus_sk_live_{}…{}", &key[15..19], &key[60..]);
    for path in [
        LIST.to_owned(),
        page_of(id),
        format!("{LIST}?q={}", &key[15..19]),
    ] {
        let page = browser.get(&path).expect(200);
        assert!(
            page.body.contains(&hint) && page.body.contains("Nightly – 部署"),
            "{path}"
        );
        assert!(!page.body.contains(&key[15..60]), "{path}");
    }
    // One that looks for a key by all of it is led to its hint.
    let led = browser.get(&format!("{LIST}?q={key}")).expect(303);
    assert!(!led.header("location").unwrap().contains(&key[15..60]));
    let found = browser.get(led.header("location").unwrap()).expect(200);
    assert!(found.body.contains(&page_of(id)));

    let trail = app.trail(&["--key", id]);
    assert_eq!(trail.len(), 1);
    assert_eq!(
        trail[0]["actor"],
        json!(format!("account:{}", holder.email))
    );
    assert!(!app.log().contains(&key[15..60]));
}

fn what_is_wrong_stands_beside_its_field(database: Database) {
    let app = TestApp::start(database);
    let browser = app.signed_in(&on_plan(&app, "enterprise"));
    let wrong = |fields: &[(&str, &str)], error: &str, text: &str| {
        let page = browser.fill(NEW, NEW, fields).expect(422);
        let (_, message) = page
            .body
            .split_once(&format!("id=\"{error}-error\">"))
            .expect(error);
        let message = message.split_once('<').unwrap().0;
        assert!(message.contains(text), "{error}: {message}");
        page
    };
    let long = "x".repeat(101);
    wrong(&form(&long, READ_TEST), "name", "too long");
    wrong(&form("  ", READ_TEST), "name", "needed");
    wrong(
        &form("a", &[("environment", "test")]),
        "permissions",
        "at least one",
    );
    wrong(
        &form("a", &[("permissions", "read")]),
        "environment",
        "live or test",
    );
    for (ip, text) in [
        ("10.0.0.300", "no address"),
        ("10.0.0.1/8", "did you mean 10.0.0.0/8?"),
    ] {
        let fields = [READ_TEST, &[("allowed_ips", ip), ("limit", "7")]].concat();
        let page = wrong(&form("Kept \"as\" typed", &fields), "allowed_ips", text);
        // What was typed is still there, and nothing was made.
        assert!(
            page.body.contains("value=\"Kept &#34;as&#34; typed\""),
            "{}",
            page.body
        );
        assert!(
            page.body.contains(&format!(">\n{ip}</textarea>")) && page.body.contains("value=\"7\"")
        );
        assert!(
            page.body
                .contains("id=\"may-read\" name=\"permissions\" value=\"read\" checked")
        );
    }
    for custom in ["", "soon", "2020-01-01", "0d"] {
        let fields = [
            READ_TEST,
            &[("expiration", "custom"), ("expires_on", custom)],
        ]
        .concat();
        let mut fields = form("a", &fields);
        fields.remove(1);
        wrong(&fields, "expires", "");
    }
    for (limit, text) in [
        ("many", "whole number"),
        ("0", "whole number"),
        ("100001", "100000"),
    ] {
        wrong(
            &form("a", &[READ_TEST, &[("limit", limit)]].concat()),
            "limit",
            text,
        );
    }
    assert!(browser.get(LIST).expect(200).body.contains("No keys yet"));
}

fn ends_and_addresses_are_as_they_were_chosen(database: Database) {
    let app = TestApp::start(database);
    let browser = app.signed_in(&on_plan(&app, "enterprise"));
    let made = |expiration: &str, on: &str| {
        let fields = [
            ("name", "k"),
            ("permissions", "delete"),
            ("environment", "test"),
            ("expiration", expiration),
            ("expires_on", on),
            ("allowed_ips", "203.0.113.5, 198.51.100.0/24\n2001:db8::/32"),
            ("limit", "1,234"),
        ];
        let page = browser.fill(NEW, NEW, &fields).expect(200);
        let link = page.body.split(&format!("{LIST}/key_")).nth(1).unwrap();
        app.admin(&[
            "key",
            "show",
            &format!("key_{}", link.split('"').next().unwrap()),
        ])
    };
    let days = |key: &serde_json::Value| {
        let at = |field: &str| {
            key[field]
                .as_str()
                .unwrap()
                .parse::<chrono::DateTime<chrono::Utc>>()
                .unwrap()
        };
        (at("expires_at") - at("created_at")).num_days()
    };
    let key = made("90d", "");
    assert_eq!(days(&key), 90);
    assert_eq!(
        key["allowed_ips"],
        json!(["203.0.113.5", "198.51.100.0/24", "2001:db8::/32"])
    );
    assert_eq!(
        (&key["limit"], &key["permissions"]),
        (&json!(1_234), &json!(["delete"]))
    );
    assert_eq!(days(&made("1y", "")), 365);
    assert!(made("never", "")["expires_at"].is_null());
    assert_eq!(days(&made("custom", "45d")), 45);
    assert_eq!(
        made("custom", "2099-12-31")["expires_at"],
        json!("2100-01-01T00:00:00Z")
    );

    // A plan without lists says so before, and takes none.
    let browser = app.signed_in(&on_plan(&app, "professional"));
    let page = browser.get(NEW).expect(200);
    assert!(
        page.body.contains("has no IP whitelist")
            && page
                .body
                .contains("autocomplete=\"off\" aria-describedby=\"allowed_ips-hint\" disabled")
    );
    assert!(page.body.contains("Up to 1,000 requests an hour"));
    let fields = [READ_TEST, &[("allowed_ips", "203.0.113.5")]].concat();
    let page = browser.fill(NEW, NEW, &form("a", &fields)).expect(422);
    assert!(page.body.contains("id=\"allowed_ips-error\""));
}

fn a_key_is_edited(database: Database) {
    let app = TestApp::start(database);
    let holder = on_plan(&app, "enterprise");
    let browser = app.signed_in(&holder);
    let (id, key) = generate(&browser, "before", READ_TEST);
    let client = app.client(&key);
    client
        .post("/v1/vaults", &json!({ "name": "x" }))
        .expect(403);
    let (page, edit) = (page_of(&id), format!("{}/edit", page_of(&id)));
    let shown = browser.get(&edit).expect(200);
    assert!(
        shown.body.contains("value=\"before\"") && shown.body.contains("value=\"read\" checked")
    );
    let fields = [
        ("name", "after"),
        ("permissions", "read"),
        ("permissions", "write"),
        ("expiration", "keep"),
        ("allowed_ips", "127.0.0.0/8"),
        ("limit", "9"),
        ("reason", "it grew"),
    ];
    let led = browser.fill(&edit, &edit, &fields).expect(303);
    let seen = browser.get(led.header("location").unwrap()).expect(200);
    assert!(
        seen.body.contains("<h1>after</h1>") && seen.body.contains("It holds on every server.")
    );
    assert!(
        seen.body.contains("Permissions: read → read, write")
            && seen.body.contains("Reason: it grew")
    );
    client
        .post("/v1/vaults", &json!({ "name": "x" }))
        .expect(201);
    let stored = app.admin(&["key", "show", &id]);
    assert_eq!(
        (&stored["limit"], &stored["allowed_ips"]),
        (&json!(9), &json!(["127.0.0.0/8"]))
    );
    // The same once more is no change.
    let led = browser.fill(&edit, &edit, &fields).expect(303);
    assert_eq!(
        led.header("location"),
        Some(format!("{page}?done=same").as_str())
    );
    let refused = browser
        .fill(&edit, &edit, &[("name", ""), ("expiration", "keep")])
        .expect(422);
    assert!(
        refused.body.contains("id=\"name-error\"")
            && refused.body.contains("id=\"permissions-error\"")
    );
    // A list that a lowered plan left may be shortened, not made longer.
    app.admin(&["account", "set-plan", &holder.id, "free"]);
    let wider = [
        fields[0],
        fields[1],
        fields[3],
        ("allowed_ips", "127.0.0.0/8, 10.0.0.1"),
    ];
    let refused = browser.fill(&edit, &edit, &wider).expect(422);
    assert!(refused.body.contains("id=\"allowed_ips-error\""));
    let none = [fields[0], fields[1], fields[3], ("allowed_ips", "")];
    browser.fill(&edit, &edit, &none).expect(303);
}

fn a_rotation_leaves_a_grace(database: Database) {
    let app = TestApp::start(database);
    let browser = app.signed_in(&app.holder());
    let (id, first) = generate(&browser, "rotated", READ_LIVE);
    let (page, rotate) = (page_of(&id), format!("{}/rotate", page_of(&id)));
    for word in ["Now", "In 1 hour", "In 24 hours", "In 3 days", "In 7 days"] {
        assert!(
            browser
                .get(&rotate)
                .expect(200)
                .body
                .contains(&format!(">{word}")),
            "{word}"
        );
    }
    browser
        .fill(&rotate, &rotate, &[("grace", "9d")])
        .expect(422);
    let made = browser
        .fill(&rotate, &rotate, &[("grace", "1h")])
        .expect(200);
    let second = shown(&made);
    assert!(second != first && made.body.contains("Works until"));
    app.client(&second).get("/v1/account").expect(200);
    let old = app.client(&first).get("/v1/account").expect(200);
    assert!(old.header("sunset").is_some());
    // A third while two work is refused, in words.
    let refused = browser
        .fill(&rotate, &rotate, &[("grace", "0")])
        .expect(422);
    assert!(refused.body.contains("role=\"alert\""));
    wait_until(SOON, "the use of the old secret is shown", || {
        browser
            .get(&page)
            .body
            .contains("The old secret is still used")
    });
    let seen = browser.get(&page).expect(200);
    assert!(seen.body.contains(">In grace</span>") && seen.body.contains(">Current</span>"));
    assert!(seen.body.contains("127.0.0.1"));
    let grace = format!("{page}/grace");
    assert!(browser.get(&grace).expect(200).body.contains("still used"));
    browser.fill(&grace, &grace, &[("end", "2h")]).expect(422);
    browser.fill(&grace, &grace, &[("end", "now")]).expect(303);
    assert_eq!(
        app.client(&first).get("/v1/account").expect(401).body,
        BODY_401
    );
    app.client(&second).get("/v1/account").expect(200);
    // Now at once: what was there ends with it.
    let third = shown(
        &browser
            .fill(&rotate, &rotate, &[("grace", "0")])
            .expect(200),
    );
    app.client(&second).get("/v1/account").expect(401);
    app.client(&third).get("/v1/account").expect(200);
    browser.get(&grace).expect(303);
}

fn a_revoke_is_meant_and_final(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let browser = app.signed_in(&holder);
    let (unused, _) = generate(&browser, "unused", READ_LIVE);
    let revoke = format!("{}/revoke", page_of(&unused));
    assert!(
        !browser
            .get(&revoke)
            .expect(200)
            .body
            .contains("Confirm key name")
    );

    let name = "Live & <b>kicking</b>";
    let (id, key) = generate(&browser, name, READ_LIVE);
    app.client(&key).get("/v1/account").expect(200);
    let (page, revoke) = (page_of(&id), format!("{}/revoke", page_of(&id)));
    wait_until(SOON, "the use is known", || {
        browser
            .get(&revoke)
            .body
            .contains("Confirm key name</label>")
    });
    let asked = browser.get(&revoke).expect(200);
    assert!(asked.body.contains(">Revoke key</button>") && asked.body.contains("Just now"));
    assert!(
        browser
            .get(&page)
            .expect(200)
            .body
            .contains("<dialog id=\"revoke-dialog\"")
    );
    for typed in ["", "live & <b>kicking</b>", "another"] {
        let fields = [("confirm", typed), ("reason", "kept \"as\" typed")];
        let refused = browser.fill(&revoke, &revoke, &fields).expect(422);
        assert!(refused.body.contains("id=\"confirm-error\""));
        assert!(refused.body.contains("kept &#34;as&#34; typed"));
    }
    app.client(&key).get("/v1/account").expect(200);
    let fields = [("confirm", name), ("reason", "it leaked")];
    let led = browser.fill(&revoke, &revoke, &fields).expect(303);
    assert_eq!(
        app.client(&key).get("/v1/account").expect(401).body,
        BODY_401
    );
    let seen = browser.get(led.header("location").unwrap()).expect(200);
    assert!(seen.body.contains("Revoked everywhere") && seen.body.contains("Reason: it leaked"));
    for button in [">Edit</button>", ">Rotate</button>", ">Revoke</button>"] {
        assert!(!seen.body.contains(button), "{button}");
    }
    // It is said only of what is so.
    let (alive, _) = generate(&browser, "alive", READ_TEST);
    let seen = browser
        .get(&format!("{}?done=revoked", page_of(&alive)))
        .expect(200);
    assert!(!seen.body.contains("Revoked everywhere"));
    for action in ["edit", "rotate", "revoke", "grace"] {
        browser.get(&format!("{page}/{action}")).expect(303);
    }
}

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

fn many_keys_are_paged_whole(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let lines: Vec<String> = (0..1_050)
        .map(|n| {
            json!({
            "name": format!("Bulk {n:04}"), "environment": if n % 2 == 0 { "live" } else { "test" },
            "permissions": ["read"], "digest": format!("{n:064x}"),
        }).to_string()
        })
        .collect();
    let file = app.scratch().join("keys.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    app.admin(&[
        "key",
        "import",
        "--account",
        &holder.id,
        file.to_str().unwrap(),
    ]);
    let browser = app.signed_in(&holder);
    let names = |body: &str| -> Vec<String> {
        let cells = body.split("<th scope=\"row\"").skip(1);
        cells
            .map(|cell| {
                let (_, rest) = cell.split_once("Bulk ").unwrap();
                rest[..4].to_owned()
            })
            .collect()
    };
    let link = |body: &str, rel: &str| {
        let (_, rest) = body.split_once(&format!("rel=\"{rel}\" href=\""))?;
        Some(
            rest.split('"')
                .next()
                .unwrap()
                .replace("&amp;", "&")
                .replace("&#38;", "&"),
        )
    };
    for order in [
        "",
        "?sort=name&order=asc",
        "?sort=name&order=desc",
        "?sort=last-used&order=desc",
        "?sort=expires&order=asc",
    ] {
        let (mut all, mut path, mut pages) = (Vec::new(), format!("{LIST}{order}"), Vec::new());
        loop {
            let body = browser.get(&path).expect(200).body;
            all.extend(names(&body));
            pages.push(names(&body));
            match link(&body, "next") {
                Some(next) => path = next,
                None => break,
            }
        }
        let mut sorted = all.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!((all.len(), sorted.len()), (1_050, 1_050), "{order}");
        if order.contains("name") {
            let wanted: Vec<String> = if order.contains("asc") {
                sorted
            } else {
                sorted.into_iter().rev().collect()
            };
            assert_eq!(all, wanted);
        }
        // And back to the beginning.
        let mut body = browser.get(&path).expect(200).body;
        for before in pages.iter().rev().skip(1) {
            body = browser
                .get(&link(&body, "prev").expect("a page before"))
                .expect(200)
                .body;
            assert_eq!(&names(&body), before, "{order}");
        }
        assert!(link(&body, "prev").is_none());
    }
    let found = browser
        .get(&format!("{LIST}?q=bulk+0999&environment=test"))
        .expect(200);
    assert_eq!(names(&found.body), ["0999"]);
    assert!(
        browser
            .get(&format!("{LIST}?q=bulk+0999&environment=live"))
            .expect(200)
            .body
            .contains("No key is like that")
    );
}

on_both!(
    a_key_is_shown_once_and_works,
    what_is_wrong_stands_beside_its_field,
    ends_and_addresses_are_as_they_were_chosen,
    a_key_is_edited,
    a_rotation_leaves_a_grace,
    a_revoke_is_meant_and_final,
    usage_is_what_was_used,
    another_accounts_keys_are_nowhere,
    hostile_names_are_shown_as_they_are,
    many_keys_are_paged_whole,
);
