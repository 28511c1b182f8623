//! The key with which checkpoints and prunings are signed.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use torvus_audit::{PublicKey, Signer};
use torvus_storage::{Store, signers};

use crate::context::Context;
use crate::failure::Failure;
use crate::output;

fn path(context: &Context) -> PathBuf {
    context.settings.data_dir.join("audit-key")
}

/// The key of the data folder, if it has one.
pub(super) fn find(context: &Context) -> Result<Option<Signer>, Failure> {
    let path = path(context);
    match std::fs::read_to_string(&path) {
        Ok(text) => Signer::from_text(&zeroize::Zeroizing::new(text))
            .map(Some)
            .map_err(|error| Failure::failed(format!("{}: {error}", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::failed(format!("{}: {error}", path.display()))),
    }
}

/// The key of the data folder; made at its first use, 0600, and its public
/// half is told. All data folders of one database sign with the same key: a
/// log that was signed by several is proven by none of them alone.
pub(super) fn find_or_make(context: &Context, store: &Store) -> Result<Signer, Failure> {
    let signs = store.read(signers::current)?;
    let own = find(context)?;
    let path = path(context);
    match (own, signs) {
        (Some(own), Some(signs)) if own.public().to_string() != signs => {
            Err(Failure::refused(format!(
                "this log is signed by {signs}, and {} is another key: put the right one there, \
                 or make a new one that signs from now on with `audit checkpoint --new-key`",
                path.display()
            )))
        }
        (Some(own), Some(_)) => Ok(own),
        (Some(own), None) => signs_now(context, store, own),
        (None, Some(signs)) => Err(Failure::refused(format!(
            "this log is signed by {signs}, whose file `audit-key` is in another data folder: copy \
             it to {} (0600), or make a new one with `audit checkpoint --new-key`",
            path.display()
        ))),
        (None, None) => make(context, store),
    }
}

/// A new key in the place of the data folder's, which is kept beside it.
pub(super) fn replace(context: &Context, store: &Store) -> Result<Signer, Failure> {
    let path = path(context);
    if let Some(old) = find(context)? {
        let kept = path.with_file_name(format!("audit-key.{}", context.now().timestamp()));
        let shown = kept.display();
        std::fs::rename(&path, &kept)
            .map_err(|error| Failure::failed(format!("{shown}: {error}")))?;
        output::note(&format!(
            "the old key is kept in {shown}; what it signed is verified with --public-key {}",
            old.public()
        ));
    }
    make(context, store)
}

fn make(context: &Context, store: &Store) -> Result<Signer, Failure> {
    context.settings.prepare_data_dir()?;
    let (signer, path) = (Signer::generate().map_err(Failure::failed)?, path(context));
    let made = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| {
            file.write_all(signer.to_text().as_bytes())?;
            file.sync_all()
        });
    match made {
        Ok(()) => {
            output::note(&format!("a new key signs from now on: {}", path.display()));
            output::note(&format!(
                "keep its public half elsewhere: {}",
                signer.public()
            ));
            signs_now(context, store, signer)
        }
        // Another command was faster.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            find_or_make(context, store)
        }
        Err(error) => Err(Failure::failed(format!("{}: {error}", path.display()))),
    }
}

fn signs_now(context: &Context, store: &Store, signer: Signer) -> Result<Signer, Failure> {
    let (public, now) = (signer.public().to_string(), context.now());
    store.write(|c| signers::note(c, &public, now))?;
    Ok(signer)
}

/// The keys that may have signed: those that were named, or that of the data
/// folder.
pub(super) fn trusted(context: &Context, named: &[String]) -> Result<Vec<PublicKey>, Failure> {
    if named.is_empty() {
        return Ok(find(context)?.iter().map(Signer::public).collect());
    }
    let read = |text: &String| crate::context::value("--public-key", text);
    named.iter().map(read).collect()
}
