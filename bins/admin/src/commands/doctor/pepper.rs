//! The pepper.

use torvus_settings::PepperSource;
use torvus_storage::{StorageError, Store, peppers};

use super::finding::Finding;
use crate::context::Context;
use crate::failure::Failure;

const CHECK: &str = "pepper";
const RESTORE: &str = "restore the pepper that the keys were made with";

/// The pepper at hand against those that the database knows, where it can be
/// asked.
pub(super) fn look(context: &Context, store: Option<&Store>) -> Finding {
    compared(context, store).unwrap_or_else(|error| {
        // By this name: the check of the file sends here.
        let advice = "check that the database runs, and run doctor again";
        Finding::fault(CHECK, Failure::from(error).message, advice)
    })
}

fn compared(context: &Context, store: Option<&Store>) -> Result<Finding, StorageError> {
    let known = match store {
        Some(store) => store.read(peppers::known)?,
        None => Vec::new(),
    };
    let ring = match context.settings.load_pepper(false) {
        Ok(ring) => ring,
        Err(_) if known.is_empty() && may_be_made(context) => {
            return Ok(Finding::ok(CHECK, "none yet, and no key needs one"));
        }
        Err(error) => return Ok(Finding::fault(CHECK, error, RESTORE)),
    };
    let wrong = known
        .iter()
        .find_map(|(version, fingerprint)| match ring.get(*version) {
            None => Some(format!("version {version} is missing")),
            Some(pepper) if pepper.fingerprint() != *fingerprint => Some(format!(
                "version {version} is not the one that the keys were made with"
            )),
            Some(_) => None,
        });
    Ok(match wrong {
        Some(what) => Finding::fault(CHECK, what, RESTORE),
        None => Finding::ok(
            CHECK,
            format!("version {} is current", ring.current().version()),
        ),
    })
}

/// Whether the first start would make one.
fn may_be_made(context: &Context) -> bool {
    let source = &context.settings.pepper;
    !context.settings.is_postgres()
        && matches!(source, PepperSource::DataDir(path) if !path.exists())
}
