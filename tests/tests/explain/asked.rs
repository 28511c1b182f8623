//! Requests of all kinds, by keys of all kinds.

use torvus_e2e::{Dice, Key, TestApp};

/// One plan shares its budget, and has so little of it that it is used up.
pub(crate) const PLANS: &str = "[plans.shared]\nlive_requests_per_hour = 40\n\
    test_requests_per_hour = 90\nlimit_scope = \"account\"\nip_allowlist = true\n\
    [plans.wide]\nlive_requests_per_hour = 1000000\ntest_requests_per_hour = 1000000\nip_allowlist = true\n";

const LISTS: [&[&str]; 6] = [
    &[],
    &[],
    &[],
    &["--allow-ip", "203.0.113.0/24"],
    &["--allow-ip", "198.51.100.7", "--allow-ip", "2001:db8::/32"],
    &["--allow-ip", "203.0.113.5", "--allow-ip", "192.0.2.0/31"],
];
const ENDS: [&str; 8] = ["never", "90d", "1y", "never", "90d", "1y", "1s", "15s"];
const PERMISSIONS: [&str; 9] = [
    "read,write,delete",
    "read,write,delete",
    "read",
    "write",
    "delete",
    "read,write",
    "read,delete",
    "write,delete",
    "read,write,delete",
];
const ADDRESSES: [&str; 7] = [
    "203.0.113.5",
    "203.0.113.77",
    "198.51.100.7",
    "192.0.2.1",
    "192.0.2.2",
    "2001:db8::7",
    "::ffff:203.0.113.5",
];
const METHODS: [&str; 15] = [
    "GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "PATCH", "DELETE",
    "OPTIONS", "get", "PROPFIND",
];
const PATHS: [&str; 26] = [
    "/v1/vaults",
    "/v1/check-ins",
    "/v1/account",
    "/v1/account",
    "/v1/vaults",
    "/v1/vaults",
    "/v1/vaults?limit=3",
    "/v1/vaults/vault_01kb3wcvygf0xv0h0h0h0h0h0h",
    "/v1/vaults/x",
    "/v1/vaults/x/documents",
    "/v1/vaults/x/recipients",
    "/v1/vaults/x/policies",
    "/v1/vaults/x/documents/y",
    "/v1/vaults/x/recipients/y",
    "/v1/vaults/x/policies/y?z=/v1/nothing",
    "/v1/check-ins",
    "/v1",
    "/v1/",
    "/v1/nothing",
    "/v1/Vaults",
    "/v1/vaults/",
    "/v1//vaults",
    "/v1/vaults/%2e",
    "/v1/vaults/x%20y",
    "/v1/vaults/x/documents/y/z",
    "/v1/check-ins;a",
];
/// What is not below `/v1`, and so needs no key.
pub(crate) const OUTSIDE: [&str; 5] = ["/", "/V1/vaults", "//v1/vaults", "/v1x", "/nothing"];

/// A request that may be asked about and made.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: &'static str,
    /// With its query.
    pub(crate) uri: &'static str,
    pub(crate) ip: &'static str,
}

impl Asked {
    pub(crate) fn any(dice: &mut Dice) -> Self {
        Self {
            method: dice.pick::<&str>(&METHODS),
            uri: dice.pick::<&str>(&PATHS),
            ip: dice.pick::<&str>(&ADDRESSES),
        }
    }

    pub(crate) fn path(&self) -> &'static str {
        self.uri.split('?').next().unwrap()
    }

    /// The request as it goes over the wire; a proxy tells where it comes from.
    pub(crate) fn bytes(&self, token: &str) -> Vec<u8> {
        let Self { method, uri, ip } = self;
        let body = match *method {
            "POST" | "PUT" | "PATCH" => "{\"name\":\"n\"}",
            _ => "",
        };
        format!(
            "{method} {uri} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             X-Forwarded-For: {ip}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

/// A key, and whether its limit is so low that it is used up.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) key: Key,
    pub(crate) account: String,
    pub(crate) limited: bool,
}

/// That many keys of one new account.
pub(crate) fn keys(app: &TestApp, dice: &mut Dice, plan: &str, count: usize) -> Vec<Held> {
    let account = app.account(plan);
    let make = |_| {
        let limits: [&[&str]; 4] = [&[], &[], &["--limit", "3"], &["--limit", "12"]];
        let limit = *dice.pick(&limits);
        let mut more = vec!["--expires", *dice.pick(&ENDS)];
        more.extend(limit);
        more.extend(*dice.pick(&LISTS));
        let environment = *dice.pick(&["live", "live", "test"]);
        let key = app.key_with(
            &account,
            environment,
            dice.pick::<&str>(&PERMISSIONS),
            &more,
        );
        Held {
            key,
            account: account.clone(),
            limited: plan == "shared" || !limit.is_empty(),
        }
    };
    (0..count).map(make).collect()
}
