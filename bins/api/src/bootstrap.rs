//! What the first start prints, once.

use std::io::Write;
use std::net::SocketAddr;

use secrecy::ExposeSecret;
use torvus_domain::{Clock, PlanName, Plans};
use torvus_key_core::PepperRing;
use torvus_keyring::Bootstrapped;
use torvus_storage::Store;

use crate::cli::Serve;
use crate::failure::Failure;

/// Makes the account where it is wanted and not there, and prints its secrets.
pub(crate) fn run(
    args: &Serve,
    store: &Store,
    ring: &PepperRing,
    plans: &Plans,
    clock: &dyn Clock,
    address: SocketAddr,
) -> Result<(), Failure> {
    let Some(email) = &args.bootstrap else {
        return Ok(());
    };
    let plan = args.plan.clone().unwrap_or_else(PlanName::professional);
    let now = clock.now().wall;
    let show = |made: &Bootstrapped| print(made, address);
    torvus_keyring::bootstrap(store, ring, plans, email, &plan, now, show)
        .map(drop)
        .map_err(Failure::new)
}

fn print(made: &Bootstrapped, address: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "account             {}  {} ({})",
        made.account.id, made.account.email, made.account.plan
    )?;
    writeln!(out, "live key            {}", made.live.token.expose())?;
    writeln!(out, "test key            {}", made.test.token.expose())?;
    writeln!(out, "dashboard password  {}", made.password.expose_secret())?;
    writeln!(out, "These are shown once: keep them now. Then try:")?;
    writeln!(
        out,
        "  curl -H 'Authorization: Bearer {}' http://{address}/v1/account",
        made.test.token.expose()
    )?;
    out.flush()
}
