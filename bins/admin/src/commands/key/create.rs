//! `torvus-admin key create`.

use torvus_domain::{Expiry, IpAllowlist};
use torvus_keyring::keys::{self, Issued, NewKey};
use torvus_storage::Store;

use super::handover::{self, Made};
use crate::cli::KeyCreate;
use crate::context::{Context, id, value};
use crate::failure::Failure;

pub(super) fn run(context: &Context, args: &KeyCreate) -> Result<(), Failure> {
    let new = NewKey {
        account_id: id("account", &args.account)?,
        name: value("--name", &args.name)?,
        environment: value("--environment", &args.environment)?,
        permissions: value("--permissions", &args.permissions)?,
        expiry: args
            .expires
            .as_deref()
            .map_or_else(|| Ok(Expiry::default()), |text| value("--expires", text))?,
        allowed_ips: addresses(&args.allow_ip)?,
        limit: args
            .limit
            .as_deref()
            .map(|text| value("--limit", text))
            .transpose()?,
    };
    handover::make(
        context,
        args.out.as_deref(),
        || issue(context, &new),
        |issued| Made {
            key: &issued.key,
            token: &issued.token,
            more: Vec::new(),
            settled: None,
        },
        |store, issued| {
            let reason = Some("it could not be handed over");
            let (id, actor) = (issued.key.id, context.actor());
            keys::revoke(store, id, reason, &actor, context.now())?;
            Ok(Failure::failed(
                "the key can't be handed over, so it was revoked",
            ))
        },
    )
}

/// The addresses of repeated `--allow-ip`.
pub(super) fn addresses(given: &[String]) -> Result<IpAllowlist, Failure> {
    IpAllowlist::parse(&given.join(","))
        .map_err(|error| Failure::invalid(format!("--allow-ip: {error}")))
}

fn issue(context: &Context, new: &NewKey) -> Result<(Store, Issued), Failure> {
    let store = context.store()?;
    let peppers = context.peppers(&store)?;
    let issued = keys::issue(
        &store,
        &peppers,
        &context.settings.plans,
        new,
        &context.actor(),
        context.now(),
    )?;
    Ok((store, issued))
}
