//! A socket that tells its connection what goes through it.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::connection::{Connection, InFlight, Turn};

/// A socket under watch.
pub(crate) struct Stream {
    socket: TcpStream,
    watched: Watched,
}

/// A connection and the time of its watch.
#[derive(Clone)]
pub(crate) struct Watched {
    connection: Rc<Connection>,
    now: Rc<Cell<Turn>>,
}

impl Watched {
    /// A request was handed to the app, and is in flight until this is dropped.
    pub(crate) fn begin(&self, has_body: bool) -> InFlight {
        self.connection.begin(&self.now, has_body)
    }

    /// Notes how a write went.
    fn wrote(
        &self,
        outcome: Poll<io::Result<usize>>,
        context: &Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if outcome.is_pending() {
            self.connection.not_taken(self.now.get());
            self.connection.driven_by(context.waker());
        } else {
            self.connection.taken();
        }
        outcome
    }
}

impl Stream {
    pub(super) fn new(socket: TcpStream, connection: Rc<Connection>, now: Rc<Cell<Turn>>) -> Self {
        Self {
            socket,
            watched: Watched { connection, now },
        }
    }

    /// An error once the watch has had enough.
    fn alive(&self) -> io::Result<()> {
        let Some(stall) = self.watched.connection.expired.get() else {
            return Ok(());
        };
        // Reset, not closed: what the client does not read would stay with
        // the system until it does.
        set_socket_linger(&self.socket, Some(Duration::ZERO))?;
        Err(io::Error::new(io::ErrorKind::TimedOut, stall.as_str()))
    }

    pub(super) fn watched(&self) -> Watched {
        self.watched.clone()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.alive()?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        let Watched { connection, now } = &self.watched;
        match buffer.filled().get(before..) {
            Some(bytes) if !bytes.is_empty() => connection.received(bytes, now.get()),
            _ => connection.driven_by(context.waker()),
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.alive()?;
        let wrote = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.watched.wrote(wrote, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.alive()?;
        let wrote = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.watched.wrote(wrote, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
