//! Tables that are refused, and why.

#![expect(
    clippy::expect_used,
    reason = "helpers outside of #[test] functions too; a panic is how a test fails"
)]

use torvus_authz::{RouteMatch, RouteTable, TableError};

fn route(operation: &str, method: &str, path: &str, permission: &str) -> String {
    format!(
        "[[route]]\noperation = {operation:?}\nmethod = {method:?}\npath = {path:?}\npermission = {permission:?}\n"
    )
}

fn refused(table: &str) -> TableError {
    RouteTable::parse(table).expect_err(table)
}

fn conflict(first: &str, second: &str) -> TableError {
    TableError::Conflict {
        first: first.to_owned(),
        second: second.to_owned(),
    }
}

#[test]
fn conflicting_routes_are_refused() {
    let first = route("a", "GET", "/x/:id", "read");
    for path in ["/x/:id", "/x/:name"] {
        let second = route("b", "GET", path, "write");
        assert_eq!(refused(&format!("{first}{second}")), conflict("a", "b"));
    }
    // Another method, but the audit log would know one path by two names.
    let renamed = route("b", "PUT", "/x/:name", "write");
    assert_eq!(refused(&format!("{first}{renamed}")), conflict("a", "b"));
    // The same operation twice would leave a handler in doubt.
    let twice = route("a", "GET", "/y", "read");
    assert_eq!(
        refused(&format!("{first}{twice}")),
        TableError::DuplicateOperation("a".to_owned())
    );
}

#[test]
fn a_fixed_segment_wins_over_a_parameter() {
    let table = [
        route("one", "GET", "/x/:id", "delete"),
        route("all", "GET", "/x/all", "read"),
        route("put", "PUT", "/x/:id", "write"),
    ];
    let table = RouteTable::parse(&table.concat()).unwrap();
    let operation = |path| match table.find("GET", path) {
        RouteMatch::Found { route, .. } => route.operation.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(operation("/x/all"), "all");
    assert_eq!(operation("/x/al"), "one");
    assert_eq!(operation("/x/alle"), "one");
    // The path that was matched decides, whatever the method.
    let allow = "GET, HEAD".to_owned();
    assert_eq!(
        table.find("PUT", "/x/all"),
        RouteMatch::WrongMethod { allow }
    );
}

#[test]
fn an_operation_without_a_name_is_called_by_what_it_answers() {
    let table = "[[route]]\nmethod = \"GET\"\npath = \"/x/:id\"\npermission = \"read\"\n";
    let table = RouteTable::parse(table).unwrap();
    assert_eq!(table.routes()[0].operation, "GET /x/:id");
}

#[test]
fn the_rest_of_a_path_takes_what_no_other_route_takes() {
    let table = [
        route("files", "GET", "/files/*path", "read"),
        route("index", "GET", "/files/index", "any"),
        route("all", "DELETE", "/*all", "delete"),
    ];
    let table = RouteTable::parse(&table.concat()).unwrap();
    let found = |method, path| match table.find(method, path) {
        RouteMatch::Found { route, params } => format!("{} {params:?}", route.operation),
        other => format!("{other:?}"),
    };
    assert_eq!(
        found("GET", "/files/a/b%20c.txt"),
        r#"files ["a/b%20c.txt"]"#
    );
    assert_eq!(found("GET", "/files/index"), "index []");
    assert_eq!(found("DELETE", "/a/b"), r#"all ["a/b"]"#);
    for path in [
        "/files/",
        "/files/a//b",
        "/files/../x",
        "/files/a/",
        "/files/%2e%2e",
        "/",
    ] {
        assert_eq!(found("GET", path).split_once(' '), None, "{path}");
    }
    let clash = [
        route("a", "GET", "/x/*rest", "read"),
        route("b", "GET", "/x/:id", "read"),
    ];
    assert!(matches!(
        refused(&clash.concat()),
        TableError::Conflict { .. }
    ));
}

#[test]
fn words_that_mean_nothing_are_refused() {
    for method in ["get", "HEAD", "OPTIONS", "TRACE", "*", ""] {
        let error = refused(&route("a", method, "/x", "any"));
        assert!(matches!(error, TableError::Method { .. }), "{error}");
    }
    for permission in ["", "admin", "Read", "read,write", "none"] {
        let error = refused(&route("a", "GET", "/x", permission));
        assert!(matches!(error, TableError::Permission { .. }), "{error}");
    }
    for path in [
        "", "x", "/x/", "//", "/x//y", "/:", "/*", "/{x}", "/x/..", "/x?y", "/%41",
    ] {
        let error = refused(&route("a", "GET", path, "any"));
        assert!(matches!(error, TableError::Path { .. }), "{error}");
    }
    for operation in ["", "Get", "get-x", "1x", "_x"] {
        let error = refused(&route(operation, "GET", "/x", "any"));
        assert!(matches!(error, TableError::Operation(_)), "{error}");
    }
}

#[test]
fn text_that_is_no_table_is_refused_in_one_line() {
    assert_eq!(refused(""), TableError::Empty);
    let known = route("a", "GET", "/x", "any");
    for text in [
        "route = 1",
        "[[routes]]",
        "[[route]]\noperation = \"a\"",
        "[[route]]\nmethod = \"GET\"\npath = \"/x\"",
        "\n\nnonsense",
        &format!("{known}scope = \"x\"\n"),
        &format!("{known}method = \"PUT\"\n"),
        &format!("version = 1\n{known}"),
    ] {
        let error = refused(text);
        assert!(matches!(error, TableError::Syntax(_)), "{error}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
    let error = refused("\n\nnonsense").to_string();
    assert!(error.contains("line 3"), "{error}");
}

#[test]
fn an_empty_table_serves_nothing() {
    let table = RouteTable::default();
    assert_eq!(table.find("GET", "/v1/account"), RouteMatch::NotFound);
}
