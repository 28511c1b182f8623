//! The command line (public contract, section 6).

pub(crate) mod import;
mod leak;
mod why;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use torvus_settings::SettingsArgs;
pub(crate) use why::{KeyChange, KeyExplain};

pub(crate) use leak::Leak;

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
    Doctor,
}

#[derive(Subcommand)]
pub(crate) enum Pepper {
    /// Show each version, and how many keys hang on it
    Status,
    /// Make a new one, which new keys and rotations use from then on
    #[command(
        after_help = "Keys that are there move to it when they are next used.\n\n\
        With several servers the file must be on every node before any of them uses it:\n  \
        torvus-admin pepper add --out pepper.new    put it in place on each node, then SIGHUP them"
    )]
    Add {
        /// Write all versions and the new one to this new file (0600), and change nothing
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// End one that no key needs any more, and take it out of the file
    #[command(after_help = "Example:\n  torvus-admin pepper retire 1 --revoke-remaining")]
    Retire {
        /// Its number
        version: String,
        /// Revoke the keys that were not used since it was replaced
        #[arg(long)]
        revoke_remaining: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Migrate {
    /// Bring the tables up to this version
    Run,
    /// Say whether they are
    Status,
}

#[derive(Subcommand)]
pub(crate) enum Account {
    /// Make an account, and print its dashboard password once
    #[command(
        after_help = "Example:\n  torvus-admin account create --email you@example.com --plan enterprise"
    )]
    Create {
        /// The address of its holder; one account each
        #[arg(long)]
        email: String,
        /// free, professional, enterprise, or one of your own [default: professional]
        #[arg(long)]
        plan: Option<String>,
    },
    /// List all accounts
    List,
    /// Show one
    Show { id: String },
    /// Put one on another plan
    SetPlan {
        id: String,
        plan: String,
        /// Why; kept in the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Let none of its keys in
    Suspend {
        id: String,
        /// Why; kept in the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Let its keys in again
    Resume {
        id: String,
        /// Why; kept in the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Make a new dashboard password, and print it once
    ResetPassword { id: String },
}

#[derive(Subcommand)]
pub(crate) enum Key {
    /// Make a key, and print it once
    #[command(
        after_help = "Example:\n  torvus-admin key create --account acc_… --name ci --environment live \
        --permissions read,write --expires 90d"
    )]
    Create(Box<KeyCreate>),
    /// Take over the keys of another system by their hashes
    Import(Box<import::KeyImport>),
    /// List the keys that can be used
    List {
        /// Only those of this account
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        /// Also those that are expired or revoked
        #[arg(long)]
        all: bool,
        /// Only those that end within this time, such as 14d, the first to end first
        #[arg(long, value_name = "DURATION", conflicts_with = "all")]
        expiring: Option<String>,
    },
    /// Show one, with its secrets and who uses them
    Show { id: String },
    /// Give one a new secret, and print it once; the old one goes on for a while
    #[command(
        after_help = "Example:\n  torvus-admin key rotate key_… --grace 7d --out new-key.txt\n\n\
        Answers to the old secret tell when it ends (Deprecation, Sunset). `key show` tells who still uses it, \
        and `key grace` changes when it ends."
    )]
    Rotate(KeyRotate),
    /// Change when the old secret of one that was rotated ends
    #[command(after_help = "Example:\n  torvus-admin key grace key_… now")]
    Grace {
        id: String,
        /// now, a duration from now, or an instant; at most 30d from the rotation on
        end: String,
        /// Why; kept in the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Change one; what is not named stays
    #[command(
        after_help = "Example:\n  torvus-admin key update key_… --permissions read --expires 30d --reason \"only reports\""
    )]
    Update(Box<KeyUpdate>),
    /// End one, at once and for good
    Revoke {
        id: String,
        /// Why; kept with the key and in the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Show what one was used for
    Usage {
        id: String,
        /// How many days back, today included
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_650))]
        days: u16,
    },
    /// Say why a request would be let in or not, and what would change that
    #[command(after_help = why::EXPLAIN_EXAMPLE)]
    Explain(Box<KeyExplain>),
    /// Say which of its recorded requests a change would refuse
    #[command(after_help = why::SIMULATE_EXAMPLE)]
    Simulate {
        id: String,
        #[command(flatten)]
        change: KeyChange,
        /// How many days back
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_650))]
        days: u16,
    },
    /// Propose the least that its recorded requests needed, and prove it
    #[command(after_help = why::SUGGEST_EXAMPLE)]
    Suggest {
        id: String,
        /// How many days back
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_650))]
        days: u16,
    },
}

