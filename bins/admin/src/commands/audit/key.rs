//! The key with which checkpoints and prunings are signed.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use torvus_audit::{PublicKey, Signer};

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
/// half is told.
pub(super) fn find_or_make(context: &Context) -> Result<Signer, Failure> {
    if let Some(signer) = find(context)? {
        return Ok(signer);
    }
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
            Ok(signer)
        }
        // Another command was faster.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => find_or_make(context),
        Err(error) => Err(Failure::failed(format!("{}: {error}", path.display()))),
    }
}

/// The key that must have signed: the one that was named, or that of the data
/// folder.
pub(super) fn trusted(
    context: &Context,
    named: Option<&str>,
) -> Result<Option<PublicKey>, Failure> {
    match named {
        Some(text) => crate::context::value("--public-key", text).map(Some),
        None => Ok(find(context)?.map(|signer| signer.public())),
    }
}
