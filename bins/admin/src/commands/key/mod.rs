//! `torvus-admin key`: one file a command.

mod create;
mod explain;
mod grace;
mod handover;
mod import;
mod list;
mod replay;
mod revoke;
mod rotate;
mod secrets;
mod show;
mod simulate;
mod suggest;
mod update;
mod update_line;
mod usage;

use serde_json::Value;
use torvus_domain::{ApiKey, KeyId};
use torvus_storage::{Store, accounts, keys as rows};

use crate::cli::Key as Command;
use crate::context::{Context, id};
use crate::failure::Failure;
use crate::view;

pub(super) fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create::run(context, &args),
        Command::Import(args) => import::run(context, &args),
        Command::List {
            account,
            all,
            expiring,
        } => list::run(context, account.as_deref(), all, expiring.as_deref()),
        Command::Show { id } => show::run(context, &id),
        Command::Rotate(args) => rotate::run(context, &args),
        Command::Grace { id, end, reason } => grace::run(context, &id, &end, reason.as_deref()),
        Command::Update(args) => update::run(context, &args),
        Command::Revoke {
            id,
            dry_run: true,
            reason: _,
        } => revoke::tried(context, &id),
        Command::Revoke { id, reason, .. } => revoke::run(context, &id, reason.as_deref()),
        Command::Usage { id, days } => usage::run(context, &id, days),
        Command::Explain(args) => explain::run(context, &args),
        Command::Simulate { id, change, days } => simulate::run(context, &id, &change, days),
        Command::Suggest { id, days } => suggest::run(context, &id, days),
    }
}

fn found(store: &Store, text: &str) -> Result<ApiKey, Failure> {
    let key: KeyId = id("key", text)?;
    store
        .read(|c| rows::find(c, key))?
        .ok_or_else(|| Failure::not_found(format!("there is no key {text}")))
}

fn view_of(context: &Context, store: &Store, key: &ApiKey) -> Result<Value, Failure> {
    let account = store.read(|c| accounts::find(c, key.account_id))?;
    Ok(view::key(
        key,
        account.as_ref(),
        &context.settings.plans,
        context.now(),
    ))
}
