//! The command line (public contract, section 6).

mod account;
mod audit;
pub(crate) mod import;
mod key;
mod leak;
mod pepper;
mod why;

use std::path::PathBuf;

use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};
use torvus_settings::SettingsArgs;

pub(crate) use account::Account;
pub(crate) use audit::{Audit, Filters, Format};
pub(crate) use key::{Key, KeyCreate, KeyRotate, KeyUpdate};
pub(crate) use leak::Leak;
pub(crate) use pepper::Pepper;
pub(crate) use why::{KeyChange, KeyExplain};

const EXIT_CODES: &str = "Settings are also TORVUS_… variables (TORVUS_DATA_DIR, …) and lines of the file.\n\n\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, \
4 invalid input or conflict, 5 refused, 6 a backend is unavailable";

/// Manage accounts, keys and the audit log
#[derive(Parser)]
#[command(name = "torvus-admin", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Ask nothing
    #[arg(long, short = 'y', global = true)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

/// What a command is most likely to need beside its own flags.
const SETTINGS_IN_SHORT_HELP: [&str; 3] = ["config", "data_dir", "database_url"];

impl Cli {
    /// Reads the command line.
    pub(crate) fn read() -> Result<Self, clap::Error> {
        let mut matches = command().try_get_matches()?;
        Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command()))
    }
}

/// The whole tree. `-h` leaves most settings to `--help`, so that a command's
/// own flags are not lost among them.
pub(crate) fn command() -> clap::Command {
    Cli::command().mut_args(|arg| {
        let hide = is_setting(&arg) && !SETTINGS_IN_SHORT_HELP.contains(&arg.get_id().as_str());
        arg.hide_short_help(hide)
    })
}

fn is_setting(arg: &Arg) -> bool {
    arg.get_help_heading() == Some("Settings")
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The database's tables
    #[command(subcommand)]
    Migrate(Migrate),
    /// Accounts
    #[command(subcommand)]
    Account(Account),
    /// Keys
    #[command(subcommand)]
    Key(Key),
    /// The audit log
    #[command(subcommand)]
    Audit(Audit),
    /// Keys that others may have seen
    #[command(subcommand)]
    Leak(Leak),
    /// The secret that keys are hashed with
    #[command(subcommand)]
    Pepper(Pepper),
    /// Say what is wrong with this installation, and what to do
    #[command(
        after_help = "Changes nothing. Exits with 1 if a check found a fault; a warning is none.\n\n\
        Example:\n  torvus-admin doctor"
    )]
    Doctor,
    /// Print what completes these commands in a shell
    #[command(after_help = "Examples:\n  \
        source <(torvus-admin completions bash)\n  \
        torvus-admin completions fish > ~/.config/fish/completions/torvus-admin.fish")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual as one page (roff), every command in it
    #[command(after_help = "Examples:\n  \
        torvus-admin man > torvus-admin.1\n  \
        torvus-admin man --dir man1")]
    Man {
        /// Write one page a command into this folder, and print nothing
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Migrate {
    /// Bring the tables up to this version
    #[command(after_help = "Example:\n  torvus-admin migrate run")]
    Run,
    /// Say whether they are
    #[command(after_help = "Example:\n  torvus-admin migrate status")]
    Status,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
