//! What a protected handler is called with.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use torvus_authz::Route;
use torvus_gate::Grant;

/// A request that the gate let through. Only [`guarded`](crate::guarded)
/// makes one, and only with a [`Grant`].
pub struct Call {
    /// Who is asking; the proof that they may.
    pub grant: Grant,
    /// The route that was matched.
    pub route: Arc<Route>,
    /// The values of its parameters, as they were sent.
    pub params: Vec<String>,
    /// The request.
    pub request: HttpRequest,
    /// Its body, not yet read.
    pub payload: web::Payload,
}
