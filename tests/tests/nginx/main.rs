//! Torvus behind the real nginx, with the sample that `docs/proxies/nginx.md` tells its reader to copy, in front
//! of a real API.

mod forged;
mod paths;
mod site;

use rustix::process::{Pid, Signal, kill_process};
use torvus_e2e::{BODY_401, BODY_429, BODY_503, Key, random_like};

use crate::site::{IDENTITY, Site, lines};

#[test]
fn a_good_key_passes_and_the_api_is_told_who_is_asking() {
    let site = Site::start();
    let key = site.key("read,write", &[]);
    let client = site.client(&key);
    let sent = client
        .request("POST", "/orders?from=%2Fa&x=1")
        .header("X-Request-Id", "mine-17")
        .header("User-Agent", "shop/1.0")
        .header("Cookie", "a=b")
        .body("{\"n\": 17}");
    let answer = client.send(sent).expect(200);

    let seen = site.api.last();
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.target, "/orders?from=%2Fa&x=1");
    assert_eq!(seen.body, "{\"n\": 17}");
    let shown = site.app.admin(&["key", "show", &key.id]);
    let name = shown["name"].as_str().unwrap().replace(' ', "%20");
    let true_values = [
        &site.account,
        &key.id,
        &name,
        "live",
        "enterprise",
        "read,write",
    ];
    for (header, value) in IDENTITY.into_iter().zip(true_values) {
        assert_eq!(seen.alike(header), [value], "{header}");
    }
    let id = answer.header("x-request-id").unwrap();
    assert!(id.starts_with("req_"), "{id}");
    assert_eq!(seen.alike("X-Request-Id"), [id]);
    assert_eq!(seen.alike("X-Forwarded-For"), ["127.0.0.1"]);
    assert_eq!(seen.alike("X-Forwarded-Proto"), ["http"]);
    assert_eq!(seen.alike("Cookie"), ["a=b"]);
    assert_eq!(seen.alike("Authorization"), [""; 0], "the key stays here");
    assert_eq!(seen.alike("Connection"), [""; 0], "it is kept open");

    // The client gets the limit with the API's answer.
    assert_eq!(answer.header("x-ratelimit-limit"), Some("10000"));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("9999"));
    assert!(answer.header("x-ratelimit-reset").is_some());
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some("\"key\";q=10000;w=3600")
    );
    assert!(
        answer
            .header("ratelimit")
            .unwrap()
            .starts_with("\"key\";r=")
    );
    for absent in ["retry-after", "www-authenticate", "x-torvus-key-id"] {
        assert_eq!(answer.header(absent), None, "{absent}");
    }

    // What Torvus was sent: the question without the body, and nothing else of the client's.
    let passed = site.wire.passed();
    let question = passed.first().unwrap();
    assert_eq!(question.first_line, "GET /auth/forward HTTP/1.1");
    assert_eq!(
        question.header_names(),
        [
            "authorization",
            "host",
            "user-agent",
            "x-forwarded-for",
            "x-original-method",
            "x-original-uri",
            "x-request-id",
        ]
    );
    let record = site.record();
    for (field, value) in [
        ("method", "POST"),
        ("path", "/orders"),
        ("route", "/orders"),
        ("ip", "127.0.0.1"),
        ("outcome", "ok"),
        ("user_agent", "shop/1.0"),
        ("client_request_id", "mine-17"),
        ("request_id", id),
    ] {
        assert_eq!(record[field], value, "{field}: {record}");
    }

    // Other methods, and a body of unknown length.
    client.call("HEAD", "/orders/1", None).expect(200);
    assert_eq!(site.api.last().method, "HEAD");
    let chunked = lines(&[("Transfer-Encoding", "chunked")]);
    let mut request = format!(
        "POST /orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{}\r\n\r\n",
        key.token, chunked[0]
    );
    request.push_str("5\r\nhello\r\n0\r\n\r\n");
    let answer = site.nginx.raw().send(request.as_bytes()).unwrap();
    assert_eq!((answer.status, site.api.last().body), (200, "hello".into()));
    for question in site.wire.passed() {
        if question.status().is_none() {
            assert_eq!(question.header("content-length"), None);
            assert_eq!(question.header("transfer-encoding"), None);
        }
    }
}

