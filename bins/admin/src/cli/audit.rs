//! `torvus-admin audit …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use torvus_audit::export;

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Show records, newest first
    #[command(after_help = "Examples:\n  \
        torvus-admin audit list --key key_… --status 4xx\n  \
        torvus-admin audit list --outcome rate_limited --limit 20")]
    List(Box<Filters>),
    /// Show the newest records, and with --follow those that come
    #[command(after_help = "Example:\n  torvus-admin audit tail --account acc_…")]
    Tail {
        /// Go on until interrupted
        #[arg(long, short)]
        follow: bool,
        #[command(flatten)]
        filters: Box<Filters>,
    },
    /// Write records, oldest first, to standard output
    #[command(after_help = "A whole export as jsonl can be verified elsewhere.\n\n\
        Examples:\n  \
        torvus-admin audit export --format csv --from 2026-01-01T00:00:00Z > audit.csv\n  \
        torvus-admin audit checkpoint > checkpoint.json\n  \
        torvus-admin audit export --format jsonl > log.jsonl\n  \
        torvus-admin audit verify --export log.jsonl --checkpoint checkpoint.json")]
    Export {
        /// How they are written
        #[arg(long)]
        format: Format,
        #[command(flatten)]
        filters: Box<Filters>,
    },
    /// Check that no record was changed, removed or put in another place
    #[command(after_help = "Examples:\n  \
        torvus-admin audit verify\n  \
        torvus-admin audit verify --checkpoint checkpoint.json\n\n\
        An export made after a pruning needs a checkpoint from after it, and an older one still tells how long the log was:\n  \
        torvus-admin audit checkpoint > newer.json\n  \
        torvus-admin audit export --format jsonl > log.jsonl\n  \
        torvus-admin audit verify --export log.jsonl --checkpoint checkpoint.json --checkpoint newer.json")]
    Verify {
        /// A checkpoint that was kept elsewhere: shows an end that was cut off; more than one where
        /// records were pruned since the first
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// Verify a whole export (jsonl), without any database
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
        /// The key that must have signed, or each of several [default: that of the data folder]
        #[arg(long, value_name = "KEY")]
        public_key: Vec<String>,
    },
    /// Sign what the log is now, to be kept elsewhere
    #[command(after_help = "Examples:\n  \
        torvus-admin audit checkpoint > checkpoint.json\n  \
        torvus-admin audit checkpoint --out another.json\n  \
        torvus-admin audit checkpoint --new-key > signed-anew.json")]
    Checkpoint {
        /// Sign with a new key from now on: the old one is lost, or known to others
        #[arg(long)]
        new_key: bool,
        /// Write it to this new file, and not to standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Remove old records; a signed note of it stays
    #[command(after_help = "Examples:\n  \
        torvus-admin audit prune --before 2026-01-01T00:00:00Z --dry-run\n  \
        torvus-admin audit prune --before 2026-01-01T00:00:00Z")]
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

impl From<Format> for export::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Jsonl => Self::Jsonl,
        }
    }
}

#[derive(Args)]
pub(crate) struct Filters {
    /// Only those of this account: acc_…
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    /// Only those of this key: key_…
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
    /// What became of the request, such as ok or unknown_key
    #[arg(long)]
    pub(crate) outcome: Option<String>,
    /// api_activity, key_management or sign_in
    #[arg(long)]
    pub(crate) category: Option<String>,
    /// The method, such as GET
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// The environment of the key: live or test
    #[arg(long)]
    pub(crate) environment: Option<String>,
    /// The template of the route, such as /v1/vaults/:id
    #[arg(long)]
    pub(crate) route: Option<String>,
    /// The path as it was sent
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// The address that the request came from
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) ip: Option<String>,
    /// The request's own identifier, as its answer told it (X-Request-Id)
    #[arg(long, value_name = "ID")]
    pub(crate) request_id: Option<String>,
    /// At most so many [list: 50, tail: 10, export: all]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u32>,
}
