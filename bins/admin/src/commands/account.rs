//! `torvus-admin account`.

use secrecy::ExposeSecret;
use serde_json::json;
use torvus_domain::{Account, AccountId, Email, KeyState, PlanName, Plans, rfc3339};
use torvus_keyring::accounts::{self, ChangedAccount, Created};
use torvus_storage::{Store, accounts as rows, keys};

use crate::cli::Account as Command;
use crate::context::{Context, id, value};
use crate::failure::Failure;
use crate::{output, view};

pub(super) fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let (actor, now, plans) = (context.actor(), context.now(), &context.settings.plans);
    match command {
        Command::Create { email, plan } => {
            output::seen_by_somebody()?;
            let email: Email = value("--email", &email)?;
            let plan = match plan {
                Some(plan) => value("--plan", &plan)?,
                None => PlanName::professional(),
            };
            secret(
                context,
                &accounts::create(&context.store_or_new()?, &email, &plan, plans, &actor, now)?,
            )
        }
        Command::List => list(context),
        Command::Show { id: text } => {
            let account = which(context, &text)?;
            show(context, &found(&context.store()?, account)?)
        }
        Command::SetPlan {
            id: text,
            plan,
            reason,
        } => {
            let plan: PlanName = value("plan", &plan)?;
            let account = which(context, &text)?;
            let (store, reason) = (context.store()?, reason.as_deref());
            let changed = accounts::set_plan(&store, account, &plan, plans, reason, &actor, now)?;
            if Plans::shipped().get(&plan).is_none() {
                output::note(&format!(
                    "{plan} is a plan of your settings: a running server that was not told of it (SIGHUP) \
                     answers this account 503"
                ));
            }
            show_changed(context, &changed)
        }
        Command::Suspend {
            id, dry_run: true, ..
        } => suspend_tried(context, &id),
        Command::Suspend {
            id: text, reason, ..
        } => {
            let account = which(context, &text)?;
            context.confirm(&format!(
                "Suspend {account}? None of its keys will be let in."
            ))?;
            show_changed(
                context,
                &accounts::suspend(
                    &context.store()?,
                    account,
                    reason.as_deref(),
                    &actor,
                    context.now(),
                )?,
            )
        }
        Command::Resume { id: text, reason } => {
            let account = which(context, &text)?;
            show_changed(
                context,
                &accounts::resume(
                    &context.store()?,
                    account,
                    reason.as_deref(),
                    &actor,
                    context.now(),
                )?,
            )
        }
        Command::ResetPassword {
            id: text,
            second_factor_off,
        } => {
            output::seen_by_somebody()?;
            let account = which(context, &text)?;
            let more = match second_factor_off {
                true => " Two-step sign-in is turned off.",
                false => "",
            };
            context.confirm(&format!(
                "Give {account} a new password? The old one ends, and everybody is signed out.{more}"
            ))?;
            let (store, now) = (context.store()?, context.now());
            secret(
                context,
                &accounts::reset_password(&store, account, second_factor_off, &actor, now)?,
            )
        }
    }
}

/// The account that is meant: by its identifier, or by the address of its
/// holder, who knows no other name.
fn which(context: &Context, text: &str) -> Result<AccountId, Failure> {
    if !text.contains('@') {
        return id("account", text);
    }
    let email: Email = value("account", text)?;
    let account = context.store()?.read(|c| rows::find_by_email(c, &email))?;
    account.map_or_else(
        || Err(Failure::not_found(format!("{email} has no account"))),
        |account| Ok(account.id),
    )
}

fn found(store: &Store, id: AccountId) -> Result<Account, Failure> {
    store
        .read(|c| rows::find(c, id))?
        .ok_or_else(|| Failure::not_found(format!("there is no account {id}")))
}

/// What suspending would do.
fn suspend_tried(context: &Context, text: &str) -> Result<(), Failure> {
    let (store, now) = (context.store()?, context.now());
    let account = found(&store, which(context, text)?)?;
    let live = store
        .read(|c| keys::list(c, Some(account.id), false, now))?
        .iter()
        .filter(|key| key.state(now) == KeyState::Active)
        .count();
    let would = account.suspended_at.is_none();
    if context.json {
        return output::json(&json!({
            "id": account.id,
            "suspended_at": account.suspended_at.map(rfc3339),
            "would_suspend": would,
            "live_keys": live,
            "dry_run": true,
        }));
    }
    let result = match would {
        true => "would be suspended",
        false => "is suspended already; that would stay as it is",
    };
    output::fields(&[
        ("id", account.id.to_string()),
        ("email", account.email.to_string()),
        ("live keys", live.to_string()),
        ("result", result.to_owned()),
    ])
}

fn list(context: &Context) -> Result<(), Failure> {
    let accounts = context.store()?.read(rows::list)?;
    if context.json {
        return output::json_list(accounts.iter().map(view::account).collect());
    }
    let row = |account: &Account| {
        vec![
            account.id.to_string(),
            account.email.to_string(),
            account.plan.to_string(),
            rfc3339(account.created_at),
            account
                .suspended_at
                .map_or("active", |_| "suspended")
                .to_owned(),
        ]
    };
    output::table(
        &["id", "email", "plan", "created", "state"],
        accounts.iter().map(row).collect(),
    )
}

fn show(context: &Context, account: &Account) -> Result<(), Failure> {
    if context.json {
        return output::json(&view::account(account));
    }
    output::fields(&[
        ("id", account.id.to_string()),
        ("email", account.email.to_string()),
        ("plan", account.plan.to_string()),
        ("created", rfc3339(account.created_at)),
        ("suspended", view::when(account.suspended_at, "no")),
    ])
}

/// An account after a change that is true everywhere.
fn show_changed(context: &Context, changed: &ChangedAccount) -> Result<(), Failure> {
    if context.json {
        return output::json(&view::settled(
            view::account(&changed.account),
            changed.settled,
        ));
    }
    show(context, &changed.account)?;
    if !changed.changed {
        output::note("It was so already: nothing was changed.");
    }
    output::settled(changed.settled);
    Ok(())
}

/// An account with its new password.
fn secret(context: &Context, created: &Created) -> Result<(), Failure> {
    let account = &created.account;
    if context.json {
        let json = json!({
            "id": account.id,
            "email": account.email,
            "plan": account.plan,
            "dashboard_password": created.password.expose_secret(),
            "created_at": rfc3339(account.created_at),
        });
        return output::secret(&[json.to_string()]);
    }
    output::note("The password is shown once: keep it now.");
    output::secret(&output::aligned(&[
        ("id", account.id.to_string()),
        ("email", account.email.to_string()),
        ("plan", account.plan.to_string()),
        (
            "dashboard password",
            created.password.expose_secret().to_owned(),
        ),
    ]))
}
