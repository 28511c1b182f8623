//! The flags of what is asked of a key: why, what if, what for.

use clap::Args;

pub(super) const EXPLAIN_EXAMPLE: &str = "Nothing is changed, and nothing is counted. The exit code is 0 whether it would be let in or not.\n\n\
    Example:\n  torvus-admin key explain key_… POST /v1/vaults --ip 203.0.113.7";
pub(super) const SIMULATE_EXAMPLE: &str = "Example:\n  \
    torvus-admin key simulate key_… --permissions read --allow-ip 203.0.113.0/24 --days 90";
pub(super) const SUGGEST_EXAMPLE: &str = "Example:\n  torvus-admin key suggest key_… --days 90";

#[derive(Args)]
pub(crate) struct KeyExplain {
    /// Which key: key_…
    pub(crate) id: String,
    /// The method, as it would be sent: GET
    pub(crate) method: String,
    /// The path, as it would be sent; a query is left aside
    pub(crate) path: String,
    /// Where the request would come from
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) ip: Option<String>,
    /// When it would come (RFC 3339) [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<String>,
    /// To the API behind the proxies, by the routes of --routes
    #[arg(long)]
    pub(crate) forward: bool,
    /// With the secret that was replaced last
    #[arg(long)]
    pub(crate) old_secret: bool,
}

/// What of a key would be different.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(crate) struct KeyChange {
    /// What it might do: read, write, delete; separated by commas
    #[arg(long, value_name = "LIST")]
    pub(crate) permissions: Option<String>,
    /// Address or network it might be used from; may be repeated
    #[arg(long, value_name = "CIDR")]
    pub(crate) allow_ip: Vec<String>,
    /// Requests per hour
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<String>,
}
