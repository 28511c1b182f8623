//! `torvus-admin key`.

mod import;

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use chrono::Days;
use serde_json::{Value, json};
use torvus_domain::{Account, AccountId, ApiKey, Expiry, IpAllowlist, KeyId, rfc3339};
use torvus_keyring::keys::{self, Issued, NewKey};
use torvus_storage::{Store, accounts, keys as rows, usage};

use crate::cli::{Key as Command, KeyCreate};
use crate::context::{Context, id, value};
use crate::failure::Failure;
use crate::{output, view};

pub(super) fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create(context, &args),
        Command::Import(args) => import::run(context, &args),
        Command::List { account, all } => list(context, account.as_deref(), all),
        Command::Show { id } => show(context, &id),
        Command::Revoke { id, reason } => revoke(context, &id, reason.as_deref()),
        Command::Usage { id, days } => used(context, &id, days),
    }
}

fn create(context: &Context, args: &KeyCreate) -> Result<(), Failure> {
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

fn view_of(context: &Context, store: &Store, key: &ApiKey) -> Result<Value, Failure> {
    let account = store.read(|c| accounts::find(c, key.account_id))?;
    Ok(view::key(
        key,
        account.as_ref(),
        &context.settings.plans,
        context.now(),
    ))
}

fn list(context: &Context, account: Option<&str>, all: bool) -> Result<(), Failure> {
    let account: Option<AccountId> = account.map(|text| id("account", text)).transpose()?;
    let (store, now) = (context.store_with_all_records()?, context.now());
    let (keys, owners) =
        store.read(|c| Ok((rows::list(c, account, all, now)?, accounts::list(c)?)))?;
    if let Some(account) = account.filter(|account| owners.iter().all(|owner| owner.id != *account))
    {
        return Err(Failure::not_found(format!("there is no account {account}")));
    }
    if context.json {
        let owners: HashMap<AccountId, &Account> =
            owners.iter().map(|owner| (owner.id, owner)).collect();
        let view = |key: &ApiKey| {
            view::key(
                key,
                owners.get(&key.account_id).copied(),
                &context.settings.plans,
                now,
            )
        };
        return output::json_list(keys.iter().map(view).collect());
    }
    let row = |key: &ApiKey| {
        vec![
            key.id.to_string(),
            key.account_id.to_string(),
            key.name.to_string(),
            key.hint.to_string(),
            key.permissions.to_string(),
            key.state(now).to_string(),
            view::when(key.expires_at, "never"),
            view::when(key.last_used_at, "never"),
        ]
    };
    output::table(
        &[
            "id",
            "account",
            "name",
            "key",
            "permissions",
            "state",
            "expires",
            "last used",
        ],
        keys.iter().map(row).collect(),
    )
}

fn found(store: &Store, text: &str) -> Result<ApiKey, Failure> {
    let key: KeyId = id("key", text)?;
    store
        .read(|c| rows::find(c, key))?
        .ok_or_else(|| Failure::not_found(format!("there is no key {text}")))
}

fn show(context: &Context, text: &str) -> Result<(), Failure> {
    let store = context.store_with_all_records()?;
    let key = found(&store, text)?;
    if context.json {
        return output::json(&view_of(context, &store, &key)?);
    }
    let account = store.read(|c| accounts::find(c, key.account_id))?;
    let limit = view::limit(&key, account.as_ref(), &context.settings.plans);
    let addresses = if key.allowed_ips.is_empty() {
        "any".to_owned()
    } else {
        key.allowed_ips.to_string()
    };
    output::fields(&[
        ("id", key.id.to_string()),
        (
            "account",
            account.map_or_else(
                || key.account_id.to_string(),
                |a| format!("{}  {}", a.id, a.email),
            ),
        ),
        ("name", key.name.to_string()),
        ("key", key.hint.to_string()),
        ("permissions", key.permissions.to_string()),
        ("state", key.state(context.now()).to_string()),
        ("expires", view::when(key.expires_at, "never")),
        ("addresses", addresses),
        (
            "limit",
            limit.map_or_else(
                || "unknown plan".to_owned(),
                |limit| format!("{limit} requests per hour"),
            ),
        ),
        ("created", rfc3339(key.created_at)),
        ("last used", view::when(key.last_used_at, "never")),
        ("revoked", view::when(key.revoked_at, "no")),
        ("reason", key.revoke_reason.unwrap_or_default()),
    ])
}

fn revoke(context: &Context, text: &str, reason: Option<&str>) -> Result<(), Failure> {
    let store = context.store()?;
    let key = found(&store, text)?;
    context.confirm(&format!(
        "Revoke {} ({})? It can't be undone.",
        key.name, key.hint
    ))?;
    let revoked = keys::revoke(&store, key.id, reason, &context.actor(), context.now())?;
    let at = revoked.key.revoked_at.map(rfc3339);
    if key.revoked_at.is_some() {
        output::note("It was revoked before; that stays as it is.");
    }
    if context.json {
        return output::json(&json!({
            "id": key.id,
            "revoked_at": at,
            "acknowledged": revoked.acknowledged,
            "expired": revoked.expired,
        }));
    }
    output::fields(&[
        ("id", key.id.to_string()),
        ("revoked", at.unwrap_or_default()),
    ])
}

fn used(context: &Context, text: &str, days: u16) -> Result<(), Failure> {
    let store = context.store_with_all_records()?;
    let key = found(&store, text)?;
    let today = context.now().date_naive();
    let from = today
        .checked_sub_days(Days::new(u64::from(days) - 1))
        .unwrap_or(today);
    let usage = store.read(|c| usage::of_key(c, key.id, from, today))?;
    let days = usage.days.iter().map(|day| {
        json!({
            "date": day.date.to_string(),
            "ok": day.ok,
            "client_errors": day.client_errors,
            "rate_limited": day.rate_limited,
            "server_errors": day.server_errors,
        })
    });
    if context.json {
        return output::json(&json!({
            "total_requests": usage.total_requests,
            "billable_requests": usage.billable_requests,
            "error_rate": usage.error_rate(),
            "last_used_at": key.last_used_at.map(rfc3339),
            "requests_by_endpoint": usage.endpoints.iter().map(|endpoint| json!({
                "method": endpoint.method, "route": endpoint.route, "count": endpoint.count,
            })).collect::<Vec<_>>(),
            "ip_addresses": usage.addresses.iter().map(|address| json!({
                "ip": address.ip, "count": address.count,
                "first_seen": rfc3339(address.first_seen), "last_seen": rfc3339(address.last_seen),
            })).collect::<Vec<_>>(),
            "days": days.collect::<Vec<_>>(),
        }));
    }
    output::fields(&[
        ("total requests", usage.total_requests.to_string()),
        ("billable requests", usage.billable_requests.to_string()),
        ("error rate", format!("{:.1} %", usage.error_rate() * 100.0)),
        ("last used", view::when(key.last_used_at, "never")),
    ])?;
    let none = || "-".to_owned();
    let row = |e: &usage::EndpointUsage| {
        vec![
            e.method.clone().unwrap_or_else(none),
            e.route.clone().unwrap_or_else(none),
            e.count.to_string(),
        ]
    };
    output::table(
        &["method", "endpoint", "requests"],
        usage.endpoints.iter().map(row).collect(),
    )?;
    let row = |a: &usage::AddressUsage| {
        vec![
            a.ip.to_string(),
            a.count.to_string(),
            rfc3339(a.first_seen),
            rfc3339(a.last_seen),
        ]
    };
    output::table(
        &["address", "requests", "first seen", "last seen"],
        usage.addresses.iter().map(row).collect(),
    )
}
