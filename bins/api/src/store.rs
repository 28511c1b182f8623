//! Opens the database, and makes sure that it is the right one.

use std::sync::Arc;

use torvus_domain::{PlanName, Plans};
use torvus_key_core::PepperRing;
use torvus_settings::Settings;
use torvus_storage::{Store, StoreUrl, peppers};

use crate::failure::Failure;

/// Opens the store and applies the migrations.
pub(crate) fn open(url: &StoreUrl) -> Result<Arc<Store>, Failure> {
    let store = Store::open_for_server(url).map_err(Failure::new)?;
    for migration in store.migrate().map_err(Failure::new)? {
        tracing::info!(migration, "migration applied");
    }
    Ok(Arc::new(store))
}

/// Every plan that an account is on is among these: an account on any other
/// would be answered 503.
pub(crate) fn plans_known(used: &[PlanName], plans: &Plans) -> Result<(), Failure> {
    match used.iter().find(|name| plans.get(name).is_none()) {
        None => Ok(()),
        Some(name) => Err(Failure::new(format!(
            "accounts are on the plan {name}, which the settings do not have: add [plans.{name}] to \
             the file, or move them with torvus-admin account set-plan"
        ))),
    }
}

/// The pepper, which must be the one that the store's keys were made with: a
/// wrong one would refuse every key. One is made only where none is known.
pub(crate) fn pepper(
    store: &Store,
    settings: &Settings,
    given: Option<PepperRing>,
) -> Result<PepperRing, Failure> {
    let ring = match given {
        Some(ring) => ring,
        None => {
            let first = store.read(peppers::known).map_err(Failure::new)?.is_empty();
            settings.load_pepper(first)?
        }
    };
    store
        .write(|c| peppers::adopt(c, &ring))
        .map_err(Failure::new)?
        .map_err(Failure::new)?;
    Ok(ring)
}
