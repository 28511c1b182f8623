//! The settings, checked.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use torvus_authz::RouteTable;
use torvus_domain::{Plans, TrustedProxies};

use crate::file::FileSettings;
use crate::layers::{Environment, Layers};
use crate::{PepperSource, SettingsArgs, SettingsError};

/// What may wait to be indexed where nothing is said.
const JOURNAL_MAX: u64 = 4 << 30;
/// Less than this would be a few segments.
const JOURNAL_LEAST: u64 = 64 << 20;

/// When a record counts as safe (public contract, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditDurability {
    /// It survives the process being killed.
    Process,
    /// It survives a power cut.
    Power,
}

/// What both programs go by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The settings file, where one was named.
    pub config: Option<PathBuf>,
    /// Where the database file and the pepper lie.
    pub data_dir: PathBuf,
    database_url: SecretString,
    /// The public address.
    pub listen: SocketAddr,
    /// The address for operators.
    pub admin_listen: SocketAddr,
    /// Worker threads; one per core where not given.
    pub workers: Option<usize>,
    /// How long to go on serving after SIGTERM.
    pub drain_delay: Duration,
    /// Where the pepper comes from.
    pub pepper: PepperSource,
    /// The plans.
    pub plans: Plans,
    /// When a record counts as safe.
    pub audit_durability: AuditDurability,
    /// How many bytes of records may wait to be indexed.
    pub journal_max: u64,
    /// Whether the dashboard is wanted.
    pub dashboard: bool,
    /// Whose word on a request's origin counts.
    pub trusted_proxies: TrustedProxies,
    /// The routes of the API behind `/auth/forward`.
    pub routes: RouteTable,
    /// The file with the keys that GitHub signs its reports of leaked keys
    /// with. Where there is none, none is taken.
    pub github_secret_scanning: Option<PathBuf>,
}

impl Settings {
    /// Reads flags, environment and file, and checks every value.
    ///
    /// # Errors
    /// [`SettingsError`]: one line that names the place, the setting and its value.
    pub fn load(args: &SettingsArgs, environment: Environment<'_>) -> Result<Self, SettingsError> {
        let config = match &args.config {
            Some(path) => Some(path.clone()),
            None => environment("TORVUS_CONFIG")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
        };
        let file = match &config {
            Some(path) => FileSettings::read(path)?,
            None => FileSettings::default(),
        };
        let layers = Layers {
            environment,
            file: config.as_deref(),
        };
        refuse_unbuilt(args, &layers, &file)?;

        let data_dir = PathBuf::from(
            layers
                .find(
                    "--data-dir",
                    args.data_dir.as_ref(),
                    "TORVUS_DATA_DIR",
                    file.data_dir.clone(),
                )?
                .map_or_else(|| "./data".to_owned(), |found| found.text),
        );
        let database_url = layers
            .find(
                "--database-url",
                args.database_url.as_ref(),
                "TORVUS_DATABASE_URL",
                file.database_url.clone(),
            )?
            .map_or_else(
                || format!("sqlite:{}", data_dir.join("torvus.db").display()),
                |found| found.text,
            );
        let address = |flag, given, variable, filed, default: SocketAddr| {
            layers
                .find(flag, given, variable, filed)?
                .map_or(Ok(default), |found| {
                    found.parse(|text| {
                        text.parse::<SocketAddr>()
                            .map_err(|_| "use an address and a port, such as 127.0.0.1:8080")
                    })
                })
        };
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Ok(Self {
            listen: address(
                "--listen",
                args.listen.as_ref(),
                "TORVUS_LISTEN",
                file.listen.clone(),
                loopback(8080),
            )?,
            admin_listen: address(
                "--admin-listen",
                args.admin_listen.as_ref(),
                "TORVUS_ADMIN_LISTEN",
                file.admin_listen.clone(),
                loopback(8081),
            )?,
            workers: layers
                .find(
                    "--workers",
                    args.workers.as_ref(),
                    "TORVUS_WORKERS",
                    file.workers.map(|n| n.to_string()),
                )?
                .map(|found| found.parse(workers))
                .transpose()?,
            drain_delay: layers
                .find(
                    "--drain-delay",
                    args.drain_delay.as_ref(),
                    "TORVUS_DRAIN_DELAY",
                    file.drain_delay.clone(),
                )?
                .map(|found| found.parse(delay))
                .transpose()?
                .unwrap_or_default(),
            pepper: PepperSource::find(args, &layers, &file, &data_dir)?,
            plans: file.plans(config.as_deref())?,
            audit_durability: layers
                .find(
                    "--audit-durability",
                    args.audit_durability.as_ref(),
                    "TORVUS_AUDIT_DURABILITY",
                    file.audit_durability.clone(),
                )?
                .map(|found| found.parse(durability))
                .transpose()?
                .unwrap_or(AuditDurability::Process),
            journal_max: layers
                .find(
                    "--journal-max",
                    args.journal_max.as_ref(),
                    "TORVUS_JOURNAL_MAX",
                    file.journal_max.clone(),
                )?
                .map(|found| found.parse(size))
                .transpose()?
                .unwrap_or(JOURNAL_MAX),
            dashboard: dashboard(args, &layers, &file)?,
            trusted_proxies: trusted_proxies(args, &layers, &file)?,
            routes: routes(args, &layers, &file)?,
            github_secret_scanning: layers
                .find(
                    "--github-secret-scanning",
                    args.github_secret_scanning.as_ref(),
                    "TORVUS_GITHUB_SECRET_SCANNING",
                    file.github_secret_scanning.clone(),
                )?
                .map(|found| PathBuf::from(found.text)),
            config,
            data_dir,
            database_url: SecretString::from(database_url),
        })
    }

