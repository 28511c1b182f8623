//! `torvus-admin pepper`.

mod retire;

use std::path::Path;

use chrono::TimeDelta;
use serde_json::{Value, json};
use torvus_domain::{Timestamp, rfc3339};
use torvus_key_core::{PepperRing, PepperVersion};
use torvus_keyring::peppers as keyring;
use torvus_settings::write_new_pepper_file;
use torvus_storage::peppers::{self as rows, KnownPepper, PepperUse};
use torvus_storage::{Store, nodes};

use crate::cli::Pepper as Command;
use crate::context::Context;
use crate::failure::Failure;
use crate::{output, view};

pub(super) fn run(context: &Context, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Status => status(context),
        Command::Add { out: None } => add(context),
        Command::Add { out: Some(path) } => prepare(context, path),
        Command::Retire {
            version,
            revoke_remaining,
            dry_run,
        } => retire::run(context, version, *revoke_remaining, *dry_run),
    }
}

/// What there is to say of one version.
struct Line {
    version: PepperVersion,
    current: bool,
    at_hand: bool,
    fingerprint_matches: Option<bool>,
    live_secrets: u64,
    live_keys: u64,
    retired_at: Option<Timestamp>,
}

impl Line {
    fn json(&self) -> Value {
        json!({
            "version": self.version.get(),
            "current": self.current,
            "at_hand": self.at_hand,
            "fingerprint_matches": self.fingerprint_matches,
            "live_secrets": self.live_secrets,
            "live_keys": self.live_keys,
            "retired_at": self.retired_at.map(rfc3339),
        })
    }

    fn row(&self) -> Vec<String> {
        let yes = |yes| if yes { "yes" } else { "no" }.to_owned();
        let fingerprint = match self.fingerprint_matches {
            Some(true) => "matches",
            Some(false) => "DIFFERS",
            None => "-",
        };
        vec![
            self.version.to_string(),
            yes(self.current),
            yes(self.at_hand),
            fingerprint.to_owned(),
            self.live_secrets.to_string(),
            self.live_keys.to_string(),
            self.retired_at.map_or_else(|| "no".to_owned(), rfc3339),
        ]
    }
}

fn lines(ring: Option<&PepperRing>, known: &[KnownPepper], uses: &[PepperUse]) -> Vec<Line> {
    let in_ring = ring.into_iter().flat_map(PepperRing::iter);
    let mut versions: Vec<PepperVersion> = known
        .iter()
        .map(|one| one.version)
        .chain(in_ring.map(torvus_key_core::Pepper::version))
        .chain(uses.iter().map(|one| one.version))
        .collect();
    versions.sort_unstable();
    versions.dedup();
    let line = |version| {
        let known = known.iter().find(|one| one.version == version);
        let at_hand = ring.and_then(|ring| ring.get(version));
        let used = uses.iter().find(|one| one.version == version);
        Line {
            version,
            current: ring.is_some_and(|ring| ring.current().version() == version),
            at_hand: at_hand.is_some(),
            fingerprint_matches: known
                .zip(at_hand)
                .map(|(known, pepper)| known.fingerprint == pepper.fingerprint()),
            live_secrets: used.map_or(0, |used| used.live_secrets),
            live_keys: used.map_or(0, |used| used.live_keys),
            retired_at: known.and_then(|known| known.retired_at),
        }
    };
    versions.into_iter().map(line).collect()
}

fn status(context: &Context) -> Result<(), Failure> {
    let (store, now) = (context.store()?, context.now());
    let (known, uses) = store.read(|c| Ok((rows::all(c)?, rows::uses(c, now)?)))?;
    let ring = match context.settings.load_pepper(false) {
        Ok(ring) => Some(ring),
        Err(error) => {
            output::note(&format!("warning: none is at hand: {error}"));
            None
        }
    };
    let lines = lines(ring.as_ref(), &known, &uses);
    if context.json {
        return output::json_list(lines.iter().map(Line::json).collect());
    }
    output::table(
        &[
            "version",
            "current",
            "at hand",
            "fingerprint",
            "live secrets",
            "live keys",
            "retired",
        ],
        lines.iter().map(Line::row).collect(),
    )
}

fn add(context: &Context) -> Result<(), Failure> {
    context.settings.pepper_file()?;
    let store = context.store()?;
    // The first one of all may have to be made.
    context.peppers(&store)?;
    alone(context, &store)?;
    let (version, settled) = keyring::add(
        &store,
        || context.settings.load_pepper(false),
        |ring, new| context.settings.append_pepper(ring, new),
        &context.actor(),
        context.now(),
    )?;
    let added = json!({ "version": version.get() });
    if context.json {
        return output::json(&view::settled(added, settled));
    }
    output::fields(&[("version", version.to_string())])?;
    output::settled(settled);
    Ok(())
}

/// With several servers a pepper that is on one machine only would make the
/// others answer 503 to every key that moved to it.
fn alone(context: &Context, store: &Store) -> Result<(), Failure> {
    let lately = context.now() - TimeDelta::minutes(2);
    let nodes = store.read(|c| nodes::live(c, lately))?.len();
    if nodes > 1 {
        return Err(Failure::refused(format!(
            "{nodes} servers run on this database, and all need the new pepper before one uses it: \
             make it with `pepper add --out FILE`, put that file in the place of the pepper on every \
             node, then send each server SIGHUP"
        )));
    }
    Ok(())
}

fn prepare(context: &Context, path: &Path) -> Result<(), Failure> {
    let store = context.store()?;
    let ring = context.peppers(&store)?;
    let new = keyring::next(&store, &ring)?;
    write_new_pepper_file(path, &ring, &new).map_err(Failure::invalid)?;
    output::note(
        "Nothing was changed: put the file in the place of the pepper on every node, then send each \
         server SIGHUP.",
    );
    let version = new.version();
    if context.json {
        return output::json(&json!({ "version": version.get() }));
    }
    output::fields(&[
        ("version", version.to_string()),
        ("file", path.display().to_string()),
    ])
}
