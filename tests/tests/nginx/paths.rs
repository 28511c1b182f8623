//! Spellings of paths, and what is behind them.

use crate::site::Site;

/// What an API that reads paths in the laxest way could take a target for.
fn laxest(target: &str) -> String {
    let decoded = |text: &str| {
        let mut out = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, tail @ ..] = rest {
            let escape = tail.get(..2).filter(|_| *first == b'%');
            let byte =
                escape.and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
            out.push(byte.unwrap_or(*first));
            rest = if byte.is_some() { &tail[2..] } else { tail };
        }
        String::from_utf8_lossy(&out).into_owned()
    };
    let before_query = target.split('?').next().unwrap();
    let twice = decoded(&decoded(before_query)).replace('\\', "/");
    let path = twice.split(['?', '#', '\0']).next().unwrap();
    let mut folders: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment.split(';').next().unwrap().trim() {
            "" | "." => {}
            ".." => drop(folders.pop()),
            name => folders.push(name),
        }
    }
    format!("/{}", folders.join("/").to_ascii_lowercase())
}

#[test]
fn the_laxest_reading_finds_the_other_path() {
    for target in [
        "/orders/../admin",
        "/files/%252e%252e/admin",
        "/files/..;x/..%5cADMIN",
        "//admin/?x",
        "/admin%23",
    ] {
        assert_eq!(laxest(target), "/admin", "{target}");
    }
    assert_eq!(laxest("/orders/1?/../../admin"), "/orders/1");
}

#[test]
fn another_spelling_of_a_path_is_not_another_path_behind() {
    let site = Site::start();
    let reader = site.key("read", &[]);
    // One reading: it passes, and the API gets what was decided on, to the byte.
    for (target, route) in [
        ("/orders/1", "/orders/:id"),
        ("/orders/a%20b%C3%A9", "/orders/:id"),
        ("/orders/1?next=/../admin;x=%2e%2e//", "/orders/:id"),
        ("/orders/...", "/orders/:id"),
        ("/files/a/b.html?", "/files/*path"),
        ("/files/~x/a:b@c,d=e", "/files/*path"),
    ] {
        let answer = site.raw("GET", target, &reader, &[]);
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(site.api.last().target, target);
        let record = site.record();
        assert_eq!(record["route"], route);
        assert_eq!(record["path"], target.split('?').next().unwrap());
    }
    // More than one: nobody but nginx and Torvus hears of it.
    let before = site.api.count();
    for target in [
        "/orders/../admin",
        "/orders/1/../../admin",
        "/files/../admin",
        "/files/%2e%2e/admin",
        "/files/.%2E/admin",
        "/files/%252e%252e/admin",
        "/files/..%2fadmin",
        "/files/..;/admin",
        "/files/..%5cadmin",
        "/files/..\\admin",
        "/files/./a",
        "//admin",
        "//orders/1",
        "/orders//1",
        "/./orders/1",
        "/orders/1;admin",
        "/orders;x/1",
        "/orders/1%3badmin",
        "/orders%2f1",
        "/orders/1#/../admin",
        "/orders/1%23",
        "/orders/1%3f",
        "/orders/1%00",
        "/orders/1%0d%0aX-Torvus-Plan:x",
        "/orders/1/",
        "/ORDERS/1",
        "/%6frders/1",
        "/admin",
        "/admin/",
        "/admin%20",
        "/%61dmin",
        "http://api.example/admin",
        "http://api.example/orders/../admin",
        "http://api.example//orders/1",
        "*",
        "orders/1",
        "/orders/é",
    ] {
        let status = site.raw("GET", target, &reader, &[]).status;
        assert!([400, 403].contains(&status), "{target}: {status}");
        assert_eq!(site.api.count(), before, "{target} reached the API");
    }
    // All that can be put together: what passes is no way to /admin, however the API reads it.
    let mut passed = 0;
    for start in ["", "/orders", "/orders/1", "/files", "/files/a"] {
        for mark in [
            "/", "//", "/./", "%2f", "%2F", "%5c", "\\", ";/", "%3b/", "?", "%3f", "#", "%23",
            "%09/",
        ] {
            for up in [
                "",
                "../",
                "../../",
                "%2e%2e/",
                "%2e%2e%2f",
                ".%2e/",
                "%252e%252e/",
                "..;/",
                "..%2f..%2f",
                "...//",
                "..\\",
                "%c0%ae%c0%ae/",
                "%u002e./",
            ] {
                let target = format!("{start}{mark}{up}admin");
                let before = site.api.count();
                let status = site.raw("GET", &target, &reader, &[]).status;
                if site.api.count() == before {
                    assert!([400, 403, 404].contains(&status), "{target}: {status}");
                    continue;
                }
                assert_eq!(site.api.last().target, target);
                assert_ne!(laxest(&target), "/admin", "{target}");
                passed += 1;
            }
        }
    }
    assert!(
        passed > 10,
        "the reader's own paths are among them: {passed}"
    );
}

#[test]
fn the_address_of_the_sub_request_is_nobodys_way_in() {
    let site = Site::start();
    let reader = site.key("read,write,delete", &[]);
    // nginx takes all of these for the location of the sub-request, which is not for clients.
    for target in [
        "/_torvus",
        "/_torvus?x=y",
        "/%5ftorvus",
        "//_torvus",
        "/./_torvus",
        "/orders/../_torvus",
        "/%2e/_torvus",
        "/_torvus#x",
    ] {
        for method in ["GET", "POST"] {
            let answer = site.raw(method, target, &reader, &[]);
            assert_eq!(answer.status, 404, "{method} {target}");
        }
    }
    assert_eq!(site.asked(), 0, "Torvus was not even asked");
    // These are paths of the API like any other.
    for target in [
        "/_torvus/",
        "/_TORVUS",
        "/_torvus%20",
        "/auth/forward",
        "/auth/envoy/orders/1",
        "/@torvus_401",
    ] {
        assert_eq!(
            site.raw("GET", target, &reader, &[]).status,
            403,
            "{target}"
        );
        assert_eq!(site.record()["path"], target);
    }
    assert_eq!(site.api.count(), 0);
}
