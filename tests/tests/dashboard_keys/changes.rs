//! A key is edited, rotated and revoked.

use serde_json::json;
use torvus_e2e::{BODY_401, Database, TestApp, on_both, token, wait_until};

use crate::{READ_LIVE, READ_TEST, SOON, generate, on_plan, page_of, shown};

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

/// A form that was open while the key was narrowed does not widen it unasked.
fn an_old_form_undoes_no_change(database: Database) {
    let app = TestApp::start(database);
    let browser = app.signed_in(&on_plan(&app, "enterprise"));
    let fields = [READ_TEST, &[("permissions", "write")]].concat();
    let (id, _) = generate(&browser, "shared", &fields);
    let edit = format!("{}/edit", page_of(&id));
    let seen = |page: &str| {
        let (_, rest) = page.split_once("name=\"seen\" value=\"").expect("a digest");
        rest.split('"').next().unwrap().to_owned()
    };
    let old = browser.get(&edit).expect(200);
    app.admin(&[
        "key",
        "update",
        &id,
        "--permissions",
        "read",
        "--allow-ip",
        "127.0.0.1",
    ]);
    let send = |page: &str, sent: &str| {
        let seen = seen(page);
        let fields = [
            ("token", sent),
            ("seen", seen.as_str()),
            ("name", "renamed"),
            ("permissions", "read"),
            ("permissions", "write"),
            ("expiration", "keep"),
            ("allowed_ips", ""),
        ];
        browser.post(&edit, &fields)
    };
    let refused = send(&old.body, &token(&old, &edit)).expect(409);
    let kept = app.admin(&["key", "show", &id]);
    assert_eq!(
        (&kept["permissions"], &kept["allowed_ips"], &kept["name"]),
        (&json!(["read"]), &json!(["127.0.0.1"]), &json!("shared"))
    );
    // What it is now is said, and what was typed is still there.
    for text in [
        "It is now: shared. Permissions: Read.",
        "127.0.0.1",
        "value=\"renamed\"",
    ] {
        assert!(refused.body.contains(text), "{text}");
    }
    assert!(refused.body.contains("value=\"write\" checked"));
    // Whoever has seen that may still want it.
    send(&refused.body, &token(&refused, &edit)).expect(303);
    assert_eq!(app.admin(&["key", "show", &id])["name"], json!("renamed"));
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
    // Why the old one is refused can be asked of it alone.
    let ask = |more: &str| {
        let path = format!("{page}/explain?method=GET&path=/v1/account{more}");
        browser.get(&path).expect(200).body
    };
    assert!(ask("").contains("It would be let in."));
    assert!(ask("&secret=2").contains("It would be let in."));
    let told = ask("&secret=1");
    assert!(told.contains("It would be refused: expired key."), "{told}");
    assert!(told.contains("<option value=\"1\" selected>Secret 1, ended</option>"));
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

on_both!(
    a_key_is_edited,
    an_old_form_undoes_no_change,
    a_rotation_leaves_a_grace,
    a_revoke_is_meant_and_final,
);
