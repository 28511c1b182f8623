//! `torvus-admin pepper retire`.

use serde_json::json;
use torvus_key_core::PepperVersion;
use torvus_keyring::peppers as keyring;
use torvus_storage::Store;
use torvus_storage::peppers as rows;

use crate::context::Context;
use crate::failure::Failure;
use crate::output;

pub(super) fn run(
    context: &Context,
    text: &str,
    revoke_remaining: bool,
    dry_run: bool,
) -> Result<(), Failure> {
    let version = text
        .parse()
        .ok()
        .and_then(PepperVersion::new)
        .ok_or_else(|| Failure::invalid(format!("version {text:?}: use a number from 1 up")))?;
    let store = context.store()?;
    if dry_run {
        return tried(context, &store, version, revoke_remaining);
    }
    let ring = context.peppers(&store)?;
    let (actor, now) = (context.actor(), context.now());
    let needing = if revoke_remaining {
        keyring::needing(&store, &ring, version, now)?
    } else {
        Vec::new()
    };
    let revoked = if needing.is_empty() {
        0
    } else {
        let asked = needing.len();
        context.confirm(&format!(
            "Revoke the {asked} keys that need version {version} of the pepper? It can't be undone."
        ))?;
        keyring::revoke(&store, &needing, version, &actor, context.now())?
    };
    keyring::retire(&store, &ring, version, &actor, context.now())?;
    match context.settings.pepper_file() {
        Ok(_) if ring.get(version).is_none() => {}
        Ok(_) => context.settings.remove_pepper(&ring, version)?,
        Err(_) => output::note("Take its line out of the variable that the pepper is in."),
    }
    if context.settings.is_postgres() {
        output::note(
            "Take its line out of the file on the other nodes, too; it harms nobody there.",
        );
    }
    if context.json {
        return output::json(&json!({ "version": version.get(), "revoked": revoked }));
    }
    output::fields(&[
        ("version", version.to_string()),
        ("revoked keys", revoked.to_string()),
    ])
}

/// What would be done, and refused as it would be.
fn tried(
    context: &Context,
    store: &Store,
    version: PepperVersion,
    revoke_remaining: bool,
) -> Result<(), Failure> {
    let ring = context.settings.load_pepper(false)?;
    rows::fits(&store.read(rows::all)?, &ring).map_err(Failure::failed)?;
    let needing = keyring::needing(store, &ring, version, context.now())?.len() as u64;
    if needing > 0 && !revoke_remaining {
        return Err(keyring::in_use(needing, version).into());
    }
    if context.json {
        return output::json(&json!({
            "version": version.get(),
            "would_revoke": needing,
            "dry_run": true,
        }));
    }
    output::fields(&[
        ("version", version.to_string()),
        ("keys that would be revoked", needing.to_string()),
        ("result", "would be retired".to_owned()),
    ])
}
