//! What somebody probably meant who asked for what is not served.

use torvus_authz::{RouteMatch, RouteTable};
use torvus_domain::PermissionSet;

use super::Question;

/// A path that is served, and differs only in slashes, dots or case: paths are
/// taken as they are sent, so these are others.
pub(super) fn path(routes: &RouteTable, question: &Question) -> Option<String> {
    let segments = question.path.split('/');
    let plain: Vec<&str> = segments.filter(|part| !matches!(*part, "" | ".")).collect();
    let plain = format!("/{}", plain.join("/"));
    let lower = plain.to_ascii_lowercase();
    let served =
        |path: &String| !matches!(routes.find(&question.method, path), RouteMatch::NotFound);
    [plain, lower].into_iter().find(served)
}

/// One of the methods that the path knows: the same in capitals, or the first
/// that the key may use, or the first.
pub(super) fn method(
    routes: &RouteTable,
    question: &Question,
    allow: &str,
    permissions: PermissionSet,
) -> Option<String> {
    let known: Vec<&str> = allow.split(", ").filter(|m| !m.is_empty()).collect();
    let same = known
        .iter()
        .find(|method| method.eq_ignore_ascii_case(&question.method));
    let permitted = || {
        known
            .iter()
            .find(|method| match routes.find(method, &question.path) {
                RouteMatch::Found { route, .. } => route.permits(permissions).is_ok(),
                _ => false,
            })
    };
    let found = same.or_else(permitted).or_else(|| known.first());
    found.map(|method| (*method).to_owned())
}
