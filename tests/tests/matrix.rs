//! Every route against every set of permissions, live against test, own against foreign.

use serde_json::json;
use torvus_e2e::routes::{ALL, ROUTES, SETS, Things, body};
use torvus_e2e::{Answer, Client, Database, TestApp, on_both, random_like};

fn call(client: &Client, method: &str, path: &str) -> Answer {
    client.call(method, path, body(method, path).as_ref())
}

fn each_route_needs_its_permission(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    for environment in ["live", "test"] {
        let owner = app.client(&app.key(&account, environment, ALL).token);
        for set in SETS {
            let client = app.client(&app.key(&account, environment, set).token);
            let things = Things::make(&owner);
            for (method, pattern, permission, status) in ROUTES {
                let allowed = permission == "any" || set.split(',').any(|held| held == permission);
                let path = things.path(pattern);
                let answer = call(&client, method, &path);
                let what = format!("{method} {pattern} with {set}: {answer:?}");
                if allowed {
                    assert_eq!(answer.status, status, "{what}");
                } else {
                    let answer = answer.expect_403();
                    let challenge = answer.header("www-authenticate").expect(&what);
                    assert!(
                        challenge.contains(&format!("scope=\"{permission}\"")),
                        "{what}"
                    );
                }
                if method == "GET" {
                    let head = client.call("HEAD", &path, None);
                    assert_eq!(
                        head.status,
                        if allowed { status } else { 403 },
                        "HEAD: {what}"
                    );
                    assert_eq!(head.body, "");
                }
            }
        }
    }
}

fn no_permission_is_no_key(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    let create = [
        "key",
        "create",
        "--account",
        &account,
        "--name",
        "n",
        "--environment",
        "live",
    ];
    let run = app.admin_run(&[create.as_slice(), &["--permissions", ""]].concat());
    assert!(matches!(run.code, 2 | 4), "{run:?}");

    let things = Things::make(&app.client(&app.key(&account, "live", ALL).token));
    let unknown = app.client(&random_like("live"));
    for (method, pattern, _, _) in ROUTES {
        let path = things.path(pattern);
        call(&app.anonymous(), method, &path).expect_401();
        call(&unknown, method, &path).expect_401();
    }
}

fn a_foreign_vault_is_forbidden_and_the_other_environment_is_not_there(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("enterprise");
    let live = app.client(&app.key(&account, "live", ALL).token);
    let test = app.client(&app.key(&account, "test", ALL).token);
    let stranger = app.account("enterprise");
    let strangers = [
        app.client(&app.key(&stranger, "live", ALL).token),
        app.client(&app.key(&stranger, "test", ALL).token),
    ];

    for (owner, other) in [(&live, &test), (&test, &live)] {
        let things = Things::make(owner);
        for (method, pattern, _, _) in ROUTES.iter().filter(|route| route.1.contains("/V")) {
            let path = things.path(pattern);
            for stranger in &strangers {
                let refused = call(stranger, method, &path).expect_403();
                let challenge = refused.header("www-authenticate").unwrap_or_default();
                assert!(!challenge.contains("insufficient_scope"), "{refused:?}");
            }
            call(other, method, &path).expect_error(404, "not_found");
        }
        // None of the refused calls changed anything.
        let shown = owner
            .get(&format!("/v1/vaults/{}", things.vault))
            .expect(200);
        assert_eq!(shown.text("name"), "a vault");
        for kind in ["documents", "recipients", "policies"] {
            let list = owner
                .get(&format!("/v1/vaults/{}/{kind}", things.vault))
                .json();
            assert_eq!(list["data"].as_array().unwrap().len(), 1, "{kind}");
        }
        owner
            .delete(&format!("/v1/vaults/{}", things.vault))
            .expect(204);
    }
}

fn lists_hold_only_what_is_ones_own(database: Database) {
    let app = TestApp::start(database);
    let (first, second) = (app.account("enterprise"), app.account("enterprise"));
    let clients: Vec<Client> = [
        (&first, "live"),
        (&first, "test"),
        (&second, "live"),
        (&second, "test"),
    ]
    .into_iter()
    .map(|(account, environment)| app.client(&app.key(account, environment, ALL).token))
    .collect();
    for (index, client) in clients.iter().enumerate() {
        client.vault(&format!("vault {index}"));
        client
            .post("/v1/check-ins", &json!({ "note": format!("note {index}") }))
            .expect(201);
    }
    for (index, client) in clients.iter().enumerate() {
        let vaults = client.get("/v1/vaults").json();
        assert_eq!(vaults["data"].as_array().unwrap().len(), 1);
        assert_eq!(vaults["data"][0]["name"], format!("vault {index}"));
        let check_ins = client.get("/v1/check-ins").json();
        assert_eq!(check_ins["data"].as_array().unwrap().len(), 1);
        assert_eq!(check_ins["data"][0]["note"], format!("note {index}"));
    }
}

fn things_stay_in_their_vault(database: Database) {
    let app = TestApp::start(database);
    let client = app.client(&app.key(&app.account("enterprise"), "live", ALL).token);
    let (here, there) = (Things::make(&client), Things::make(&client));
    for (kind, id) in [
        ("documents", &there.document),
        ("recipients", &there.recipient),
        ("policies", &there.policy),
    ] {
        client
            .delete(&format!("/v1/vaults/{}/{kind}/{id}", here.vault))
            .expect_error(404, "not_found");
        client
            .delete(&format!("/v1/vaults/{}/{kind}/{id}", there.vault))
            .expect(204);
    }
}

on_both!(
    each_route_needs_its_permission,
    no_permission_is_no_key,
    a_foreign_vault_is_forbidden_and_the_other_environment_is_not_there,
    lists_hold_only_what_is_ones_own,
    things_stay_in_their_vault,
);
