//! The handlers of `/v1`: one function for each operation of the route table.
//!
//! A handler is called only with what the gate let through, so none of them
//! asks who is calling or what the key may do. What is left to each is whether
//! the resource is the caller's own: a vault of another account is 403, one
//! that does not exist or is of the other environment 404.

mod account;
mod answer;
mod body;
mod check_ins;
mod described;
mod documents;
mod fields;
mod idempotent;
mod in_vault;
mod page;
mod policies;
mod recipients;
pub(crate) mod refused;
mod schema;
mod vaults;

use std::sync::Arc;

use actix_web::HttpResponse;
use futures_util::future::LocalBoxFuture;
use torvus_domain::{Clock, Refusal};
use torvus_storage::resources::policies::Policy;
use torvus_storage::resources::recipients::Recipient;
use torvus_storage::{Conn, Store};
use torvus_web::Call;

use answer::{Found, Shown, settle, still_good};
use documents::Item as Document;

pub(crate) use body::collect;
pub(crate) use described::{Described, Does, Made, described};
pub(crate) use idempotent::parameter as idempotency_parameter;
pub(crate) use page::parameters as list_parameters;
pub(crate) use schema::id_with_prefix;

/// What every handler works with.
pub(crate) struct Context {
    /// Where resources are kept.
    pub(crate) store: Arc<Store>,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Context {
    /// Runs `work` in a write transaction in which the key is still good: a
    /// body may take its time, and what was revoked meanwhile writes nothing.
    async fn write<T: Send + 'static>(
        &self,
        shown: Shown,
        work: impl FnOnce(&mut Conn) -> Found<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let clock = Arc::clone(&self.clock);
        let written = self.store.run_write(move |c| {
            if let Err(refusal) = still_good(c, shown, clock.now().wall)? {
                return Ok(Err(refusal));
            }
            work(c)
        });
        settle(written.await)
    }
}

/// What a handler gives back.
pub(crate) type Answer = Result<HttpResponse, Refusal>;

/// One operation.
pub(crate) type Handler = fn(Arc<Context>, Call) -> LocalBoxFuture<'static, Answer>;

/// The handler of an operation of the route table.
#[must_use]
pub(crate) fn handler(operation: &str) -> Option<Handler> {
    HANDLERS
        .iter()
        .find(|(name, _)| *name == operation)
        .map(|(_, handler)| *handler)
}

macro_rules! handlers {
    ($($operation:literal => $function:path,)*) => {
        &[$(($operation, |context, call| Box::pin($function(context, call)))),*]
    };
}

const HANDLERS: &[(&str, Handler)] = handlers! {
    "get_account" => account::get,
    "list_vaults" => vaults::list,
    "get_vault" => vaults::get,
    "create_vault" => vaults::create,
    "replace_vault" => vaults::replace,
    "update_vault" => vaults::update,
    "delete_vault" => vaults::delete,
    "list_documents" => in_vault::list::<Document>,
    "create_document" => in_vault::create::<Document>,
    "delete_document" => in_vault::delete::<Document>,
    "list_recipients" => in_vault::list::<Recipient>,
    "create_recipient" => in_vault::create::<Recipient>,
    "delete_recipient" => in_vault::delete::<Recipient>,
    "list_policies" => in_vault::list::<Policy>,
    "create_policy" => in_vault::create::<Policy>,
    "delete_policy" => in_vault::delete::<Policy>,
    "list_check_ins" => check_ins::list,
    "create_check_in" => check_ins::create,
};

#[cfg(test)]
mod tests {
    use torvus_authz::RouteTable;

    use super::*;

    #[test]
    fn routes_and_handlers_are_the_same_operations() {
        let table = RouteTable::torvus();
        let mut routed: Vec<&str> = table
            .routes()
            .iter()
            .map(|route| route.operation.as_str())
            .collect();
        let mut handled: Vec<&str> = HANDLERS.iter().map(|(name, _)| *name).collect();
        routed.sort_unstable();
        handled.sort_unstable();
        assert_eq!(routed, handled);
        assert!(handled.iter().all(|name| handler(name).is_some()));
        assert!(handler("drop_tables").is_none());
    }
}
