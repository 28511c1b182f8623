//! The flags.

use std::path::PathBuf;

/// The settings as flags: before or after the subcommand. Each also as
/// `TORVUS_…` in the environment and in the file.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct SettingsArgs {
    /// File with settings (TOML)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for the database, the journals and the pepper [default: ./data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// sqlite:FILE or postgres://… [default: torvus.db in the data folder]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Redis or Valkey, to count limits across nodes
    #[arg(long, global = true, value_name = "URL", hide = true)]
    pub redis_url: Option<String>,
    /// Public address; port 0 picks one [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// Address of /livez, /readyz and /metrics [default: 127.0.0.1:8081]
    #[arg(long, global = true, value_name = "ADDR:PORT")]
    pub admin_listen: Option<String>,
    /// Worker threads [default: one per core]
    #[arg(long, global = true, value_name = "N")]
    pub workers: Option<String>,
    /// Address or network of a proxy whose X-Forwarded-… headers count; may be repeated
    #[arg(long = "trusted-proxy", global = true, value_name = "CIDR")]
    pub trusted_proxies: Vec<String>,
    /// File with the pepper [default: pepper in the data folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub pepper_file: Option<String>,
    /// When a record counts as safe: process or power [default: process]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub audit_durability: Option<String>,
    /// Records that may wait to be indexed, as a size; then requests are 503 [default: 4GiB]
    #[arg(long, global = true, value_name = "SIZE")]
    pub journal_max: Option<String>,
    /// How long to go on serving after SIGTERM, such as 5s [default: 0s]
    #[arg(long, global = true, value_name = "DURATION")]
    pub drain_delay: Option<String>,
    /// File with the routes of the API behind /auth/forward (TOML) [default: those of /v1]
    #[arg(long, global = true, value_name = "FILE")]
    pub routes: Option<String>,
    /// File with the public keys of GitHub's secret scanning (JSON): turns /leaks/github on
    #[arg(long, global = true, value_name = "FILE")]
    pub github_secret_scanning: Option<String>,
    /// Address for Envoy's gRPC check
    #[arg(long, global = true, value_name = "ADDR:PORT", hide = true)]
    pub grpc_listen: Option<String>,
    /// Serve no dashboard
    #[arg(long, global = true)]
    pub no_dashboard: bool,
}

/// What is wrong with a command line, in one line: what clap says, without
/// the usage that it repeats.
#[must_use]
pub fn usage_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let said = text.split("\n\nUsage:").next().unwrap_or_default();
    let said = said
        .split("\n\nFor more information")
        .next()
        .unwrap_or_default();
    let words: Vec<&str> = said.split_whitespace().collect();
    words.join(" ").trim_start_matches("error: ").to_owned()
}
