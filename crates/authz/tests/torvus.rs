//! The shipped table: the 18 routes of the public contract, section 4, and nothing besides.

#![expect(
    clippy::panic,
    reason = "helpers outside of #[test] functions too; a panic is how a test fails"
)]

use torvus_authz::{RouteMatch, RouteTable};
use torvus_domain::{Permission, PermissionSet, Refusal};

/// Written out by hand, so that a change of the table has to be made twice.
const ROUTES: [(&str, &str, &str, &str); 18] = [
    ("GET", "/v1/account", "any", "get_account"),
    ("GET", "/v1/vaults", "read", "list_vaults"),
    ("GET", "/v1/vaults/:id", "read", "get_vault"),
    ("GET", "/v1/vaults/:id/documents", "read", "list_documents"),
    (
        "GET",
        "/v1/vaults/:id/recipients",
        "read",
        "list_recipients",
    ),
    ("GET", "/v1/vaults/:id/policies", "read", "list_policies"),
    ("GET", "/v1/check-ins", "read", "list_check_ins"),
    ("POST", "/v1/vaults", "write", "create_vault"),
    ("PUT", "/v1/vaults/:id", "write", "replace_vault"),
    ("PATCH", "/v1/vaults/:id", "write", "update_vault"),
    (
        "POST",
        "/v1/vaults/:id/documents",
        "write",
        "create_document",
    ),
    (
        "POST",
        "/v1/vaults/:id/recipients",
        "write",
        "create_recipient",
    ),
    ("POST", "/v1/vaults/:id/policies", "write", "create_policy"),
    ("POST", "/v1/check-ins", "write", "create_check_in"),
    ("DELETE", "/v1/vaults/:id", "delete", "delete_vault"),
    (
        "DELETE",
        "/v1/vaults/:id/documents/:id",
        "delete",
        "delete_document",
    ),
    (
        "DELETE",
        "/v1/vaults/:id/recipients/:id",
        "delete",
        "delete_recipient",
    ),
    (
        "DELETE",
        "/v1/vaults/:id/policies/:id",
        "delete",
        "delete_policy",
    ),
];

/// All subsets of the permissions; the empty one is no set.
fn permission_sets() -> Vec<PermissionSet> {
    (0_u8..8)
        .filter_map(|bits| {
            let chosen = (0..).zip(Permission::ALL);
            PermissionSet::new(
                chosen
                    .filter(|(bit, _)| bits >> bit & 1 == 1)
                    .map(|(_, p)| p),
            )
        })
        .collect()
}

fn allow(path: &str, method: &str) -> String {
    match RouteTable::torvus().find(method, path) {
        RouteMatch::WrongMethod { allow } => allow,
        other => panic!("{method} {path}: {other:?}"),
    }
}

#[test]
fn the_table_is_the_contracts() {
    let table = RouteTable::torvus();
    let found: Vec<_> = table
        .routes()
        .iter()
        .map(|route| {
            let permission = route.permission.map_or("any", Permission::as_str);
            (
                &*route.method,
                &*route.pattern,
                permission,
                &*route.operation,
            )
        })
        .collect();
    assert_eq!(found, ROUTES);
    assert!(
        table
            .routes()
            .iter()
            .enumerate()
            .all(|(place, route)| route.id == place)
    );
}

#[test]
fn each_route_is_found_with_its_parameters() {
    let table = RouteTable::torvus();
    for (place, (method, pattern, ..)) in ROUTES.into_iter().enumerate() {
        let path = pattern
            .replacen(":id", "first", 1)
            .replacen(":id", "second", 1);
        let RouteMatch::Found { route, params } = table.find(method, &path) else {
            panic!("{method} {path} is not found");
        };
        assert_eq!(route.id, place);
        let count = pattern.matches(":id").count();
        assert_eq!(params, ["first", "second"][..count]);
    }
}

