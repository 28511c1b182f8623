//! `torvus-admin pepper …`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Pepper {
    /// Show each version, and how many keys hang on it
    #[command(after_help = "Example:\n  torvus-admin pepper status")]
    Status,
    /// Make a new one, which new keys and rotations use from then on
    #[command(
        after_help = "Keys that are there move to it when they are next used. With several servers the file \
        must be on every node before any of them uses it: `--out` makes it; put it in place on each node, then \
        send each server SIGHUP.\n\n\
        Examples:\n  \
        torvus-admin pepper add\n  \
        torvus-admin pepper add --out pepper.new"
    )]
    Add {
        /// Write all versions and the new one to this new file (0600), and change nothing
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// End one that no key needs any more, and take it out of the file
    #[command(after_help = "Examples:\n  \
        torvus-admin pepper retire 1 --revoke-remaining --dry-run\n  \
        torvus-admin pepper retire 1 --revoke-remaining")]
    Retire {
        /// Its number
        version: String,
        /// Revoke the keys that were not used since it was replaced
        #[arg(long)]
        revoke_remaining: bool,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
}
