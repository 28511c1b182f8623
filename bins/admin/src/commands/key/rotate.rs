//! `torvus-admin key rotate`.

use torvus_domain::{Grace, KeyId, rfc3339};
use torvus_keyring::keys::{self, Rotated};
use torvus_storage::Store;

use super::found;
use super::handover::{self, Made};
use crate::cli::KeyRotate;
use crate::context::{Context, value};
use crate::failure::Failure;

pub(super) fn run(context: &Context, args: &KeyRotate) -> Result<(), Failure> {
    let grace = args
        .grace
        .as_deref()
        .map_or_else(|| Ok(Grace::default()), |text| value("--grace", text))?;
    let key = found(&context.store()?, &args.id)?;
    if grace.is_none() {
        context.confirm(&format!(
            "Give {} ({}) a new secret, and end the old one at once?",
            key.name, key.hint
        ))?;
    }
    handover::make(
        context,
        args.out.as_deref(),
        || rotate(context, key.id, grace, args.reason.as_deref()),
        |rotated| Made {
            key: &rotated.key,
            token: &rotated.token,
            more: rotated
                .old
                .ends_at
                .map(|end| ("old_secret_ends_at", "old secret ends", rfc3339(end)))
                .into_iter()
                .collect(),
            settled: Some(rotated.settled),
        },
        |store, rotated| {
            let reason = "it could not be handed over";
            let (actor, now) = (context.actor(), context.now());
            keys::take_back(store, rotated, reason, &actor, now)?;
            Ok(Failure::failed(
                "the new secret can't be handed over, so the key has its old one again",
            ))
        },
    )
}

fn rotate(
    context: &Context,
    id: KeyId,
    grace: Grace,
    reason: Option<&str>,
) -> Result<(Store, Rotated), Failure> {
    let store = context.store()?;
    let peppers = context.peppers(&store)?;
    let (actor, now) = (context.actor(), context.now());
    let rotated = keys::rotate(&store, &peppers, id, grace, reason, &actor, now)?;
    Ok((store, rotated))
}
