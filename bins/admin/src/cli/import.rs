//! The flags of `key import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

const EXAMPLES: &str = "The plain keys are never needed. What each system's file has to look like, and what \
becomes of its fields, is in docs/MOVING.md.\n\n\
Examples:\n  \
torvus-admin key import --account acc_… keys.csv --dry-run\n  \
torvus-admin key import --account acc_… --from better-auth --environment live \\\n    \
--permissions read better-auth.jsonl\n  \
torvus-admin key import --account acc_… --hmac-secret-file secret.txt keys.jsonl";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct KeyImport {
    /// A file of keys, one a line (CSV with a header, or JSON lines); - for standard input
    pub(crate) file: PathBuf,
    /// Whose keys they are to be: acc_…
    #[arg(long, value_name = "ID")]
    pub(crate) account: String,
    /// Which system's fields the lines have
    #[arg(long, value_name = "SYSTEM", default_value = "torvus")]
    pub(crate) from: System,
    /// csv or jsonl [default: by the file's ending]
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// Of keys whose line does not say: live or test
    #[arg(long, value_name = "ENV")]
    pub(crate) environment: Option<String>,
    /// Of keys whose line does not say, and of all keys of other systems: read, write, delete
    #[arg(long, value_name = "LIST")]
    pub(crate) permissions: Option<String>,
    /// Which part of a key was hashed
    #[arg(long, value_name = "PART", default_value = "whole")]
    pub(crate) hashed: Part,
    /// What keys begin with, where their line does not say
    #[arg(long, value_name = "TEXT")]
    pub(crate) prefix: Option<String>,
    /// The hashes are HMAC-SHA-256 with the secret in this file; a line end at its end is not part of it
    #[arg(long, value_name = "FILE")]
    pub(crate) hmac_secret_file: Option<PathBuf>,
    /// How the secret stands in that file
    #[arg(
        long,
        value_name = "HOW",
        default_value = "text",
        requires = "hmac_secret_file"
    )]
    pub(crate) hmac_secret_encoding: Encoding,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Whose fields they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum System {
    Torvus,
    Unkey,
    BetterAuth,
    CratesIo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Csv,
    Jsonl,
}

/// Which part of a key was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Whole,
    AfterPrefix,
    AfterLastUnderscore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    Text,
    Hex,
    Base64,
}
