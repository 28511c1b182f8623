//! The decision on a request whose key was found: pure, and the same for
//! whoever asks, the [`Gate`](crate::Gate) or an explanation.

use std::net::IpAddr;
use std::sync::Arc;

use torvus_authz::{Route, RouteMatch};
use torvus_domain::{Instants, KeySnapshot, Plan, Plans};
use torvus_key_core::Environment;
use torvus_ratelimit::Limiter;

use crate::trace::{Check, Trace};
use crate::verdict::Denied;
use crate::{Counted, Identity, check, rate};

/// What a request asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'a> {
    /// What the text of its key says; keys of other systems say nothing.
    pub(crate) environment: Option<Environment>,
    /// Where it comes from, if that is known.
    pub(crate) client_ip: Option<IpAddr>,
    /// When it came in.
    pub(crate) now: Instants,
    /// What its method and path were found to be.
    pub(crate) found: RouteMatch<'a>,
}

/// What holds for everyone.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) plans: &'a Plans,
    pub(crate) limiter: &'a Limiter,
}

/// A request that may pass.
#[derive(Debug)]
pub(crate) struct Passed<'a> {
    pub(crate) plan: Plan,
    pub(crate) route: &'a Arc<Route>,
    pub(crate) params: Vec<String>,
    pub(crate) rate: Counted,
}

/// The rules, one a line; the first that is broken ends it. The request is
/// counted against its budget.
///
/// The order is that of the public contract, section 3: key, address, limit,
/// route, permission.
pub(crate) fn decide<'a>(
    snapshot: &KeySnapshot,
    asked: Asked<'a>,
    rules: Rules<'_>,
    trace: &mut impl Trace,
) -> Result<Passed<'a>, Box<Denied>> {
    let KeySnapshot { key, account, .. } = snapshot;
    let Asked { now, found, .. } = asked;
    let who = || Identity::of(snapshot);
    let known = |refusal| Box::new(Denied::known(refusal, who()));
    // Who is asking?
    let consistent = check::consistent(snapshot, asked.environment);
    trace.see(Check::Record, consistent).map_err(known)?;
    let revocation = check::not_revoked(key);
    trace.see(Check::Revocation, revocation).map_err(known)?;
    let expiry = check::not_expired(key, now.wall);
    trace.see(Check::Expiry, expiry).map_err(known)?;
    let secret = check::secret(snapshot, now.wall);
    trace.see(Check::Secret, secret).map_err(known)?;
    let active = check::account(account);
    trace.see(Check::Account, active).map_err(known)?;
    // From where?
    let address = check::address(key, asked.client_ip);
    trace.see(Check::Address, address).map_err(known)?;
    // How often?
    let plan = check::plan(account, rules.plans);
    let plan = trace.see(Check::Plan, plan).map_err(known)?;
    let rate = rate::count(rules.limiter, snapshot, &plan, &now);
    let counted = |refusal| Box::new(Denied::counted(refusal, who(), rate));
    trace.see(Check::Limit, rate.within()).map_err(counted)?;
    // What for, and may they?
    let served = trace.see(Check::Route, check::route(found));
    let (route, params) = served.map_err(counted)?;
    let permitted = route.permits(key.permissions);
    trace.see(Check::Permission, permitted).map_err(counted)?;
    Ok(Passed {
        plan,
        route,
        params,
        rate,
    })
}
