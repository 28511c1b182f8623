//! A key is generated, shown once, and works.

use serde_json::json;
use torvus_e2e::{Database, TestApp, on_both, token};

use crate::{LIST, NEW, READ_LIVE, READ_TEST, form, generate, on_plan, page_of, shown};

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

fn the_password_is_asked_for_again_before_a_live_key(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let browser = app.signed_in(&holder);
    let (id, _) = generate(&browser, "before", READ_LIVE);
    app.sql("UPDATE sessions SET confirmed_at = confirmed_at - 900000000");
    // A test key opens nothing that is real.
    generate(&browser, "test", READ_TEST);
    let fields = [READ_LIVE, &[("allowed_ips", ""), ("limit", "12")]].concat();
    let led = browser
        .fill(NEW, NEW, &form("Käse & Brot", &fields))
        .expect(303);
    let confirm = led.header("location").unwrap().to_owned();
    assert!(confirm.starts_with("/confirm?next="), "{confirm}");
    let page = browser.get(&confirm).expect(200);
    let (_, next) = page.body.split_once("name=\"next\" value=\"").unwrap();
    let next = next
        .split('"')
        .next()
        .unwrap()
        .replace("&amp;", "&")
        .replace("&#38;", "&");
    let fields = [
        ("token", &*token(&page, "/confirm")),
        ("password", &*holder.password),
        ("next", &*next),
    ];
    let back = browser.post("/confirm", &fields).expect(303);
    // All that was typed is there again.
    let page = browser.get(back.header("location").unwrap()).expect(200);
    assert!(page.body.contains("value=\"Käse &#38; Brot\"") && page.body.contains("value=\"12\""));
    assert!(
        page.body.contains("value=\"live\" checked")
            && page.body.contains("value=\"read\" checked")
    );
    generate(&browser, "now", READ_LIVE);
    app.sql("UPDATE sessions SET confirmed_at = confirmed_at - 900000000");
    let rotate = format!("{}/rotate", page_of(&id));
    let led = browser.get(&rotate).expect(303);
    assert!(
        led.header("location")
            .unwrap()
            .starts_with("/confirm?next=")
    );
    assert_eq!(app.trail(&["--key", &id]).len(), 1);
}

on_both!(
    a_key_is_shown_once_and_works,
    what_is_wrong_stands_beside_its_field,
    ends_and_addresses_are_as_they_were_chosen,
    the_password_is_asked_for_again_before_a_live_key,
);
