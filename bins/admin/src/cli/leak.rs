//! `torvus-admin leak …`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Leak {
    /// Find keys in files, folders, archives and histories
    #[command(
        after_help = "Reads .gz, .tar and .zip through. Exits with 1 if a file can't be read.\n\n\
        Examples:\n  \
        torvus-admin leak scan src/ backup.tgz\n  \
        git log -p --all | torvus-admin leak scan -\n  \
        torvus-admin leak scan --fail ."
    )]
    Scan {
        /// Files and folders; `-` is standard input
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Show every place that a key stands in, and not only the first
        #[arg(long)]
        all_places: bool,
        /// Exit with 1 if a key is found
        #[arg(long)]
        fail: bool,
    },
    /// Revoke every key that stands in a text, at once and for good
    #[command(after_help = "Exits with 3 if no key stands in the text.\n\n\
        Examples:\n  \
        torvus-admin leak revoke --dry-run report.txt\n  \
        torvus-admin leak revoke - < report.txt")]
    Revoke {
        /// A file or an archive; `-` is standard input
        file: PathBuf,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
}
