//! `torvus-admin doctor`: what is wrong with this installation, and what to do.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use torvus_domain::{KeyState, PlanName};
use torvus_settings::PepperSource;
use torvus_storage::{Schema, Store, accounts, keys, nodes, peppers};

use crate::context::Context;
use crate::failure::Failure;
use crate::output;

/// One thing that was looked at.
struct Finding {
    check: &'static str,
    level: &'static str,
    detail: String,
    advice: &'static str,
}

impl Finding {
    fn ok(check: &'static str, detail: impl ToString) -> Self {
        Self {
            check,
            level: "ok",
            detail: detail.to_string(),
            advice: "",
        }
    }

    fn warning(check: &'static str, detail: impl ToString, advice: &'static str) -> Self {
        Self {
            check,
            level: "warning",
            detail: detail.to_string(),
            advice,
        }
    }

    fn fault(check: &'static str, detail: impl ToString, advice: &'static str) -> Self {
        Self {
            check,
            level: "fault",
            detail: detail.to_string(),
            advice,
        }
    }
}

pub(super) fn run(context: &Context) -> Result<(), Failure> {
    let mut findings = vec![data_dir(context), pepper_file(context)];
    match database(context) {
        Ok(store) => {
            findings.push(Finding::ok("database", "reachable, and of this version"));
            findings.push(pepper(context, &store)?);
            findings.extend(contents(context, &store)?);
        }
        Err(finding) => findings.push(finding),
    }
    let faults = findings
        .iter()
        .filter(|finding| finding.level == "fault")
        .count();
    if context.json {
        let list = findings.iter().map(|f| {
            json!({ "check": f.check, "level": f.level, "detail": f.detail, "advice": f.advice })
        });
        output::json_list(list.collect())?;
    } else {
        let row = |f: &Finding| {
            vec![
                f.check.to_owned(),
                f.level.to_owned(),
                f.detail.clone(),
                f.advice.to_owned(),
            ]
        };
        output::table(
            &["check", "result", "what", "what to do"],
            findings.iter().map(row).collect(),
        )?;
    }
    if faults == 0 {
        Ok(())
    } else {
        Err(Failure::failed(format!(
            "{faults} of these checks found a fault"
        )))
    }
}

fn mode(path: &Path) -> Option<u32> {
    std::fs::metadata(path)
        .ok()
        .map(|data| data.permissions().mode() & 0o777)
}

fn data_dir(context: &Context) -> Finding {
    let path = &context.settings.data_dir;
    match mode(path) {
        None => Finding::warning(
            "data folder",
            format!("{} is not there", path.display()),
            "the first start makes it",
        ),
        Some(mode) if mode & 0o077 != 0 => Finding::fault(
            "data folder",
            format!(
                "{} can be entered by others (mode {mode:03o})",
                path.display()
            ),
            "chmod 700 it",
        ),
        Some(_) => Finding::ok("data folder", path.display()),
    }
}

fn pepper_file(context: &Context) -> Finding {
    let path = match &context.settings.pepper {
        PepperSource::Given { origin, .. } => {
            return Finding::ok("pepper file", format!("not used: {origin} is set"));
        }
        PepperSource::File(path) | PepperSource::DataDir(path) => path,
    };
    match mode(path) {
        None => Finding::warning(
            "pepper file",
            format!("{} is not there", path.display()),
            "see the check `pepper`",
        ),
        Some(mode) if mode & 0o077 != 0 => Finding::fault(
            "pepper file",
            format!("{} can be read by others (mode {mode:03o})", path.display()),
            "chmod 600 it; if others may have read it, make new keys",
        ),
        Some(_) => Finding::ok("pepper file", path.display()),
    }
}

fn database(context: &Context) -> Result<Store, Finding> {
    if let Some(file) = context.settings.database_url().strip_prefix("sqlite:")
        && !Path::new(file).exists()
    {
        return Err(Finding::warning(
            "database",
            format!("{file} is not there"),
            "the first start makes it",
        ));
    }
    let unreachable = |error: Failure| {
        Finding::fault(
            "database",
            error.message,
            "check --database-url, and that the database runs",
        )
    };
    let store = context.raw_store().map_err(unreachable)?;
    match store.schema().map_err(|error| unreachable(error.into()))? {
        Schema::Current => Ok(store),
        Schema::Empty(_) => Err(Finding::warning(
            "database",
            "it is empty",
            "torvus-admin migrate run",
        )),
        Schema::Behind(missing) => Err(Finding::fault(
            "database",
            format!("{} migrations behind", missing.len()),
            "torvus-admin migrate run",
        )),
        Schema::Newer => Err(Finding::fault(
            "database",
            "made by a newer version",
            "use that version",
        )),
    }
}

fn pepper(context: &Context, store: &Store) -> Result<Finding, Failure> {
    let known = store.read(peppers::known)?;
    let ring = match context.settings.load_pepper(false) {
        Ok(ring) => ring,
        Err(_) if known.is_empty() && !context.settings.is_postgres() => {
            return Ok(Finding::ok("pepper", "none yet, and no key needs one"));
        }
        Err(error) => {
            return Ok(Finding::fault(
                "pepper",
                error,
                "restore the pepper that the keys were made with",
            ));
        }
    };
    let wrong = known.iter().find(|(version, fingerprint)| {
        ring.get(*version)
            .is_none_or(|pepper| pepper.fingerprint() != *fingerprint)
    });
    Ok(match wrong {
        Some((version, _)) => Finding::fault(
            "pepper",
            format!("version {version} is missing, or not the one that the keys were made with"),
            "restore the pepper that the keys were made with",
        ),
        None => Finding::ok(
            "pepper",
            format!("version {} is current", ring.current().version()),
        ),
    })
}

fn contents(context: &Context, store: &Store) -> Result<Vec<Finding>, Failure> {
    let now = context.now();
    // A server tells each minute that it lives.
    let lately = now - chrono::TimeDelta::minutes(2);
    let (accounts, keys, nodes) = store.read(|c| {
        Ok((
            accounts::list(c)?,
            keys::list(c, None, false, now)?,
            nodes::live(c, lately)?,
        ))
    })?;
    let unknown = accounts
        .iter()
        .find(|account| context.settings.plans.get(&account.plan).is_none());
    let names: Vec<&str> = context
        .settings
        .plans
        .names()
        .map(PlanName::as_str)
        .collect();
    let forever = keys
        .iter()
        .filter(|key| key.state(now) == KeyState::Active && key.expires_at.is_none())
        .count();
    Ok(vec![
        match unknown {
            Some(account) => Finding::fault(
                "plans",
                format!(
                    "{} is on {}, which the settings lack",
                    account.id, account.plan
                ),
                "add the plan to the settings file, or use account set-plan",
            ),
            None => Finding::ok("plans", names.join(", ")),
        },
        if forever > 0 {
            Finding::warning(
                "expiry",
                format!("{forever} keys never expire"),
                "replace them by keys that do",
            )
        } else {
            Finding::ok("expiry", "every key that can be used has an end")
        },
        Finding::ok(
            "servers",
            format!("{} alive within the last two minutes", nodes.len()),
        ),
    ])
}
