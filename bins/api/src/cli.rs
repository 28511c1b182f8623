//! The command line.

use clap::{Args, Parser, Subcommand};
use torvus_domain::{Email, PlanName};
use torvus_settings::SettingsArgs;

/// Torvus: an API behind keys that are checked, limited, recorded and revoked
#[derive(Parser)]
#[command(
    name = "torvus-api",
    version,
    arg_required_else_help = true,
    after_help = "Settings are also TORVUS_… variables (TORVUS_LISTEN, …) and lines of the file."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Apply the migrations and serve
    #[command(after_help = "Example:\n  torvus-api serve --bootstrap you@example.com")]
    Serve(Serve),
}

#[derive(Args)]
pub(crate) struct Serve {
    /// Make an account with a live and a test key, if this address has none, and print the keys once
    #[arg(long, value_name = "EMAIL")]
    pub(crate) bootstrap: Option<Email>,
    /// The plan of that account [default: professional]
    #[arg(long, value_name = "PLAN", requires = "bootstrap")]
    pub(crate) plan: Option<PlanName>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
