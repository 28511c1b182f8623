//! The page that shows a key, once.

use actix_web::HttpResponse;
use askama::Template;
use torvus_domain::ApiKey;
use torvus_key_core::ApiKeyToken;

use super::moment::Moment;
use super::view::{addresses, environment, words};
use crate::ask::Ask;
use crate::form;
use crate::frame::{Frame, Section};
use crate::page::page;
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "keys/shown_once.html")]
struct ShownOnce<'a> {
    frame: Frame,
    about: &'static str,
    id: String,
    name: String,
    token: &'a str,
    base: String,
    hint: String,
    environment: String,
    permissions: String,
    expires: Option<Moment>,
    addresses: String,
    old_secret: Option<String>,
}

/// The answer to the form that made the key. Nothing of it is kept anywhere: a
/// reload sends the form again, and that was used.
pub(super) fn shown_once(
    site: &Dashboard,
    ask: &Ask,
    visitor: &Visitor,
    key: &ApiKey,
    token: &ApiKeyToken,
    old_secret: Option<String>,
) -> Result<HttpResponse, Problem> {
    page(&ShownOnce {
        frame: ask.frame(visitor, Section::Keys),
        about: match old_secret {
            Some(_) => "The key has a new secret. Here it is.",
            None => "The key is made. Here it is.",
        },
        id: key.id.to_string(),
        name: key.name.to_string(),
        token: token.expose(),
        base: base(site, ask),
        hint: key.hint.to_string(),
        environment: environment(key.environment).text,
        permissions: words(key.permissions).join(", "),
        expires: key.expires_at.map(Moment::at),
        addresses: addresses(&key.allowed_ips),
        old_secret,
    })
}

/// Where the API is, as far as the request tells.
fn base(site: &Dashboard, ask: &Ask) -> String {
    let peer = ask.http.peer_addr().map(|peer| peer.ip());
    let host = form::host(ask.http.headers(), peer, &site.parts.proxies.load());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let host = match !host.is_empty() && host.bytes().all(plain) {
        true => host,
        false => "your-server",
    };
    let scheme = if ask.https { "https" } else { "http" };
    format!("{scheme}://{host}")
}
