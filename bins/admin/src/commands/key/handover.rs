//! How the text of a key gets to whoever asked for it: once, on standard
//! output or in a new file. What can't be handed over is undone.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::json;
use torvus_domain::ApiKey;
use torvus_key_core::ApiKeyToken;
use torvus_storage::Store;
use torvus_storage::leases::Settled;

use super::view_of;
use crate::context::Context;
use crate::failure::Failure;
use crate::{output, view};

/// What is handed over.
pub(super) struct Made<'t> {
    pub(super) key: &'t ApiKey,
    pub(super) token: &'t ApiKeyToken,
    /// What is said besides: its name for programs, for people, and the value.
    pub(super) more: Vec<(&'static str, &'static str, String)>,
    /// Who had to be waited for, where something was changed.
    pub(super) settled: Option<Settled>,
}

/// Makes something with the text of a key in it, and hands that over.
pub(super) fn make<T>(
    context: &Context,
    out: Option<&Path>,
    make: impl FnOnce() -> Result<(Store, T), Failure>,
    made_of: impl Fn(&T) -> Made<'_>,
    undo: impl FnOnce(&Store, &T) -> Result<Failure, Failure>,
) -> Result<(), Failure> {
    // The file first: a key that could not be kept must not be made.
    let mut file = out.map(new_file).transpose()?;
    if file.is_none() {
        output::seen_by_somebody()?;
    }
    let made = make().and_then(|(store, made)| {
        deliver(context, &store, &made_of(&made), file.as_mut()).or_else(|unseen| {
            // Nobody has its text: it must not stay alive.
            let mut failure = undo(&store, &made)?;
            failure.message = format!("{}: {}", failure.message, unseen.message);
            Err(failure)
        })
    });
    if let (Err(_), Some(path)) = (&made, out) {
        std::fs::remove_file(path)?;
    }
    made
}

fn new_file(path: &Path) -> Result<File, Failure> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| Failure::invalid(format!("--out {}: {error}", path.display())))
}

/// Writes the key to its file, or prints it.
fn deliver(
    context: &Context,
    store: &Store,
    made: &Made<'_>,
    file: Option<&mut File>,
) -> Result<(), Failure> {
    let whole = file.is_none();
    if let Some(file) = file {
        writeln!(file, "{}", made.token.expose())?;
        file.sync_all()?;
    }
    if context.json {
        let mut json = view_of(context, store, made.key)?;
        if let Some(object) = json.as_object_mut() {
            if whole {
                object.insert("api_key".to_owned(), json!(made.token.expose()));
            }
            for (name, _, value) in &made.more {
                object.insert((*name).to_owned(), json!(value));
            }
        }
        if let Some(settled) = made.settled {
            json = view::settled(json, settled);
        }
        return output::secret(&[json.to_string()]);
    }
    let mut fields = vec![("id", made.key.id.to_string())];
    if whole {
        output::note("The key is shown once: keep it now.");
        fields.push(("api_key", made.token.expose().to_owned()));
    } else {
        output::note("The key is in the file, and nowhere else.");
    }
    fields.extend(
        made.more
            .iter()
            .map(|(_, name, value)| (*name, value.clone())),
    );
    output::secret(&output::aligned(&fields))?;
    made.settled.into_iter().for_each(output::settled);
    Ok(())
}