#[derive(Args)]
pub(crate) struct KeyCreate {
    /// Whose key it is: acc_…
    #[arg(long, value_name = "ID")]
    pub(crate) account: String,
    /// What to call it: 1 to 100 characters
    #[arg(long)]
    pub(crate) name: String,
    /// live or test
    #[arg(long, value_name = "ENV")]
    pub(crate) environment: String,
    /// read, write, delete; separated by commas
    #[arg(long, value_name = "LIST")]
    pub(crate) permissions: String,
    /// 90d, 1y, never, a duration or an instant [default: 90d]
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,
    /// Address or network it may be used from; may be repeated
    #[arg(long, value_name = "CIDR")]
    pub(crate) allow_ip: Vec<String>,
    /// Requests per hour [default: the plan's]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<String>,
    /// Write the key to this new file (0600), and do not print it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct KeyRotate {
    pub(crate) id: String,
    /// How long the old secret goes on: a duration up to 30d, or 0 [default: 24h]
    #[arg(long, value_name = "DURATION")]
    pub(crate) grace: Option<String>,
    /// Write the key to this new file (0600), and do not print it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Why; kept in the audit log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

#[derive(Args)]
pub(crate) struct KeyUpdate {
    pub(crate) id: String,
    /// What to call it: 1 to 100 characters
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// read, write, delete; separated by commas
    #[arg(long, value_name = "LIST")]
    pub(crate) permissions: Option<String>,
    /// Address or network it may be used from, instead of those before; may be repeated
    #[arg(long, value_name = "CIDR")]
    pub(crate) allow_ip: Vec<String>,
    /// Let it be used from anywhere
    #[arg(long, conflicts_with = "allow_ip")]
    pub(crate) clear_ips: bool,
    /// Requests per hour, or plan for the plan's
    #[arg(long, value_name = "N|plan")]
    pub(crate) limit: Option<String>,
    /// 90d, 1y, never, a duration from now or an instant
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,
    /// Why; kept in the audit log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Show records, newest first
    List(Box<Filters>),
    /// Show the newest records, and with --follow those that come
    Tail {
        /// Go on until interrupted
        #[arg(long, short)]
        follow: bool,
        #[command(flatten)]
        filters: Box<Filters>,
    },
    /// Write records, oldest first, to standard output
    #[command(after_help = "A whole export as jsonl can be verified elsewhere:\n  \
        torvus-admin audit export --format jsonl > log.jsonl\n  \
        torvus-admin audit verify --export log.jsonl --checkpoint checkpoint.json")]
    Export {
        #[arg(long)]
        format: Format,
        #[command(flatten)]
        filters: Box<Filters>,
    },
    /// Check that no record was changed, removed or put in another place
    Verify {
        /// A checkpoint that was kept elsewhere: shows an end that was cut off
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// Verify a whole export (jsonl), without any database
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
        /// The key that must have signed [default: that of the data folder]
        #[arg(long, value_name = "KEY")]
        public_key: Option<String>,
    },
    /// Sign what the log is now, to be kept elsewhere
    Checkpoint {
        /// Write it to this new file, and not to standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Remove old records; a signed note of it stays
    Prune {
        /// Everything before this instant (RFC 3339)
        #[arg(long, value_name = "INSTANT")]
        before: String,
        /// Only say how many records that would be
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Csv,
    Jsonl,
}

#[derive(Args)]
pub(crate) struct Filters {
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    #[arg(long, value_name = "ID")]
    pub(crate) key: Option<String>,
    /// From this instant on (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub(crate) from: Option<String>,
    /// Before this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub(crate) to: Option<String>,
    /// A status such as 404, or a class such as 4xx
    #[arg(long)]
    pub(crate) status: Option<String>,
    #[arg(long)]
    pub(crate) outcome: Option<String>,
    /// api_activity, key_management or sign_in
    #[arg(long)]
    pub(crate) category: Option<String>,
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// The template of the route, such as /v1/vaults/:id
    #[arg(long)]
    pub(crate) route: Option<String>,
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) ip: Option<String>,
    #[arg(long, value_name = "ID")]
    pub(crate) request_id: Option<String>,
    /// At most so many [list: 50, tail: 10, export: all]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u32>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
