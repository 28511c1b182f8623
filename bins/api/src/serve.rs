//! From the settings to a server, and to its end.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App as ActixApp, HttpServer, web};
use arc_swap::ArcSwap;
use chrono::TimeDelta;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use torvus_audit::journal::{Durability, Journals};
use torvus_authz::RouteTable;
use torvus_dashboard::Dashboard;
use torvus_domain::{Clock, KeyMaterial, NodeId, PlanName, Plans, SystemClock};
use torvus_gate::{Gate, KeyCache};
use torvus_key_core::PepperRing;
use torvus_keyring::sessions;
use torvus_ratelimit::Limiter;
use torvus_settings::{AuditDurability, PepperSource, Settings, SettingsArgs, environment};
use torvus_storage::{Store, StoreUrl, accounts, budgets, idempotency, leases, nodes};
use torvus_web::Guard;

use crate::app::App;
use crate::cli::{Cli, Command, Serve};
use crate::failure::Failure;
use crate::health::{self, Health};
use crate::http::{self, Port};
use crate::indexer::{self, Indexer};
use crate::leaks::{self, Leaks};
use crate::lease::Lease;
use crate::material::Material;
use crate::reload::Live;
use crate::{bootstrap, logging, process, store, telemetry, v1};

/// How long what is recorded may take to be written at the end.
const FLUSH_WAIT: Duration = Duration::from_secs(5);
/// How many keys are remembered at most.
const KEYS_MAX: usize = 250_000;
/// How long a change may be under way before it is held to be dead.
const CHANGE_MAX: TimeDelta = TimeDelta::minutes(1);
/// How long a server is remembered that ended without taking its leave.
const SILENT_MAX: TimeDelta = TimeDelta::days(1);
/// How often what has become useless is thrown away.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// Runs the command until it ends.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let Command::Serve(args) = cli.command;
    let settings = Settings::load(&cli.settings, &environment)?;
    let url = StoreUrl::parse(settings.database_url()).map_err(Failure::usage)?;
    known_plan(&args, &settings.plans)?;
    if let Some(keys) = &settings.github_secret_scanning {
        leaks::check(keys)?;
    }
    process::harden()?;
    logging::start();
    let start = serve(&args, &cli.settings, settings, &url);
    actix_web::rt::System::new().block_on(start)
}

fn known_plan(args: &Serve, plans: &Plans) -> Result<(), Failure> {
    match &args.plan {
        Some(plan) if plans.get(plan).is_none() => {
            let names: Vec<&str> = plans.names().map(PlanName::as_str).collect();
            Err(Failure::usage(format!(
                "--plan {plan}: there is no such plan: use {}",
                names.join(", ")
            )))
        }
        _ => Ok(()),
    }
}

async fn serve(
    args: &Serve,
    given_settings: &SettingsArgs,
    settings: Settings,
    url: &StoreUrl,
) -> Result<(), Failure> {
    let signals = Signals::install()?;
    // A pepper that is there is read before anything is bound or written.
    let first_start = !settings.is_postgres()
        && matches!(&settings.pepper, PepperSource::DataDir(path) if !path.exists());
    let given = match first_start {
        true => None,
        false => Some(settings.load_pepper(false)?),
    };
    let public = bind(settings.listen)?;
    let admin = bind(settings.admin_listen)?;
    settings.prepare_data_dir()?;
    let journals = Arc::new(open_journals(&settings)?);
    let store = store::open(url)?;
    let used = store.read(accounts::plans).map_err(Failure::new)?;
    store::plans_known(&used, &settings.plans)?;
    let ring = store::pepper(&store, &settings, given)?;
    indexer::recover(&store, &journals)?;
    let parts = Parts::assemble(store, ring, settings, journals)?;
    let address = public.local_addr()?;
    bootstrap::run(
        args,
        &parts.store,
        &parts.material.peppers(),
        &parts.live.plans.load(),
        &*parts.clock,
        address,
    )?;
    parts.spawn_reload(given_settings, signals.hangup);
    parts.run(public, admin, signals.stop, address).await
}

/// Opens the journals, of which no other server has any in the same folder.
fn open_journals(settings: &Settings) -> Result<Journals, Failure> {
    let durability = match settings.audit_durability {
        AuditDurability::Process => Durability::Process,
        AuditDurability::Power => Durability::Power,
    };
    let (folder, workers) = (settings.journal(), http::workers(settings.workers));
    Journals::open(&folder, durability, workers, settings.journal_max)
        .map_err(|error| Failure::new(format!("{}: {error}", folder.display())))
}

fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .map_err(|error| Failure::new(format!("{address} can't be listened on: {error}")))
}

/// The signals, caught from before the port is open.
struct Signals {
    stop: StopSignals,
    hangup: Signal,
    /// Caught, so that a file at its limit is an error and not the end.
    _file_size: Signal,
}

struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn install() -> std::io::Result<Self> {
        Ok(Self {
            stop: StopSignals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            },
            hangup: signal(SignalKind::hangup())?,
            _file_size: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }
}

/// Everything that a running server is made of.
struct Parts {
    settings: Settings,
    store: Arc<Store>,
    material: Arc<Material>,
    live: Live,
    clock: Arc<dyn Clock>,
    limiter: Arc<Limiter>,
    keys: KeyCache,
    journals: Arc<Journals>,
    app: web::Data<App>,
    health: web::Data<Health>,
}

impl Parts {
    fn assemble(
        store: Arc<Store>,
        ring: PepperRing,
        settings: Settings,
        journals: Arc<Journals>,
    ) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let routes = RouteTable::torvus();
        let material = Arc::new(Material::new(
            ring,
            Arc::clone(&store),
            settings.clone(),
            Arc::clone(&clock),
        ));
        let limiter = Arc::new(Limiter::memory());
        let live = Live::of(&settings);
        let keys = KeyCache::new(Arc::clone(&store) as _, Arc::clone(&limiter), KEYS_MAX);
        // Two doors with one lock: only what lies behind them differs.
        let guard = |routes| Guard {
            gate: Gate::new(
                keys.clone(),
                Arc::clone(&material) as _,
                routes,
                Arc::clone(&live.plans),
            ),
            journals: Arc::clone(&journals),
            clock: Arc::clone(&clock),
            proxies: Arc::clone(&live.proxies),
        };
        let own = guard(Arc::new(ArcSwap::from_pointee(routes.clone())));
        let forward = guard(Arc::clone(&live.routes));
        let context = Arc::new(v1::Context {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
        });
        let signers = settings.github_secret_scanning.clone();
        let leaks = signers.map(|keys| Leaks {
            keys,
            store: Arc::clone(&store),
            material: Arc::clone(&material) as _,
            clock: Arc::clone(&clock),
            places: leaks::places(),
        });
        let dashboard = settings.dashboard.then(|| {
            Dashboard::new(torvus_dashboard::Parts {
                store: Arc::clone(&store),
                clock: Arc::clone(&clock),
                material: Arc::clone(&material) as _,
                plans: Arc::clone(&live.plans),
                proxies: Arc::clone(&live.proxies),
                limiter: Arc::clone(&limiter),
                routes: Arc::new(ArcSwap::from_pointee(routes.clone())),
                index: indexer::on_demand(Arc::clone(&store), Arc::clone(&journals)),
                forward: Arc::clone(&live.routes),
            })
        });
        let dashboard = dashboard.transpose().map_err(Failure::new)?;
        let health = Health {
            store: Arc::clone(&store),
            journals: Arc::clone(&journals),
            clock: Arc::clone(&clock),
            node: NodeId::new(clock.now().wall),
            draining: AtomicBool::new(false),
            metrics: telemetry::start()?,
        };
        Ok(Self {
            app: web::Data::new(App::new(&routes, own, forward, context, leaks, dashboard)?),
            health: web::Data::new(health),
            settings,
            store,
            material,
            live,
            clock,
            limiter,
            keys,
            journals,
        })
    }

    async fn run(
        self,
        public: TcpListener,
        admin: TcpListener,
        signals: StopSignals,
        address: SocketAddr,
    ) -> Result<(), Failure> {
        let port = Port {
            listener: public,
            workers: self.settings.workers,
            connections_max: process::connections_max(),
        };
        let server = http::serve(port, self.app.clone())?;
        let health = self.health.clone();
        let operators = HttpServer::new(move || {
            ActixApp::new()
                .app_data(health.clone())
                .configure(health::configure)
        })
        .workers(1)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(admin)?
        .run();
        let (handle, operators_handle) = (server.handle(), operators.handle());
        actix_web::rt::spawn(operators);
        let (node, now) = (self.health.node, self.clock.now().wall);
        self.store
            .write(|c| nodes::touch(c, node, now, env!("CARGO_PKG_VERSION")))
            .map_err(Failure::new)?;
        let indexer = Indexer::start(Arc::clone(&self.store), Arc::clone(&self.journals))?;
        let (keys, clock) = (self.keys.clone(), Arc::clone(&self.clock));
        let (material, runtime) = (Arc::clone(&self.material), Handle::current());
        let heed = move || runtime.block_on(material.heed());
        let lease = Lease::start(self.store.url(), node, keys, clock, heed)?;
        let _tidy = self.spawn_tidy()?;
        self.spawn_drain(handle, signals.terminate, signals.interrupt);
        announce(address)?;
        server.await?;
        operators_handle.stop(true).await;
        self.finish(lease, indexer)
    }

    /// Indexes what is still to be indexed, and takes its leave; a database
    /// that does not answer can't hold it up. What is not indexed then is so
    /// at the next start.
    fn finish(self, lease: Lease, indexer: Indexer) -> Result<(), Failure> {
        let (store, node) = (self.store, self.health.node);
        let (done, waits) = channel();
        std::thread::Builder::new()
            .name("finish".to_owned())
            .spawn(move || {
                lease.stop();
                indexer.stop();
                let removed = store.write(|c| nodes::remove(c, node));
                // Where the time was up, nobody waits.
                done.send(removed.is_ok()).unwrap_or_default();
            })?;
        match waits.recv_timeout(FLUSH_WAIT) {
            Ok(true) => {}
            Ok(false) => tracing::warn!("this node could not be taken off the list"),
            Err(_) => tracing::warn!("the rest of the audit log is indexed at the next start"),
        }
        tracing::info!("stopped");
        Ok(())
    }

    /// On SIGTERM: not ready any more, wait, then finish what is under way.
    fn spawn_drain(&self, handle: ServerHandle, mut terminate: Signal, mut interrupt: Signal) {
        let (health, delay) = (self.health.clone(), self.settings.drain_delay);
        actix_web::rt::spawn(async move {
            let patient = tokio::select! {
                _ = terminate.recv() => true,
                _ = interrupt.recv() => false,
            };
            health.draining.store(true, Ordering::SeqCst);
            tracing::info!("draining");
            if patient {
                tokio::time::sleep(delay).await;
            }
            handle.stop(true).await;
        });
    }

    fn spawn_reload(&self, given: &SettingsArgs, hangup: Signal) {
        let (live, store) = (self.live.clone(), Arc::clone(&self.store));
        let material = Arc::clone(&self.material);
        actix_web::rt::spawn(live.reload_on(hangup, given.clone(), store, material));
    }

    /// Throws away what has become useless, now and then, until what this gives
    /// is dropped. On a thread of its own: the runtime's end waits for queries
    /// that it was given, and one that hangs must not hold up a stop.
    fn spawn_tidy(&self) -> std::io::Result<Sender<()>> {
        let (limiter, clock, store) = (
            Arc::clone(&self.limiter),
            Arc::clone(&self.clock),
            Arc::clone(&self.store),
        );
        let (metrics, node) = (self.health.metrics.clone(), self.health.node);
        let (stop, stopped) = channel();
        let tidy = move || {
            telemetry::keys(&store, clock.now().wall);
            while stopped.recv_timeout(TIDY_EVERY) == Err(RecvTimeoutError::Timeout) {
                let now = clock.now();
                telemetry::keys(&store, now.wall);
                limiter.sweep(&now);
                telemetry::tidy(&metrics, limiter.budgets());
                let old = now.wall - TimeDelta::hours(idempotency::KEPT_HOURS);
                let tidied = store.write(|c| {
                    nodes::touch(c, node, now.wall, env!("CARGO_PKG_VERSION"))?;
                    nodes::forget(c, now.wall - SILENT_MAX)?;
                    idempotency::prune(c, old)?;
                    leases::abandon(c, now.wall - CHANGE_MAX)?;
                    leases::prune(c)?;
                    sessions::tidy(c, now.wall)?;
                    budgets::prune(c, now.wall)
                });
                if tidied.is_err() {
                    tracing::warn!("what has become useless could not be removed");
                }
            }
        };
        std::thread::Builder::new()
            .name("tidy".to_owned())
            .spawn(tidy)?;
        Ok(stop)
    }
}

fn announce(address: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on http://{address}")?;
    out.flush()
}