#[test]
fn bad_keys_and_bad_addresses_stay_out() {
    let site = Site::start();
    let (revoked, expired) = (
        site.key("read", &[]),
        site.key("read", &["--expires", "1s"]),
    );
    site.app.admin(&["key", "revoke", &revoked.id]);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let unknown = random_like("live");
    let invalid = r#"Bearer realm="torvus", error="invalid_token""#;
    for (token, challenge) in [
        (None, r#"Bearer realm="torvus""#),
        (Some("nonsense"), invalid),
        (Some(&*unknown), invalid),
        (Some(&*revoked.token), invalid),
        (Some(&*expired.token), invalid),
    ] {
        // A name that ends like a file's does not make the answer one.
        for path in ["/orders/1", "/files/a.html", "/nothing"] {
            let answer = site.nginx.client(token).get(path);
            assert_eq!(answer.status, 401, "{token:?} {path}");
            assert_eq!(answer.body, BODY_401);
            assert_eq!(answer.header("www-authenticate"), Some(challenge));
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert!(answer.header("x-request-id").unwrap().starts_with("req_"));
            assert_eq!(answer.header("x-ratelimit-limit"), None);
        }
    }
    let reader = site.key("read", &[]);
    let twice = lines(&[("Authorization", "Bearer x")]);
    assert_eq!(site.raw("GET", "/orders/1", &reader, &twice).status, 400);

    // Neither permission nor route.
    let client = site.client(&reader);
    let answer = client.delete("/orders/1").expect_403();
    assert_eq!(
        answer.header("www-authenticate"),
        Some(r#"Bearer realm="torvus", error="insufficient_scope", scope="delete""#)
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-ratelimit-limit"), Some("10000"));
    for path in ["/", "/nothing", "/v1/account", "/files/", "/auth/forward"] {
        let answer = client.get(path).expect_403();
        assert_eq!(answer.header("www-authenticate"), None, "{path}");
    }

    // The address is that of whoever calls nginx.
    let bound = site.key("read", &["--allow-ip", "127.0.0.2"]);
    let get = |ip: &str, forged: &str| {
        let client = site.nginx.client_from(ip, Some(&bound.token));
        let request = client.request("GET", "/orders/1");
        let forging = ["X-Forwarded-For", "X-Real-IP", "Client-IP"]
            .iter()
            .fold(request, |request, name| request.header(*name, forged));
        client.send(forging.header("Forwarded", format!("for={forged}")))
    };
    for ip in ["127.0.0.1", "127.0.0.3"] {
        for forged in ["127.0.0.2", "127.0.0.2, 127.0.0.1", "unknown"] {
            let answer = get(ip, forged).expect_403();
            assert_eq!(answer.header("x-ratelimit-limit"), None);
            let record = site.record();
            assert_eq!(record["ip"], ip);
            assert_eq!(record["outcome"], "ip_not_allowed");
        }
    }
    assert_eq!(site.api.count(), 0, "{:?}", site.api.seen());
    get("127.0.0.2", "127.0.0.9").expect(200);
    assert_eq!(site.api.last().alike("X-Forwarded-For"), ["127.0.0.2"]);
    assert_eq!(site.record()["ip"], "127.0.0.2");
}

#[test]
fn a_limit_that_is_used_up_is_429_with_its_headers() {
    let site = Site::start();
    let client = site.client(&site.key("read", &["--limit", "2"]));
    for left in ["1", "0"] {
        let answer = client.get("/orders/1").expect(200);
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(left));
    }
    for method in ["GET", "POST", "DELETE"] {
        let answer = client.call(method, "/orders/1", None).expect(429);
        assert_eq!(answer.body, BODY_429);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("x-ratelimit-limit"), Some("2"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some("0"));
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1_700..=1_800).contains(&wait), "{wait}");
        let reset: u64 = answer.header("x-ratelimit-reset").unwrap().parse().unwrap();
        assert!(reset > 1_700_000_000, "{reset}");
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some("\"key\";q=2;w=3600")
        );
        let state = format!("\"key\";r=0;t={wait}");
        assert_eq!(answer.header("ratelimit"), Some(&*state));
        assert!(answer.header("x-request-id").unwrap().starts_with("req_"));
        assert_eq!(answer.header("www-authenticate"), None);
    }
    assert_eq!(site.api.count(), 2);
}