    /// `sqlite:FILE` or `postgres://…`; may hold a password, so it is not for
    /// showing.
    #[must_use]
    pub fn database_url(&self) -> &str {
        self.database_url.expose_secret()
    }

    /// Where the journals lie.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.data_dir.join("journal")
    }

    /// Whether the database is a server that several nodes share.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        let url = self.database_url();
        url.starts_with("postgres:") || url.starts_with("postgresql:")
    }
}

fn workers(text: &str) -> Result<usize, &'static str> {
    text.parse()
        .ok()
        .filter(|n| (1..=1_024).contains(n))
        .ok_or("use a number from 1 to 1024")
}

fn delay(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text)
        .ok()
        .filter(|delay| *delay <= Duration::from_secs(3_600))
        .ok_or("use a duration such as 5s, at most 1h")
}

/// A size as people write it: a number of bytes, or of KiB, MiB or GiB.
fn size(text: &str) -> Result<u64, &'static str> {
    let wrong = "use a size from 64MiB up, such as 4GiB";
    let units = [
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
        ("", 1),
    ];
    let (number, unit) = units
        .into_iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))
        .ok_or(wrong)?;
    let number: u64 = number.trim_end().parse().map_err(|_| wrong)?;
    number
        .checked_mul(unit)
        .filter(|bytes| *bytes >= JOURNAL_LEAST)
        .ok_or(wrong)
}

fn durability(text: &str) -> Result<AuditDurability, &'static str> {
    match text {
        "process" => Ok(AuditDurability::Process),
        "power" => Ok(AuditDurability::Power),
        _ => Err("use process or power"),
    }
}

fn dashboard(
    args: &SettingsArgs,
    layers: &Layers<'_>,
    file: &FileSettings,
) -> Result<bool, SettingsError> {
    if args.no_dashboard {
        return Ok(false);
    }
    let off = layers.find("--no-dashboard", None, "TORVUS_NO_DASHBOARD", None)?;
    match off {
        Some(found) => found.parse(|text| match text {
            "1" | "true" => Ok(false),
            "0" | "false" => Ok(true),
            _ => Err("use true or false"),
        }),
        None => Ok(file.dashboard.unwrap_or(true)),
    }
}

fn trusted_proxies(
    args: &SettingsArgs,
    layers: &Layers<'_>,
    file: &FileSettings,
) -> Result<TrustedProxies, SettingsError> {
    let list = |list: &[String]| (!list.is_empty()).then(|| list.join(","));
    let found = layers.find(
        "--trusted-proxy",
        list(&args.trusted_proxies).as_ref(),
        "TORVUS_TRUSTED_PROXIES",
        file.trusted_proxies.as_deref().and_then(list),
    )?;
    let parse = |text: &str| TrustedProxies::parse(text);
    let parsed = found.map(|found| found.parse(parse)).transpose()?;
    Ok(parsed.unwrap_or_default())
}

/// Reads the file of routes; a name in it is meant from where the program runs.
fn routes(
    args: &SettingsArgs,
    layers: &Layers<'_>,
    file: &FileSettings,
) -> Result<RouteTable, SettingsError> {
    let found = layers.find(
        "--routes",
        args.routes.as_ref(),
        "TORVUS_ROUTES",
        file.routes.clone(),
    )?;
    let Some(found) = found else {
        return Ok(RouteTable::torvus());
    };
    found.parse(|path| {
        let text =
            std::fs::read_to_string(path).map_err(|error| format!("can't be read: {error}"))?;
        RouteTable::parse(&text).map_err(|error| error.to_string())
    })
}

/// A setting whose part this version does not have must not be ignored.
fn refuse_unbuilt(
    args: &SettingsArgs,
    layers: &Layers<'_>,
    file: &FileSettings,
) -> Result<(), SettingsError> {
    let found = [
        layers.find(
            "--redis-url",
            args.redis_url.as_ref(),
            "TORVUS_REDIS_URL",
            file.redis_url.clone(),
        )?,
        layers.find(
            "--grpc-listen",
            args.grpc_listen.as_ref(),
            "TORVUS_GRPC_LISTEN",
            file.grpc_listen.clone(),
        )?,
    ];
    match found.into_iter().flatten().next() {
        None => Ok(()),
        Some(found) => Err(not_yet(&found.origin)),
    }
}

fn not_yet(setting: &dyn std::fmt::Display) -> SettingsError {
    SettingsError::new(format!(
        "{setting}: this version can't do that yet; leave the setting out"
    ))
}

/// The folder of a path, `.` where it has none.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}
