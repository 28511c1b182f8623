//! `torvus-admin key …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{KeyChange, KeyExplain};

#[derive(Subcommand)]
pub(crate) enum Key {
    /// Make a key, and print it once
    #[command(
        after_help = "Example:\n  torvus-admin key create --account acc_… --name ci --environment live \\\n    \
        --permissions read,write --expires 90d"
    )]
    Create(Box<KeyCreate>),
    /// Take over the keys of another system by their hashes
    Import(Box<super::import::KeyImport>),
    /// List the keys that can be used
    #[command(after_help = "Examples:\n  \
        torvus-admin key list --account acc_… --all\n  \
        torvus-admin key list --expiring 14d")]
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
    #[command(after_help = "Example:\n  torvus-admin key show key_…")]
    Show {
        /// Which key: key_…
        id: String,
    },
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
        /// Which key: key_…
        id: String,
        /// now, a duration from now, or an instant; at most 30d from the rotation on
        end: String,
        /// Why; kept in the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Change one; what is not named stays
    #[command(
        after_help = "Example:\n  torvus-admin key update key_… --permissions read --expires 30d \\\n    \
        --reason \"only reports\""
    )]
    Update(Box<KeyUpdate>),
    /// End one, at once and for good
    #[command(after_help = "Examples:\n  \
        torvus-admin key revoke key_… --dry-run\n  \
        torvus-admin key revoke key_… --reason \"left the company\"")]
    Revoke {
        /// Which key: key_…
        id: String,
        /// Why; kept with the key and in the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Show what one was used for
    #[command(after_help = "Example:\n  torvus-admin key usage key_… --days 7")]
    Usage {
        /// Which key: key_…
        id: String,
        /// How many days back, today included
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_650))]
        days: u16,
    },
    /// Say why a request would be let in or not, and what would change that
    #[command(after_help = super::why::EXPLAIN_EXAMPLE)]
    Explain(Box<KeyExplain>),
    /// Say which of its recorded requests a change would refuse
    #[command(after_help = super::why::SIMULATE_EXAMPLE)]
    Simulate {
        /// Which key: key_…
        id: String,
        #[command(flatten)]
        change: KeyChange,
        /// How many days back
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_650))]
        days: u16,
    },
    /// Propose the least that its recorded requests needed, and prove it
    #[command(after_help = super::why::SUGGEST_EXAMPLE)]
    Suggest {
        /// Which key: key_…
        id: String,
        /// How many days back
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_650))]
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
    /// Which key: key_…
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
    /// Which key: key_…
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