#[test]
fn without_a_decision_nothing_passes() {
    let mut site = Site::start();
    let client = site.client(&site.key("read", &[]));
    client.get("/orders/1").expect(200);
    let unavailable = |path: &str| {
        let answer = client.get(path).expect(503);
        assert_eq!(answer.body, BODY_503);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    };
    let blocked = site.app.block_records();
    unavailable("/orders/1");
    drop(blocked);
    client.get("/orders/2").expect(200);
    // What is no HTTP to Torvus is the client's fault.
    let key = site.key("read", &[]);
    let odd = site.raw(
        "GET",
        "/orders/1",
        &key,
        &lines(&[("User-Agent", "a\u{1}b")]),
    );
    odd.expect_error(400, "invalid_request");
    // One that does not answer is not waited for.
    let torvus = Pid::from_raw(site.app.pid().cast_signed()).unwrap();
    kill_process(torvus, Signal::STOP).unwrap();
    unavailable("/orders/3");
    kill_process(torvus, Signal::CONT).unwrap();
    site.app.kill();
    unavailable("/orders/3");
    unavailable("/files/a.html");
    assert_eq!(site.api.count(), 2);
}

#[test]
fn what_the_api_answers_is_left_alone() {
    let site = Site::start();
    let client = site.client(&site.key("read", &[]));
    for status in [400, 401, 403, 404, 429, 500, 503] {
        let request = client.request("GET", "/orders/1");
        let answer = client.send(request.header("Answer", status.to_string()));
        assert_eq!(answer.status, status);
        assert_eq!(answer.json()["target"], "/orders/1", "its body");
        assert_eq!(answer.header("retry-after"), Some("77"));
        assert_eq!(answer.header("www-authenticate"), Some("Own"));
        // Not two of these, but ours.
        assert_eq!(answer.header("x-ratelimit-limit"), Some("10000"));
        for name in ["x-ratelimit-remaining", "x-ratelimit-reset"] {
            assert_ne!(answer.header(name).unwrap(), "7", "{name}");
        }
        for name in ["ratelimit-policy", "ratelimit"] {
            assert!(
                answer.header(name).unwrap().starts_with("\"key\";"),
                "{name}"
            );
        }
        assert!(answer.header("x-request-id").unwrap().starts_with("req_"));
    }
}

#[test]
fn whoever_shows_a_replaced_secret_is_told_so() {
    let site = Site::start();
    let key = site.key("read", &[]);
    let made = site.app.admin(&["key", "rotate", &key.id]);
    let old = site.client(&key).get("/orders/1").expect(200);
    let replaced = old.header("deprecation").unwrap();
    assert!(replaced.starts_with('@'), "{old:?}");
    assert!(old.header("sunset").unwrap().ends_with(" GMT"), "{old:?}");
    site.client(&key).get("/admin").expect_403();
    let new = Key {
        token: made["api_key"].as_str().unwrap().to_owned(),
        ..key
    };
    let answer = site.client(&new).get("/orders/1").expect(200);
    for name in ["deprecation", "sunset"] {
        assert_eq!(answer.header(name), None, "{answer:?}");
    }
}
