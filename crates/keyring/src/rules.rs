//! What a plan allows of a key, and how its text is made: the same for a new
//! key and for one that is changed.

use torvus_domain::{Account, IpAllowlist, Plan, Plans};
use torvus_key_core::{ApiKeyToken, Environment, PepperRing};
use torvus_storage::{Conn, peppers};

use crate::KeyringError;

/// The account's plan.
pub(crate) fn plan_of<'p>(account: &Account, plans: &'p Plans) -> Result<&'p Plan, KeyringError> {
    plans.get(&account.plan).ok_or_else(|| {
        KeyringError::invalid(
            "plan",
            format!("the account's plan {} is not in the settings", account.plan),
        )
    })
}

/// The plan has address lists.
pub(crate) fn address_lists(account: &Account, plan: &Plan) -> Result<(), KeyringError> {
    if plan.ip_allowlist {
        return Ok(());
    }
    Err(KeyringError::invalid(
        "allowed_ips",
        format!("the plan {} has no address lists", account.plan),
    ))
}

/// A limit of the key's own is not above the plan's.
pub(crate) fn limit_within(
    account: &Account,
    plan: &Plan,
    environment: Environment,
    limit: Option<u32>,
) -> Result<(), KeyringError> {
    let most = plan.limit(environment);
    if limit.is_none_or(|limit| limit > 0 && limit <= most) {
        return Ok(());
    }
    Err(KeyringError::invalid(
        "limit",
        format!(
            "the plan {} allows 1 to {most} requests per hour",
            account.plan
        ),
    ))
}

/// A key of this account may have these addresses and this limit.
pub(crate) fn fits_plan(
    account: &Account,
    plans: &Plans,
    environment: Environment,
    allowed_ips: &IpAllowlist,
    limit: Option<u32>,
) -> Result<(), KeyringError> {
    let plan = plan_of(account, plans)?;
    if !allowed_ips.is_empty() {
        address_lists(account, plan)?;
    }
    limit_within(account, plan, environment, limit)
}

/// The pepper for new secrets was not retired beside this, and is not until the
/// end of the transaction.
pub(crate) fn current_in_use(c: &mut Conn, ring: &PepperRing) -> Result<(), KeyringError> {
    let version = ring.current().version();
    if !peppers::hold_version(c, version)? {
        return Ok(());
    }
    Err(KeyringError::Conflict(format!(
        "version {version} of the pepper was retired meanwhile: run it again"
    )))
}

/// The text of a new secret.
pub(crate) fn generate(environment: Environment) -> Result<ApiKeyToken, KeyringError> {
    ApiKeyToken::generate(environment)
        .map_err(|error| KeyringError::Failed(format!("no random numbers to be had: {error}")))
}
