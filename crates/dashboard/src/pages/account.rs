//! The account itself: the way out.

use actix_web::HttpResponse;
use askama::Template;
use torvus_domain::Account;
use torvus_keyring::sessions;

use crate::ask::Ask;
use crate::cookies::Cookie;
use crate::frame::{Frame, Section};
use crate::page::{page, see_other};
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    account: Account,
}

/// Shows the account.
pub(crate) async fn show(
    _site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    page(&AccountPage {
        frame: ask.frame(&visitor, Section::Account),
        account: visitor.account,
    })
}

/// Signs out.
pub(crate) async fn sign_out(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let (client, now) = (ask.client.clone(), ask.now);
    let Visitor {
        account, session, ..
    } = visitor;
    site.change(move |store| sessions::sign_out(store, &account, session.id, &client, now))
        .await?;
    let mut answer = see_other("/login");
    Cookie::Session.clear(&mut answer, ask.https);
    Ok(answer)
}
