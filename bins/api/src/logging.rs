//! Logs: JSON lines on standard error; text where that is a terminal.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging; the level is `info`, or what `RUST_LOG` says.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // A log that can't be written is no reason to fail: said on the same
        // standard error, it would be a panic.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.init();
    } else {
        logs.json().flatten_event(true).with_ansi(false).init();
    }
}
