//! The HTTP surface: everything that is served on the public port.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use actix_web::{HttpRequest, HttpResponse, web};
use torvus_authz::RouteTable;
use torvus_dashboard::Dashboard;
use torvus_domain::{Clock, Refusal, RequestId};
use torvus_web::{
    Call, Guard, Kept, Told, forward_auth, guarded, respond, to_its_end, with_request_id,
};

use crate::failure::Failure;
use crate::http::Watched;
use crate::leaks::{self, Leaks};
use crate::openapi::Documents;
use crate::v1;

/// Where proxies ask that tell of the request in headers.
const FORWARD: &str = "/auth/forward";
/// Where Envoy asks: its `path_prefix`.
const ENVOY: &str = "/auth/envoy";

/// What every worker shares.
pub(crate) struct App {
    guard: Guard,
    /// Decides on requests to the API behind the proxies.
    forward: Guard,
    handlers: Vec<v1::Handler>,
    context: Arc<v1::Context>,
    documents: Documents,
    /// Takes reports of leaked keys, where that is wanted.
    leaks: Option<Leaks>,
    /// Pages for people, where they are wanted.
    dashboard: Option<Dashboard>,
}

impl App {
    /// Binds each route of the table to its handler. A route without one is
    /// an error: it can't exist.
    pub(crate) fn new(
        routes: &RouteTable,
        guard: Guard,
        forward: Guard,
        context: Arc<v1::Context>,
        leaks: Option<Leaks>,
        dashboard: Option<Dashboard>,
    ) -> Result<Self, Failure> {
        let bind = |route: &Arc<torvus_authz::Route>| {
            v1::handler(&route.operation).ok_or_else(|| {
                Failure::new(format!(
                    "the route {} {} has no handler",
                    route.method, route.pattern
                ))
            })
        };
        let handlers = routes.routes().iter().map(bind).collect::<Result<_, _>>()?;
        Ok(Self {
            guard,
            forward,
            handlers,
            context,
            documents: Documents::new(routes)?,
            leaks,
            dashboard,
        })
    }

    fn clock(&self) -> &dyn Clock {
        &*self.guard.clock
    }
}

/// The one entry. It reads the path as it was sent: another spelling is
/// another path.
pub(crate) async fn enter(
    request: HttpRequest,
    payload: web::Payload,
    app: web::Data<App>,
) -> HttpResponse {
    let headers = request.headers();
    let has_body = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    let watched = request.conn_data::<Watched>();
    let _in_flight = watched.map(|watched| watched.begin(has_body));
    let path = request.uri().path();
    let behind = |prefix: &str| {
        let rest = path.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let work = if behind("/v1") {
        Work::Protected(payload)
    } else if path == FORWARD {
        Work::Forward(Told::InHeaders)
    } else if behind(ENVOY) {
        Work::Forward(Told::InRequestLine { prefix: ENVOY })
    } else if path == leaks::PATH && app.leaks.is_some() {
        Work::Leaks(payload)
    } else if app.dashboard.as_ref().is_some_and(|pages| pages.owns(path)) {
        Work::Page(payload)
    } else {
        return match app.documents.answer(&request) {
            Some(answer) => with_request_id(answer, RequestId::new(app.clock().now().wall)),
            None => plain(&app, &Refusal::NotFound),
        };
    };
    to_its_end(|kept| decided(request, work, app.clone(), kept))
        .await
        .unwrap_or_else(|| plain(&app, &Refusal::Internal))
}

/// What is to be decided on.
enum Work {
    /// The request itself.
    Protected(web::Payload),
    /// The one that a proxy asks about.
    Forward(Told<'static>),
    /// A report of keys that leaked.
    Leaks(web::Payload),
    /// A page of the dashboard.
    Page(web::Payload),
}

async fn decided(
    request: HttpRequest,
    work: Work,
    app: web::Data<App>,
    kept: Kept,
) -> HttpResponse {
    let payload = match work {
        Work::Protected(payload) => payload,
        Work::Forward(told) => return forward_auth(&app.forward, request, told, kept).await,
        Work::Leaks(payload) => return Box::pin(reported(&request, payload, &app)).await,
        Work::Page(payload) => {
            return match &app.dashboard {
                Some(dashboard) => Box::pin(dashboard.answer(request, payload)).await,
                None => plain(&app, &Refusal::NotFound),
            };
        }
    };
    let (handlers, context) = (app.clone(), Arc::clone(&app.context));
    let handle = move |call: Call| match handlers.handlers.get(call.route.id) {
        Some(handler) => handler(context, call),
        None => Box::pin(async { Err(Refusal::NotFound) }),
    };
    guarded(&app.guard, request, payload, handle, kept).await
}

async fn reported(request: &HttpRequest, payload: web::Payload, app: &App) -> HttpResponse {
    match &app.leaks {
        Some(leaks) => {
            let answer = leaks.answer(request, payload).await;
            with_request_id(answer, RequestId::new(app.clock().now().wall))
        }
        None => plain(app, &Refusal::NotFound),
    }
}

fn plain(app: &App, refusal: &Refusal) -> HttpResponse {
    let mut answer = respond(refusal);
    answer
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    with_request_id(answer, RequestId::new(app.clock().now().wall))
}
