//! `torvus-admin key create`.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use serde_json::json;
use torvus_domain::{Expiry, IpAllowlist};
use torvus_keyring::keys::{self, Issued, NewKey};
use torvus_storage::Store;

use super::view_of;
use crate::cli::KeyCreate;
use crate::context::{Context, id, value};
use crate::failure::Failure;
use crate::output;

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
        allowed_ips: IpAllowlist::parse(&args.allow_ip.join(","))
            .map_err(|error| Failure::invalid(format!("--allow-ip: {error}")))?,
        limit: args
            .limit
            .as_deref()
            .map(|text| value("--limit", text))
            .transpose()?,
    };
    // The file first: a key that could not be kept must not be made.
    let mut file = match &args.out {
        Some(path) => Some(
            std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map_err(|error| Failure::invalid(format!("--out {}: {error}", path.display())))?,
        ),
        None => None,
    };
    let made = issue(context, &new).and_then(|(store, issued)| {
        deliver(context, &store, &issued, file.as_mut()).or_else(|unseen| {
            // Nobody has its text: it must not stay alive.
            let reason = Some("it could not be handed over");
            keys::revoke(
                &store,
                issued.key.id,
                reason,
                &context.actor(),
                context.now(),
            )?;
            let why = unseen.message;
            Err(Failure::failed(format!(
                "the key can't be handed over, so it was revoked: {why}"
            )))
        })
    });
    if let (Err(_), Some(path)) = (&made, &args.out) {
        std::fs::remove_file(path)?;
    }
    made
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

/// Writes the key to its file, or prints it.
fn deliver(
    context: &Context,
    store: &Store,
    issued: &Issued,
    file: Option<&mut std::fs::File>,
) -> Result<(), Failure> {
    let whole = file.is_none();
    if let Some(file) = file {
        writeln!(file, "{}", issued.token.expose())?;
        file.sync_all()?;
    }
    if context.json {
        let mut json = view_of(context, store, &issued.key)?;
        if let (true, Some(object)) = (whole, json.as_object_mut()) {
            object.insert("api_key".to_owned(), json!(issued.token.expose()));
        }
        return output::secret(&[json.to_string()]);
    }
    let mut fields = vec![("id", issued.key.id.to_string())];
    if whole {
        output::note("The key is shown once: keep it now.");
        fields.push(("api_key", issued.token.expose().to_owned()));
    } else {
        output::note("The key is in the file, and nowhere else.");
    }
    output::secret(&output::aligned(&fields))
}
