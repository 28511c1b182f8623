//! What is kept: vaults and what they hold, check-ins, lists, and sending twice.

use serde_json::{Value, json};
use torvus_e2e::{Answer, Client, Database, TestApp, on_both};

const NO_ID: &str = "01h2xcejqtf2nbrexx3vqjhp41";

fn start(database: Database) -> (TestApp, Client) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("enterprise"), "live", "read,write,delete");
    let client = app.client(&key.token);
    (app, client)
}

#[track_caller]
fn assert_id_and_times(thing: &Value, prefix: &str) {
    let id = thing["id"].as_str().unwrap();
    assert!(
        id.starts_with(prefix) && id.len() == prefix.len() + 26,
        "{id}"
    );
    for field in ["created_at", "updated_at"] {
        let time = thing[field].as_str().unwrap();
        assert!(
            time.starts_with("20") && time.ends_with('Z'),
            "{field}: {time}"
        );
    }
}

fn the_account_is_shown(database: Database) {
    let app = TestApp::start(database);
    let account = app.account("professional");
    let client = app.client(&app.key(&account, "live", "delete").token);
    let shown = client.get("/v1/account").expect(200).json();
    let email = shown["email"].as_str().unwrap();
    assert!(email.ends_with("@example.com"));
    let expected = json!({
        "account_id": account, "email": email, "plan": "professional", "api_version": "v1",
    });
    assert_eq!(shown, expected);
}

fn a_vault_lives_and_ends(database: Database) {
    let (_app, client) = start(database);
    let made = client
        .post(
            "/v1/vaults",
            &json!({ "name": "Führerschein 🚗", "description": "old" }),
        )
        .expect(201);
    let vault = made.json();
    assert_id_and_times(&vault, "vault_");
    let path = format!("/v1/vaults/{}", vault["id"].as_str().unwrap());
    assert_eq!(made.header("location"), Some(path.as_str()));
    assert_eq!(client.get(&path).expect(200).json(), vault);

    // PATCH changes what is named; null clears what may be empty.
    let patched = client
        .patch(&path, &json!({ "description": "new" }))
        .expect(200)
        .json();
    assert_eq!(
        (&patched["name"], &patched["description"]),
        (&vault["name"], &json!("new"))
    );
    assert_eq!(patched["created_at"], vault["created_at"]);
    client.patch(&path, &json!({})).expect(200);
    client
        .patch(&path, &json!({ "name": null }))
        .expect_error(422, "invalid_request");
    let cleared = client
        .patch(&path, &json!({ "description": null }))
        .expect(200)
        .json();
    assert_ne!(cleared["description"], "new");

    // PUT replaces the whole.
    client
        .patch(&path, &json!({ "description": "again" }))
        .expect(200);
    let replaced = client
        .put(&path, &json!({ "name": "plain" }))
        .expect(200)
        .json();
    assert_eq!(replaced["name"], "plain");
    assert_eq!(replaced["description"], cleared["description"]);
    assert_eq!(replaced["id"], vault["id"]);
    client
        .put(&path, &json!({ "description": "x" }))
        .expect_error(422, "invalid_request");

    let gone = client.delete(&path).expect(204);
    assert_eq!(gone.body, "");
    for method in ["GET", "DELETE"] {
        client
            .call(method, &path, None)
            .expect_error(404, "not_found");
    }
    client
        .patch(&path, &json!({ "name": "x" }))
        .expect_error(404, "not_found");
    client
        .put(&path, &json!({ "name": "x" }))
        .expect_error(404, "not_found");
}

