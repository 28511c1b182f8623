//! The public port: actix's HTTP/1.1 over connections that are watched.

mod connection;
mod server;
mod stream;
mod watch;

pub(crate) use server::{Port, REASONS, REJECTED, serve, workers};
pub(crate) use stream::Watched;
