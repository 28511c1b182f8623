//! The pages, by path and method: the one table of them.

use actix_web::HttpResponse;
use actix_web::http::Method;
use futures_util::future::LocalBoxFuture;

use crate::ask::Ask;
use crate::pages::{account, code, confirm, keys, login, logs, two_step};
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

/// What comes of a request.
pub(crate) type Answer<'a> = LocalBoxFuture<'a, Result<HttpResponse, Problem>>;

/// A page, or what is done with a form.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// For anybody.
    Open(for<'a> fn(&'a Dashboard, Ask) -> Answer<'a>),
    /// For those who are signed in; others are led to sign in first.
    SignedIn(for<'a> fn(&'a Dashboard, Visitor, Ask) -> Answer<'a>),
}

/// Makes a handler of an `async fn(&Dashboard, Ask)`.
macro_rules! open {
    ($handler:path) => {
        Handler::Open(|site, ask| Box::pin($handler(site, ask)))
    };
}

/// Makes a handler of an `async fn(&Dashboard, Visitor, Ask)`.
macro_rules! page {
    ($handler:path) => {
        Handler::SignedIn(|site, visitor, ask| Box::pin($handler(site, visitor, ask)))
    };
}

/// What is served at a path.
#[derive(Clone, Copy, Default)]
pub(crate) struct Methods {
    get: Option<Handler>,
    /// Reached only by a form that was checked.
    post: Option<Handler>,
}

impl Methods {
    pub(crate) fn find(&self, method: &Method) -> Result<Handler, Problem> {
        let found = match *method {
            Method::GET | Method::HEAD => self.get,
            Method::POST => self.post,
            _ => None,
        };
        found.ok_or_else(|| Problem::MethodNotAllowed(self.allow()))
    }

    const fn allow(&self) -> &'static str {
        match (self.get, self.post) {
            (Some(_), Some(_)) => "GET, HEAD, POST",
            (Some(_), None) => "GET, HEAD",
            (None, _) => "POST",
        }
    }
}

const fn get(handler: Handler) -> Methods {
    Methods {
        get: Some(handler),
        post: None,
    }
}

const fn post(handler: Handler) -> Methods {
    Methods {
        get: None,
        post: Some(handler),
    }
}

const fn both(show: Handler, take: Handler) -> Methods {
    Methods {
        get: Some(show),
        post: Some(take),
    }
}

/// The table, but for what is about keys and the log.
fn table() -> Vec<(&'static str, Methods)> {
    vec![
        ("/", get(open!(login::home))),
        ("/settings", get(open!(login::home))),
        ("/login", both(open!(login::show), open!(login::take))),
        ("/logout", post(page!(account::sign_out))),
        ("/login/code", both(open!(code::show), open!(code::take))),
        ("/confirm", both(page!(confirm::show), page!(confirm::take))),
        ("/settings/account", get(page!(account::show))),
        ("/settings/account/two-step", get(page!(two_step::show))),
        (
            "/settings/account/two-step/set-up",
            post(page!(two_step::set_up)),
        ),
        (
            "/settings/account/two-step/on",
            post(page!(two_step::turn_on)),
        ),
        (
            "/settings/account/two-step/off",
            post(page!(two_step::turn_off)),
        ),
        (
            "/settings/account/password",
            post(page!(account::change_password)),
        ),
        (
            "/settings/account/sessions/end",
            post(page!(account::end_others)),
        ),
        (
            "/settings/account/sessions/{id}/end",
            post(page!(account::end_session)),
        ),
    ]
}

/// Those about keys.
fn about_keys() -> Vec<(&'static str, Methods)> {
    vec![
        ("/settings/api-keys", get(page!(keys::list::show))),
        (
            "/settings/api-keys/new",
            both(page!(keys::create::show), page!(keys::create::take)),
        ),
        ("/settings/api-keys/wider", get(page!(keys::wider::show))),
        ("/settings/api-keys/{id}", get(page!(keys::key::show))),
        (
            "/settings/api-keys/{id}/edit",
            both(page!(keys::edit::show), page!(keys::edit::take)),
        ),
        (
            "/settings/api-keys/{id}/rotate",
            both(page!(keys::rotate::show), page!(keys::rotate::take)),
        ),
        (
            "/settings/api-keys/{id}/grace",
            both(page!(keys::grace::show), page!(keys::grace::take)),
        ),
        (
            "/settings/api-keys/{id}/revoke",
            both(page!(keys::revoke::show), page!(keys::revoke::take)),
        ),
        (
            "/settings/api-keys/{id}/explain",
            get(page!(keys::explain::show)),
        ),
        (
            "/settings/api-keys/{id}/suggest",
            get(page!(keys::suggest::show)),
        ),
    ]
}

/// Those about the log.
fn about_logs() -> Vec<(&'static str, Methods)> {
    vec![
        ("/settings/audit-logs", get(page!(logs::show))),
        ("/settings/audit-logs/export", get(page!(logs::export))),
    ]
}

/// Makes the router.
pub(crate) fn router() -> Result<matchit::Router<Methods>, matchit::InsertError> {
    let mut router = matchit::Router::new();
    for (path, methods) in table().into_iter().chain(about_keys()).chain(about_logs()) {
        router.insert(path, methods)?;
    }
    Ok(router)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_that_makes_a_change_is_for_anybody_but_the_way_in() {
        let router = router();
        assert!(router.is_ok(), "two pages have one path");
        let open: Vec<&str> = table()
            .into_iter()
            .filter(|(_, methods)| matches!(methods.post, Some(Handler::Open(_))))
            .map(|(path, _)| path)
            .collect();
        assert_eq!(open, ["/login", "/login/code"]);
    }

    #[test]
    fn other_methods_are_told_which_there_are() {
        let router = router().unwrap();
        let allow = |path: &str, method: Method| {
            let methods = router.at(path).unwrap().value;
            match methods.find(&method) {
                Err(Problem::MethodNotAllowed(allow)) => Some(allow),
                _ => None,
            }
        };
        assert_eq!(allow("/login", Method::HEAD), None);
        assert_eq!(allow("/login", Method::DELETE), Some("GET, HEAD, POST"));
        assert_eq!(allow("/settings/account", Method::POST), Some("GET, HEAD"));
        assert_eq!(allow("/logout", Method::GET), Some("POST"));
        assert!(router.at("/Login").is_err() && router.at("/login/").is_err());
    }
}
