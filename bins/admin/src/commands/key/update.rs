//! `torvus-admin key update`.

use torvus_domain::IpAllowlist;
use torvus_keyring::keys::{self, Edit};

use super::create::addresses;
use super::found;
use super::show::Before;
use crate::cli::KeyUpdate;
use crate::context::{Context, value};
use crate::failure::Failure;
use crate::output;

pub(super) fn run(context: &Context, args: &KeyUpdate) -> Result<(), Failure> {
    let edit = edit_of(args)?;
    if edit == Edit::default() {
        return Err(Failure::usage(
            "nothing to change: give --name, --permissions, --allow-ip, --clear-ips, --limit or --expires",
        ));
    }
    let store = context.store()?;
    let key = found(&store, &args.id)?;
    let before = Before::of(context, &store, &key)?;
    let changed = keys::edit(
        &store,
        &context.settings.plans,
        key.id,
        &edit,
        args.reason.as_deref(),
        &context.actor(),
        context.now(),
    )?;
    if !changed.changed {
        output::note("The key is so already: nothing was changed.");
    }
    // What is made is made, even where the log can't be read now.
    let store = context.store_with_all_records().unwrap_or(store);
    before.print(context, &store, &changed)
}

fn edit_of(args: &KeyUpdate) -> Result<Edit, Failure> {
    let name = args.name.as_deref();
    let permissions = args.permissions.as_deref();
    let expiry = args.expires.as_deref();
    let limit = |text: &str| match text {
        "plan" => Ok(None),
        text => value("--limit", text).map(Some).map_err(|failure| Failure {
            message: format!("{}; or plan, for the plan's", failure.message),
            ..failure
        }),
    };
    Ok(Edit {
        name: name.map(|text| value("--name", text)).transpose()?,
        permissions: permissions
            .map(|text| value("--permissions", text))
            .transpose()?,
        allowed_ips: match (args.clear_ips, args.allow_ip.is_empty()) {
            (true, _) => Some(IpAllowlist::default()),
            (false, true) => None,
            (false, false) => Some(not_empty(addresses(&args.allow_ip)?)?),
        },
        limit: args.limit.as_deref().map(limit).transpose()?,
        expiry: expiry.map(|text| value("--expires", text)).transpose()?,
    })
}

/// An empty list lets everybody in: only whoever says so may mean that.
fn not_empty(list: IpAllowlist) -> Result<IpAllowlist, Failure> {
    if list.is_empty() {
        return Err(Failure::invalid(
            "--allow-ip: an address is needed; --clear-ips lets any in",
        ));
    }
    Ok(list)
}
