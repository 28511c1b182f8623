//! `torvus-admin leak scan`.

use std::path::PathBuf;

use serde_json::{Value, json};
use torvus_domain::{KeySnapshot, Timestamp};
use torvus_key_core::PepperRing;
use torvus_keyring::leaks;
use torvus_storage::{Store, peppers};

use super::unread;
use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use crate::search::{Find, Search};

/// What the database says of a key.
enum Known {
    /// It was not asked.
    NotLookedUp,
    /// It is none of this installation.
    Unknown,
    Ours(Box<KeySnapshot>),
}

pub(super) fn run(
    context: &Context,
    paths: &[PathBuf],
    all_places: bool,
    fail: bool,
) -> Result<(), Failure> {
    let mut search = Search::start(all_places)?;
    for path in paths {
        search.path(path);
    }
    let found = search.end();
    let rows: Vec<(&Find, Known)> = match look_up(context, &found.keys) {
        Ok(known) => found.keys.iter().zip(known).collect(),
        Err(failure) => {
            let why = failure.message;
            output::note(&format!(
                "warning: the state of keys is not looked up: {why}"
            ));
            let unknown = std::iter::repeat_with(|| Known::NotLookedUp);
            found.keys.iter().zip(unknown).collect()
        }
    };
    print(context, &rows, all_places)?;
    unread(found.unread)?;
    match found.keys.len() {
        count if fail && count > 0 => Err(Failure::failed(format!("keys found: {count}"))),
        _ => Ok(()),
    }
}

fn look_up(context: &Context, keys: &[Find]) -> Result<Vec<Known>, Failure> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let store = context.store()?;
    let ring = ring(context, &store)?;
    keys.iter()
        .map(|key| {
            Ok(match leaks::find(&store, &ring, &key.token)? {
                Some(found) => Known::Ours(Box::new(found)),
                None => Known::Unknown,
            })
        })
        .collect()
}

/// The pepper of this database. A scan makes none and notes none down; and
/// with a wrong one every key would seem to be unknown.
fn ring(context: &Context, store: &Store) -> Result<PepperRing, Failure> {
    let ring = context.settings.load_pepper(false)?;
    for (version, fingerprint) in store.read(peppers::known)? {
        if ring.get(version).map(|pepper| pepper.fingerprint()) != Some(fingerprint) {
            return Err(Failure::failed(
                "the pepper is not the one that this database's keys were made with",
            ));
        }
    }
    Ok(ring)
}

impl Known {
    fn state(&self, now: Timestamp) -> &'static str {
        match self {
            Self::NotLookedUp => "not_looked_up",
            Self::Unknown => "unknown",
            Self::Ours(found) => leaks::state(found, now).as_str(),
        }
    }

    /// Id, name and account.
    fn whose(&self) -> [Option<String>; 3] {
        match self {
            Self::Ours(found) => [
                Some(found.key.id.to_string()),
                Some(found.key.name.to_string()),
                Some(found.key.account_id.to_string()),
            ],
            _ => [None, None, None],
        }
    }
}

fn print(context: &Context, rows: &[(&Find, Known)], all_places: bool) -> Result<(), Failure> {
    let now = context.now();
    if context.json {
        return output::json_list(rows.iter().map(|row| view(row, now)).collect());
    }
    if rows.is_empty() {
        output::note("no key found");
        return Ok(());
    }
    let mut lines = Vec::new();
    for (find, known) in rows {
        let mut start = vec![
            find.token.hint().to_string(),
            known.state(now).replace('_', " "),
        ];
        start.extend(
            known
                .whose()
                .map(|text| text.unwrap_or_else(|| "-".to_owned())),
        );
        for place in &find.places {
            let mut line = start.clone();
            if !all_places {
                line.push(find.count.to_string());
            }
            line.push(place.to_string());
            lines.push(line);
        }
    }
    let head = ["key", "state", "id", "name", "account"];
    match all_places {
        true => output::table(&[&head[..], &["where"]].concat(), lines),
        false => output::table(&[&head[..], &["places", "first"]].concat(), lines),
    }
}

fn view((find, known): &(&Find, Known), now: Timestamp) -> Value {
    let [id, name, account] = known.whose();
    json!({
        "key": find.token.hint().to_string(),
        "environment": find.token.environment().as_str(),
        "state": known.state(now),
        "id": id,
        "name": name,
        "account_id": account,
        "count": find.count,
        "places": find.places.iter().map(|place| place.json()).collect::<Vec<_>>(),
    })
}
