//! Settings → API Keys: a file for each page.

mod chart;
pub(crate) mod create;
pub(crate) mod edit;
pub(crate) mod explain;
mod fields;
pub(crate) mod grace;
pub(crate) mod key;
pub(crate) mod list;
mod moment;
mod query;
mod recorded;
mod refused;
pub(crate) mod revoke;
pub(crate) mod rotate;
mod secrets;
mod shown_once;
pub(crate) mod suggest;
mod trail;
mod usage;
mod view;
pub(crate) mod wider;

pub(crate) use query::encoded;
use torvus_domain::{ApiKey, KeyId};
use torvus_storage::keys as rows;

use crate::ask::Ask;
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::visitor::Visitor;

/// The list.
pub(crate) const LIST: &str = "/settings/api-keys";

/// The key that the path names, if it is the visitor's. Another's is nowhere.
async fn own(site: &Dashboard, visitor: &Visitor, ask: &Ask) -> Result<ApiKey, Problem> {
    let (id, account) = (ask.param::<KeyId>("id")?, visitor.account.id);
    let found = site
        .parts
        .store
        .run_read(move |c| rows::find(c, id))
        .await?;
    found
        .filter(|key| key.account_id == account)
        .ok_or(Problem::NotFound)
}
