//! What can change while the server runs: plans, routes, trusted proxies, and
//! the pepper.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::signal::unix::Signal;
use torvus_authz::RouteTable;
use torvus_domain::{Plans, TrustedProxies};
use torvus_settings::{Settings, SettingsArgs, environment};
use torvus_storage::{Store, accounts};

use crate::failure::Failure;
use crate::material::Material;
use crate::store::plans_known;

/// The settings in force, each shared with those who go by it.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) plans: Arc<ArcSwap<Plans>>,
    pub(crate) proxies: Arc<ArcSwap<TrustedProxies>>,
    pub(crate) routes: Arc<ArcSwap<RouteTable>>,
}

impl Live {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            plans: Arc::new(ArcSwap::from_pointee(settings.plans.clone())),
            proxies: Arc::new(ArcSwap::from_pointee(settings.trusted_proxies.clone())),
            routes: Arc::new(ArcSwap::from_pointee(settings.routes.clone())),
        }
    }

    /// On each SIGHUP: the settings anew. A bad one changes nothing.
    pub(crate) async fn reload_on(
        self,
        mut hangup: Signal,
        args: SettingsArgs,
        store: Arc<Store>,
        material: Arc<Material>,
    ) {
        while hangup.recv().await.is_some() {
            match reloaded(&args, &store, &material).await {
                Ok(settings) => {
                    self.plans.store(Arc::new(settings.plans));
                    self.proxies.store(Arc::new(settings.trusted_proxies));
                    self.routes.store(Arc::new(settings.routes));
                    tracing::info!(
                        "plans, routes, trusted proxies and the pepper reloaded; other settings need a restart"
                    );
                }
                Err(error) => {
                    tracing::error!(%error, "the settings are refused; the old ones stay");
                }
            }
        }
    }
}

async fn reloaded(
    args: &SettingsArgs,
    store: &Store,
    material: &Material,
) -> Result<Settings, Failure> {
    let settings = Settings::load(args, &environment)?;
    let used = store
        .run_read(accounts::plans)
        .await
        .map_err(Failure::new)?;
    plans_known(&used, &settings.plans)?;
    material.reload(&settings).await?;
    Ok(settings)
}
