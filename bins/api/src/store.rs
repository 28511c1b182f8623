//! Opens the database, and makes sure that it is the right one.

use std::sync::Arc;

use torvus_key_core::PepperRing;
use torvus_settings::Settings;
use torvus_storage::peppers::{self, WrongPepper};
use torvus_storage::{StorageError, Store, StoreUrl};

use crate::failure::Failure;

/// Opens the store, applies the migrations, and checks that the pepper is the
/// one that its keys were made with: a wrong one would refuse every key.
pub(crate) fn open(
    settings: &Settings,
    url: &StoreUrl,
    ring: &PepperRing,
) -> Result<Arc<Store>, Failure> {
    let store = Store::open_for_server(url).map_err(Failure::new)?;
    for migration in store.migrate().map_err(Failure::new)? {
        tracing::info!(migration, "migration applied");
    }
    for pepper in ring.iter() {
        let check =
            |c: &mut _| match peppers::check_or_insert(c, pepper.version(), pepper.fingerprint()) {
                Err(WrongPepper::Storage(error)) => Err(error),
                other => Ok(other),
            };
        store
            .write(check)
            .map_err(Failure::new)?
            .map_err(Failure::new)?;
    }
    let known = store
        .read(peppers::known)
        .map_err(|error: StorageError| Failure::new(error))?;
    if let Some((version, _)) = known
        .iter()
        .find(|(version, _)| ring.get(*version).is_none())
    {
        return Err(Failure::new(format!(
            "version {version} of the pepper is missing, and keys of this database were made with it \
             (data folder {})",
            settings.data_dir.display()
        )));
    }
    Ok(Arc::new(store))
}
