//! `torvus-admin account …`.

use clap::Subcommand;

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
    #[command(after_help = "Example:\n  torvus-admin account list")]
    List,
    /// Show one
    #[command(after_help = "Example:\n  torvus-admin account show acc_…")]
    Show {
        /// Which account: acc_…, or the address of its holder
        id: String,
    },
    /// Put one on another plan
    #[command(
        after_help = "Example:\n  torvus-admin account set-plan acc_… enterprise --reason \"ticket 17\""
    )]
    SetPlan {
        /// Which account: acc_…, or the address of its holder
        id: String,
        /// free, professional, enterprise, or one of your own
        plan: String,
        /// Why; kept in the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Let none of its keys in
    #[command(after_help = "`account resume` takes it back.\n\n\
        Examples:\n  \
        torvus-admin account suspend acc_… --dry-run\n  \
        torvus-admin account suspend acc_… --reason \"unpaid\"")]
    Suspend {
        /// Which account: acc_…, or the address of its holder
        id: String,
        /// Why; kept in the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Let its keys in again
    #[command(after_help = "Example:\n  torvus-admin account resume acc_…")]
    Resume {
        /// Which account: acc_…, or the address of its holder
        id: String,
        /// Why; kept in the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Make a new dashboard password, print it once, and sign everybody out
    #[command(after_help = "Example:\n  torvus-admin account reset-password acc_…")]
    ResetPassword {
        /// Which account: acc_…, or the address of its holder
        id: String,
        /// Turn two-step sign-in off as well
        #[arg(long)]
        second_factor_off: bool,
    },
}