fn what_a_vault_holds_goes_with_it(database: Database) {
    let (_app, client) = start(database);
    let vault = client.vault("v");
    for (kind, prefix, body, shown) in [
        (
            "documents",
            "doc_",
            json!({ "name": "d", "content": "aGVsbG8=" }),
            json!({ "size": 5 }),
        ),
        (
            "recipients",
            "rcp_",
            json!({ "name": "r", "email": "r@example.com" }),
            json!({ "email": "r@example.com" }),
        ),
        (
            "policies",
            "pol_",
            json!({ "name": "p" }),
            json!({ "kind": "inactivity" }),
        ),
        (
            "policies",
            "pol_",
            json!({ "name": "q", "kind": "scheduled", "settings": { "days": [1] } }),
            json!({ "kind": "scheduled", "settings": { "days": [1] } }),
        ),
    ] {
        let path = format!("/v1/vaults/{vault}/{kind}");
        let made = client.post(&path, &body).expect(201);
        assert_id_and_times(&made.json(), prefix);
        let id = made.text("id");
        let location = made.header("location").unwrap();
        assert_eq!(location, format!("{path}/{id}"));
        let listed = client.get(&path).expect(200).json()["data"][0].clone();
        assert_eq!(listed["id"], id);
        for (field, value) in shown.as_object().unwrap() {
            assert_eq!(&listed[field], value, "{kind}");
        }
    }
    let list = client.get(&format!("/v1/vaults/{vault}/documents")).json();
    let document = &list["data"][0];
    assert!(document.get("content").is_none(), "lists give no content");
    assert_eq!(document["content_type"], "application/octet-stream");
    assert_eq!(
        document["sha256"],
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );

    client.delete(&format!("/v1/vaults/{vault}")).expect(204);
    let gone = format!("/v1/vaults/{vault}/documents");
    client.get(&gone).expect_error(404, "not_found");
    client
        .post(&gone, &json!({ "name": "d" }))
        .expect_error(404, "not_found");
    client
        .delete(&format!("{gone}/{}", document["id"].as_str().unwrap()))
        .expect(404);
}

fn fields_have_bounds(database: Database) {
    let (_app, client) = start(database);
    let vault = client.vault("v");
    let inside = |kind: &str| format!("/v1/vaults/{vault}/{kind}");
    let long = |count: usize| "ü".repeat(count);
    let mebibyte = |extra: usize| {
        // Three bytes make four characters.
        let whole = (1024 * 1024 + extra).div_ceil(3);
        let padding = whole * 3 - (1024 * 1024 + extra);
        format!("{}{}", "A".repeat(whole * 4 - padding), "=".repeat(padding))
    };

    let vaults = "/v1/vaults".to_owned();
    for (path, body, field) in [
        (&vaults, json!({ "name": long(201) }), "name"),
        (
            &vaults,
            json!({ "name": "n", "description": long(2001) }),
            "description",
        ),
        (
            &vaults,
            json!({ "name": "n", "description": 1 }),
            "description",
        ),
        (&vaults, json!({ "name": "n", "id": "vault_x" }), "id"),
        (
            &inside("documents"),
            json!({ "name": "d", "content": "no base64!" }),
            "content",
        ),
        (
            &inside("documents"),
            json!({ "name": "d", "content": mebibyte(1) }),
            "content",
        ),
        (
            &inside("recipients"),
            json!({ "name": "r", "email": "nobody" }),
            "email",
        ),
        (
            &inside("policies"),
            json!({ "name": "p", "kind": "whenever" }),
            "kind",
        ),
        (
            &inside("policies"),
            json!({ "name": "p", "settings": [1] }),
            "settings",
        ),
        (&"/v1/check-ins".to_owned(), json!({ "note": 1 }), "note"),
    ] {
        let refused = client
            .post(path, &body)
            .expect_error(422, "invalid_request");
        assert_eq!(refused.text("field"), field, "{path}");
    }
    client
        .post(
            &vaults,
            &json!({ "name": long(200), "description": long(2000) }),
        )
        .expect(201);
    client
        .post(
            &inside("documents"),
            &json!({ "name": "d", "content": mebibyte(0) }),
        )
        .expect(201);
    client.post("/v1/check-ins", &json!({})).expect(201);
    let list = json!([]);
    assert!(matches!(client.post(&vaults, &list).status, 400 | 422));
}

fn what_is_not_there_is_not_found(database: Database) {
    let (_app, client) = start(database);
    let vault = client.vault("v");
    for path in [
        format!("/v1/vaults/vault_{NO_ID}"),
        "/v1/vaults/nonsense".to_owned(),
        format!("/v1/vaults/key_{NO_ID}"),
        format!("/v1/vaults/{vault}%20"),
        format!("/v1/vaults/vault_{NO_ID}/documents"),
        format!("/v1/vaults/vault_{NO_ID}/policies"),
    ] {
        client.get(&path).expect_error(404, "not_found");
    }
    for kind in ["documents/doc", "recipients/rcp", "policies/pol"] {
        client
            .delete(&format!("/v1/vaults/{vault}/{kind}_{NO_ID}"))
            .expect_error(404, "not_found");
    }
    client
        .delete(&format!("/v1/vaults/{vault}/documents/nonsense"))
        .expect_error(404, "not_found");
}