#[test]
fn each_route_needs_exactly_its_permission() {
    assert_eq!(permission_sets().len(), 7);
    for route in RouteTable::torvus().routes() {
        for set in permission_sets() {
            let expected = match route.permission {
                Some(needed) if !set.contains(needed) => Err(Refusal::MissingPermission(needed)),
                _ => Ok(()),
            };
            assert_eq!(
                route.permits(set),
                expected,
                "{} with {set}",
                route.operation
            );
        }
    }
}

#[test]
fn head_is_matched_as_get() {
    let table = RouteTable::torvus();
    for (_, pattern, ..) in ROUTES.into_iter().filter(|route| route.0 == "GET") {
        let path = pattern.replace(":id", "x");
        assert_eq!(table.find("HEAD", &path), table.find("GET", &path));
    }
    assert_eq!(allow("/v1/vaults/x/policies/y", "HEAD"), "DELETE");
}

#[test]
fn another_method_is_told_which_ones_there_are() {
    for method in [
        "OPTIONS", "TRACE", "CONNECT", "get", "Get", "GET ", "", "PURGE",
    ] {
        assert_eq!(allow("/v1/account", method), "GET, HEAD");
        assert_eq!(allow("/v1/vaults", method), "GET, HEAD, POST");
        assert_eq!(allow("/v1/check-ins", method), "GET, HEAD, POST");
        assert_eq!(
            allow("/v1/vaults/x", method),
            "DELETE, GET, HEAD, PATCH, PUT"
        );
        for kind in ["documents", "recipients", "policies"] {
            assert_eq!(
                allow(&format!("/v1/vaults/x/{kind}"), method),
                "GET, HEAD, POST"
            );
            assert_eq!(allow(&format!("/v1/vaults/x/{kind}/y"), method), "DELETE");
        }
    }
}

#[test]
fn other_spellings_are_not_found() {
    let table = RouteTable::torvus();
    for path in [
        "",
        "/",
        "*",
        "v1/vaults",
        "/v1",
        "/v1/",
        "/v2/vaults",
        "//v1/vaults",
        "/v1//vaults",
        "/v1/vaults/",
        "/v1/vaults//",
        "/v1/vaults/x/",
        "/v1/vaults//documents",
        "/v1/./vaults",
        "/v1/../v1/vaults",
        "/v1/vaults/.",
        "/v1/vaults/..",
        "/v1/vaults/x/../y",
        "/v1/vaults/x/documents/..",
        "/V1/vaults",
        "/v1/Vaults",
        "/v1/VAULTS/x",
        "/v1/%76aults",
        "/v1/vaults%2fx",
        "/v1/vaults/%2e%2e",
        "/v1/vaults/x%2fdocuments",
        "/v1/vaults/x%00",
        "/v1/vaults/x\0",
        "/v1/vaults/x;a=b",
        "/v1/vaults;x",
        "/v1/vaults/x\\y",
        "/v1\\vaults",
        "/v1/vaults ",
        " /v1/vaults",
        "/v1/vaults?limit=1",
        "/v1/vaults#x",
        "/v1/vaults/\u{e9}",
        "/v1/vaults/x y",
        "/v1/vaults/x\r\n",
        "/v1/vaults/x/secrets",
        "/v1/vaults/x/documents/y/z",
        "/v1/account/x",
        "/v1/accounts",
        "/v1/check-ins/x",
        "/v1/check_ins",
        "/v1/vaultsx",
        "/v1/vaults/{id}/documents/",
        "/v1/vaults/%",
        "http://localhost/v1/vaults",
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
            assert_eq!(
                table.find(method, path),
                RouteMatch::NotFound,
                "{method} {path:?}"
            );
        }
    }
}

#[test]
fn a_parameter_is_handed_over_as_it_was_sent() {
    let table = RouteTable::torvus();
    let RouteMatch::Found { params, .. } = table.find("GET", "/v1/vaults/VAULT_a.b~c-1") else {
        panic!("not found");
    };
    assert_eq!(params, ["VAULT_a.b~c-1"]);
}
