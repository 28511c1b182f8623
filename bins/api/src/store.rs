//! Opens the database, and makes sure that it is the right one.

use std::sync::Arc;

use torvus_key_core::PepperRing;
use torvus_storage::{Store, StoreUrl, peppers};

use crate::failure::Failure;

/// Opens the store, applies the migrations, and checks that the pepper is the
/// one that its keys were made with: a wrong one would refuse every key.
pub(crate) fn open(url: &StoreUrl, ring: &PepperRing) -> Result<Arc<Store>, Failure> {
    let store = Store::open_for_server(url).map_err(Failure::new)?;
    for migration in store.migrate().map_err(Failure::new)? {
        tracing::info!(migration, "migration applied");
    }
    store
        .write(|c| peppers::adopt(c, ring))
        .map_err(Failure::new)?
        .map_err(Failure::new)?;
    Ok(Arc::new(store))
}
