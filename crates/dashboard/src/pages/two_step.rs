//! Two-step sign-in: turned on and off.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use qrcode::QrCode;
use qrcode::render::svg;
use secrecy::{ExposeSecret, SecretString};
use torvus_domain::{Account, LookupUnavailable};
use torvus_keyring::own_password::Holder;
use torvus_keyring::second_factor::{begin, disable, enable, secret_of};
use torvus_storage::second_factors;

use crate::ask::Ask;
use crate::frame::{Frame, Section};
use crate::page::{page_with, see_other};
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

/// Where it is looked after.
const HERE: &str = "/settings/account/two-step";
/// Above this a code says nothing more.
const CODE_LENGTH_MAX: usize = 64;

#[derive(Template)]
#[template(path = "two_step.html")]
struct TwoStep {
    frame: Frame,
    on: bool,
    codes_left: u64,
    must_confirm: bool,
    notice: Option<&'static str>,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "two_step_setup.html")]
struct Setup {
    frame: Frame,
    /// Drawn here from what is no text of anybody's.
    picture: String,
    secret: String,
    error: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct RecoveryCodes {
    frame: Frame,
    codes: Vec<String>,
}

/// Says whether it is on.
pub(crate) async fn show(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    let off = ask.query().text("done") == "off";
    let notice = off.then_some("Two-step sign-in is off.");
    shown(site, &visitor, &ask, notice, None).await
}

async fn shown(
    site: &Dashboard,
    visitor: &Visitor,
    ask: &Ask,
    notice: Option<&'static str>,
    error: Option<String>,
) -> Result<HttpResponse, Problem> {
    let (id, store) = (visitor.account.id, &site.parts.store);
    let (factor, codes_left) = store
        .run_read(move |c| {
            let factor = second_factors::find(c, id)?;
            Ok((factor, second_factors::codes_left(c, id)?))
        })
        .await?;
    let status = match error {
        Some(_) => StatusCode::FORBIDDEN,
        None => StatusCode::OK,
    };
    let page = TwoStep {
        frame: ask.frame(visitor, Section::Account),
        on: factor.is_some_and(|factor| factor.enabled_at.is_some()),
        codes_left,
        must_confirm: visitor.must_confirm(ask.now),
        notice,
        error,
    };
    page_with(status, &page)
}

/// Begins to turn it on: shows a new secret.
pub(crate) async fn set_up(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    if let Err(error) = site.confirmed(&visitor, &ask).await? {
        return shown(site, &visitor, &ask, None, Some(error)).await;
    }
    let (ring, id, now) = (site.peppers().await?, visitor.account.id, ask.now);
    site.change(move |store| begin(store, &ring, id, now))
        .await?;
    secret_shown(site, &visitor, &ask, None).await
}

async fn secret_shown(
    site: &Dashboard,
    visitor: &Visitor,
    ask: &Ask,
    error: Option<&'static str>,
) -> Result<HttpResponse, Problem> {
    let (ring, id) = (site.peppers().await?, visitor.account.id);
    let store = &site.parts.store;
    let now = ask.now;
    let secret = store
        .run_read(move |c| secret_of(c, &ring, id, now))
        .await?;
    let secret = secret
        .ok_or_else(|| Problem::Conflict("Begin to turn two-step sign-in on first.".to_owned()))?;
    let status = match error {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let page = Setup {
        frame: ask.frame(visitor, Section::Account),
        picture: picture(&visitor.account, &secret)?,
        secret: secret.expose_secret().to_owned(),
        error,
    };
    page_with(status, &page)
}

/// What an app reads the secret from: its address, drawn as a QR code.
fn picture(account: &Account, secret: &SecretString) -> Result<String, Problem> {
    let holder = utf8_percent_encode(account.email.as_str(), NON_ALPHANUMERIC);
    let address = format!(
        "otpauth://totp/Torvus:{holder}?secret={}&issuer=Torvus",
        secret.expose_secret()
    );
    let code = QrCode::new(address).map_err(|_| Problem::Internal)?;
    let drawn = code
        .render::<svg::Color<'_>>()
        .min_dimensions(200, 200)
        .build();
    // It stands in a page, where the line for XML has no place.
    let (_, drawn) = drawn.split_once("?>").ok_or(Problem::Internal)?;
    let described = r#"<svg role="img" aria-label="QR code of the secret below" "#;
    Ok(drawn.replacen("<svg ", described, 1))
}

/// Turns it on, where the first code is right, and shows the recovery codes.
pub(crate) async fn turn_on(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    if let Err(error) = site.confirmed(&visitor, &ask).await? {
        return shown(site, &visitor, &ask, None, Some(error)).await;
    }
    let code: String = ask
        .form
        .text("code")
        .chars()
        .take(CODE_LENGTH_MAX)
        .collect();
    let (account, session) = (visitor.account.clone(), visitor.session.clone());
    let (ring, client, now) = (site.peppers().await?, ask.client.clone(), ask.now);
    let enabled = site.change(move |store| {
        let holder = Holder {
            account: &account,
            session: &session,
            client: &client,
        };
        enable(store, &ring, &holder, &code, now)
    });
    match enabled.await? {
        Some(codes) => {
            let codes = codes.iter().map(|code| code.expose_secret().to_owned());
            let page = RecoveryCodes {
                frame: ask.frame(&visitor, Section::Account),
                codes: codes.collect(),
            };
            page_with(StatusCode::OK, &page)
        }
        None => {
            let error = "That is not the code of this moment. Is the device's clock right?";
            secret_shown(site, &visitor, &ask, Some(error)).await
        }
    }
}

/// Turns it off.
pub(crate) async fn turn_off(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    if let Err(error) = site.confirmed(&visitor, &ask).await? {
        return shown(site, &visitor, &ask, None, Some(error)).await;
    }
    let (client, now) = (ask.client.clone(), ask.now);
    let Visitor {
        account, session, ..
    } = visitor;
    let turned_off = site.change(move |store| {
        let holder = Holder {
            account: &account,
            session: &session,
            client: &client,
        };
        disable(store, &holder, now)
    });
    turned_off.await?;
    Ok(see_other(&format!("{HERE}?done=off")))
}

impl Dashboard {
    /// The peppers, and those that the database has by now.
    pub(crate) async fn peppers(
        &self,
    ) -> Result<std::sync::Arc<torvus_key_core::PepperRing>, LookupUnavailable> {
        let material = &self.parts.material;
        let ring = material.peppers();
        material.catch_up(&ring).await?;
        Ok(material.peppers())
    }
}