fn a_list_is_read_page_by_page(database: Database) {
    let (_app, client) = start(database);
    let vault = client.vault("first");
    for (path, make) in [
        ("/v1/vaults".to_owned(), "name"),
        ("/v1/check-ins".to_owned(), "note"),
        (format!("/v1/vaults/{vault}/documents"), "name"),
        (format!("/v1/vaults/{vault}/recipients"), "name"),
        (format!("/v1/vaults/{vault}/policies"), "name"),
    ] {
        let mut made: Vec<String> = (0..24)
            .map(|index| {
                let body = json!({ make: format!("n {index}") });
                client.post(&path, &body).expect(201).text("id")
            })
            .collect();
        if path == "/v1/vaults" {
            made.insert(0, vault.clone());
        }
        made.reverse();

        let first = client.get(&path).expect(200).json();
        assert_eq!(first["data"].as_array().unwrap().len(), 20, "{path}");
        let all = client.get(&format!("{path}?limit=100")).expect(200).json();
        assert_eq!(all["next_cursor"], Value::Null);

        let mut read = Vec::new();
        let mut next = format!("{path}?limit=7");
        loop {
            let page = client.get(&next).expect(200).json();
            let ids = page["data"].as_array().unwrap().iter();
            read.extend(ids.map(|thing| thing["id"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else {
                break;
            };
            next = format!("{path}?limit=7&cursor={cursor}");
        }
        assert_eq!(read, made, "{path}: newest first, each once");
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=-1",
        "limit=",
        "cursor=x",
        "cursor=%00",
    ] {
        let refused = client.get(&format!("/v1/vaults?{query}"));
        assert!(matches!(refused.status, 400 | 422), "{query}: {refused:?}");
        assert_eq!(refused.text("error"), "invalid_request");
    }
}

#[track_caller]
fn post_once(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    let request = client.request("POST", path);
    client.send(request.header("Idempotency-Key", key).json(body))
}

fn what_is_sent_twice_is_made_once(database: Database) {
    let (app, client) = start(database);
    let body = json!({ "name": "once" });
    let first = post_once(&client, "/v1/vaults", "a", &body).expect(201);
    let again = post_once(&client, "/v1/vaults", "a", &body).expect(201);
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));

    let other = json!({ "name": "other" });
    post_once(&client, "/v1/vaults", "a", &other).expect_error(422, "invalid_request");
    post_once(&client, "/v1/check-ins", "a", &json!({})).expect_error(422, "invalid_request");
    post_once(&client, "/v1/vaults", "b", &body).expect(201);
    assert_eq!(
        client.get("/v1/vaults").json()["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    // Another account's key of the same name is another key.
    let stranger = app.client(&app.key(&app.account("enterprise"), "live", "write").token);
    let theirs = post_once(&stranger, "/v1/vaults", "a", &body).expect(201);
    assert_ne!(theirs.body, first.body);
    for bad in ["", "a b", &"x".repeat(256)] {
        let refused = post_once(&client, "/v1/vaults", bad, &body);
        assert!(matches!(refused.status, 400 | 422), "{bad:?}: {refused:?}");
    }
}

fn one_of_many_at_once_is_made(database: Database) {
    let (_app, client) = start(database);
    let body = json!({ "name": "once" });
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| post_once(&client, "/v1/vaults", "same", &body)))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(answers.iter().any(|answer| answer.status == 201));
    for answer in &answers {
        assert!(matches!(answer.status, 201 | 409), "{answer:?}");
    }
    assert_eq!(
        client.get("/v1/vaults").json()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

on_both!(
    the_account_is_shown,
    a_vault_lives_and_ends,
    what_a_vault_holds_goes_with_it,
    fields_have_bounds,
    what_is_not_there_is_not_found,
    a_list_is_read_page_by_page,
    what_is_sent_twice_is_made_once,
    one_of_many_at_once_is_made,
);
