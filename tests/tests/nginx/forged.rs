//! Headers that a client invents.

use crate::site::{IDENTITY, Site, lines};

#[test]
fn a_forged_identity_reaches_nobody() {
    let site = Site::start();
    let key = site.key("read", &[]);
    let spellings = |name: &str| {
        [
            name.to_owned(),
            name.to_lowercase(),
            name.to_uppercase(),
            name.replace('-', "_"),
            name.replace('-', "_").to_lowercase(),
            name.replace('-', "."),
            name.replace("Torvus-", "Torvus_"),
            name.replacen('-', "_", 1),
            name.replace("Torvus-", "Torvus."),
            format!("{name}_"),
            format!("_{name}"),
        ]
    };
    let forged: Vec<String> = IDENTITY.into_iter().flat_map(spellings).collect();
    // One by one, so that no refusal of one hides another; then all at once.
    let mut tries: Vec<Vec<String>> = forged
        .iter()
        .map(|name| vec![format!("{name}: forged")])
        .collect();
    tries.push(tries.concat());
    tries.push(vec![
        "Connection: X-Torvus-Key-Id, X-Torvus-Plan".to_owned(),
    ]);
    for headers in tries {
        let before = site.api.count();
        let answer = site.raw("GET", "/orders/1", &key, &headers);
        assert_eq!(answer.status, 200, "{headers:?}");
        assert_eq!(site.api.count(), before + 1);
        let seen = site.api.last();
        assert_eq!(seen.alike("X-Torvus-Key-Id"), [&key.id], "{headers:?}");
        assert_eq!(seen.alike("X-Torvus-Permissions"), ["read"], "{headers:?}");
        for name in IDENTITY {
            assert_eq!(seen.alike(name).len(), 1, "{name} after {headers:?}");
        }
        let values = seen.headers.iter().map(|(_, value)| value);
        assert!(values.clone().all(|value| value != "forged"), "{seen:?}");
    }
    // A name with a blank is refused, whoever might take it for one without.
    let odd = site.raw(
        "GET",
        "/orders/1",
        &key,
        &lines(&[("X-Torvus-Plan ", "forged")]),
    );
    assert_eq!(odd.status, 400);
}

#[test]
fn forged_forwarding_headers_are_worth_nothing() {
    let site = Site::start();
    let reader = site.key("read", &[]);
    let methods = [
        "X-Forwarded-Method",
        "X-Original-Method",
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X_Original_Method",
        "X.Original.Method",
    ];
    let uris = [
        "X-Forwarded-Uri",
        "X-Original-URI",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Forwarded-Prefix",
        "X_Original_URI",
        "X.Original.URI",
    ];
    // Claiming to be less does not help with what is more.
    for (method, target) in [
        ("DELETE", "/orders/1"),
        ("GET", "/admin"),
        ("POST", "/orders"),
    ] {
        for (method_header, uri_header) in methods.into_iter().zip(uris) {
            let claim = lines(&[(method_header, "GET"), (uri_header, "/orders/1")]);
            let answer = site.raw(method, target, &reader, &claim);
            assert_eq!(answer.status, 403, "{method} {target} {claim:?}");
            let record = site.record();
            assert_eq!(record["method"], method);
            assert_eq!(record["path"], target);
            assert_eq!(record["outcome"], "missing_permission");
        }
    }
    assert_eq!(site.api.count(), 0);
    // Nor does the API get to hear of it, with what is allowed.
    for (method_header, uri_header) in methods.into_iter().zip(uris) {
        let claim = lines(&[(method_header, "DELETE"), (uri_header, "/admin")]);
        assert_eq!(site.raw("GET", "/orders/1", &reader, &claim).status, 200);
        let seen = site.api.last();
        assert_eq!((&*seen.method, &*seen.target), ("GET", "/orders/1"));
        for name in methods.into_iter().chain(uris) {
            assert_eq!(seen.alike(name), [""; 0], "{name}");
        }
        assert_eq!(site.record()["path"], "/orders/1");
    }
    let hops = lines(&[
        ("X-Forwarded-For", "203.0.113.7"),
        ("X-Real-IP", "203.0.113.7"),
        ("Forwarded", "for=203.0.113.7"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
    ]);
    assert_eq!(site.raw("GET", "/orders/1", &reader, &hops).status, 200);
    let seen = site.api.last();
    for (name, value) in [
        ("X-Forwarded-For", &["127.0.0.1"][..]),
        ("X-Real-IP", &["127.0.0.1"]),
        ("Forwarded", &[]),
        ("Host", &["api.example"]),
        ("X-Forwarded-Host", &["api.example"]),
        ("X-Forwarded-Proto", &["http"]),
    ] {
        assert_eq!(seen.alike(name), value, "{name}");
    }
    assert_eq!(site.record()["ip"], "127.0.0.1");
}
