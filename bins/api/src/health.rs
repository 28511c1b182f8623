//! What operators ask: does the process live, and could it answer now?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use metrics_exporter_prometheus::PrometheusHandle;
use torvus_audit::journal::Journals;
use torvus_domain::{Clock, NodeId};
use torvus_storage::{Schema, Store, nodes};

/// How long a probe may take; then the answer is no.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the probes look at.
pub(crate) struct Health {
    pub(crate) store: Arc<Store>,
    pub(crate) journals: Arc<Journals>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) node: NodeId,
    pub(crate) draining: AtomicBool,
    pub(crate) metrics: PrometheusHandle,
}

impl Health {
    /// Why a request could not be decided and recorded now.
    async fn trouble(&self) -> Option<String> {
        if self.draining.load(Ordering::SeqCst) {
            return Some("draining".to_owned());
        }
        match tokio::time::timeout(PATIENCE, self.probe()).await {
            Ok(Ok(())) => None,
            Ok(Err(trouble)) => Some(trouble),
            Err(_) => Some("the database does not answer".to_owned()),
        }
    }

    async fn probe(&self) -> Result<(), String> {
        let journals = Arc::clone(&self.journals);
        tokio::task::spawn_blocking(move || journals.probe())
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| format!("the journal can't be written: {error}"))?;
        let store = Arc::clone(&self.store);
        let schema = tokio::task::spawn_blocking(move || store.schema())
            .await
            .map_err(|error| error.to_string())?;
        match schema {
            Ok(Schema::Current) => {}
            Ok(_) => return Err("the database's tables are not those of this version".to_owned()),
            Err(_) => return Err("the database can't be read".to_owned()),
        }
        let (node, now) = (self.node, self.clock.now().wall);
        self.store
            .run_write(move |c| nodes::touch(c, node, now, env!("CARGO_PKG_VERSION")))
            .await
            .map_err(|_| "the database can't be written".to_owned())
    }
}

/// The routes of the admin port.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/livez", web::get().to(live))
        .route("/readyz", web::get().to(ready))
        .route("/healthz", web::get().to(ready))
        .route("/metrics", web::get().to(metrics));
}

async fn live() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ok\n")
}

/// Prometheus' text format, version 0.0.4.
async fn metrics(health: web::Data<Health>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(health.metrics.render())
}

async fn ready(health: web::Data<Health>) -> HttpResponse {
    match health.trouble().await {
        None => HttpResponse::Ok()
            .content_type("text/plain; charset=utf-8")
            .body("ok\n"),
        Some(trouble) => HttpResponse::ServiceUnavailable()
            .content_type("text/plain; charset=utf-8")
            .body(format!("{trouble}\n")),
    }
}
