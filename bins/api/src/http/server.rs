//! The server of the public port.

use std::future::ready;
use std::io;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::time::Duration;

use actix_http::error::{DispatchError, ParseError};
use actix_http::{HttpService, Protocol};
use actix_server::Server;
use actix_service::{ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::{App as ActixApp, web};
use metrics::counter;
use rustix::net::listen;
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::net::TcpStream;

use super::stream::Stream;
use super::watch::Watch;
use crate::app::{App, enter};

/// How long a connection may wait for its next request: longer than the
/// proxies in front keep theirs (nginx: 60 s), or they would meet a closed one.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the first head of a connection may take; then it is answered 408.
const FIRST_HEAD_WAIT: Duration = Duration::from_secs(5);
/// How long the peer may take to close after us.
const DISCONNECT_WAIT: Duration = Duration::from_secs(1);
/// How long requests that are under way may take after SIGTERM.
const DRAIN_SECONDS: u64 = 10;
/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1_024;

/// How much the system may keep for a client that does not read. Little, too,
/// because a client that reads slowly is only seen to read when a third of it
/// is free again.
const UNREAD_BYTES_MAX: usize = 64 * 1024;

/// What ended before it became a request, by `reason`.
pub(crate) const REJECTED: &str = "torvus_http_rejected_total";
/// The reasons.
pub(crate) const REASONS: [&str; 5] = ["malformed", "too_large", "cut_off", "slow_head", "stalled"];

/// Where and how wide the public port is open.
pub(crate) struct Port {
    /// The socket.
    pub(crate) listener: TcpListener,
    /// Worker threads; one per core where not given.
    pub(crate) workers: Option<usize>,
    /// How many connections may be open at once.
    pub(crate) connections_max: usize,
}

/// How many threads serve: as many as are wanted, or one for each core.
pub(crate) fn workers(wanted: Option<usize>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    wanted.unwrap_or_else(cores)
}

/// Starts to serve the app.
pub(crate) fn serve(port: Port, app: web::Data<App>) -> io::Result<Server> {
    listen(&port.listener, BACKLOG)?;
    // What is accepted inherits it.
    set_socket_send_buffer_size(&port.listener, UNREAD_BYTES_MAX)?;
    let workers = workers(port.workers);
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections((port.connections_max / workers).max(1))
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let address = port.listener.local_addr()?;
    // Runs once on each worker.
    let service = move || {
        let (watch, stopping, app) = (Watch::new(), stopping.clone(), app.clone());
        let app = ActixApp::new()
            .app_data(app)
            .default_service(web::to(enter));
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(FIRST_HEAD_WAIT)
            .client_disconnect_timeout(DISCONNECT_WAIT)
            .local_addr(address)
            .on_connect_ext(|socket: &Stream, data| {
                data.insert(socket.watched());
            })
            .finish(map_config(app, |()| AppConfig::default()));
        fn_service(move |socket: TcpStream| {
            let peer = socket.peer_addr().ok();
            if socket.set_nodelay(true).is_err() {
                tracing::debug!("a socket is gone before it was served");
            }
            ready(Ok((watch.over(socket), Protocol::Http1, peer)))
        })
        .and_then(http)
        .map_err(|error: DispatchError| count(&error))
    };
    Ok(builder.listen("public", port.listener, service)?.run())
}

/// Counts what ended a connection before it became a request: such a thing
/// has no record (public contract, section 7).
fn count(error: &DispatchError) {
    let reason = match error {
        DispatchError::Parse(ParseError::TooLarge) => "too_large",
        DispatchError::Parse(ParseError::Io(_) | ParseError::Incomplete) => "cut_off",
        DispatchError::Parse(_) => "malformed",
        DispatchError::SlowRequestTimeout => "slow_head",
        DispatchError::Io(error) if error.kind() == io::ErrorKind::TimedOut => "stalled",
        // The client went away, or took too long to close: its own affair.
        _ => return,
    };
    tracing::debug!(reason, "a connection was ended");
    counter!(REJECTED, "reason" => reason).increment(1);
}
