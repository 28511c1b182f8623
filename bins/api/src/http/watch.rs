//! Ends connections that stall. actix gives up on the head of the first
//! request by itself, but not on that of a later one, nor on an answer that
//! nobody reads.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::connection::{Connection, Turn};
use super::stream::Stream;

/// How often the watch looks around.
pub(super) const TURN: Duration = Duration::from_millis(500);
/// A head may take 10 s; a turn less, since it may have begun within one.
const HEAD_TURNS: Turn = 19;
/// What is written may stay unread for 30 s; a turn less.
const ANSWER_TURNS: Turn = 59;

/// The connections of one worker.
pub(super) struct Watch {
    start: Instant,
    now: Rc<Cell<Turn>>,
    connections: RefCell<Vec<Weak<Connection>>>,
}

impl Watch {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            start: Instant::now(),
            now: Rc::default(),
            connections: RefCell::default(),
        })
    }

    /// Watches a connection until it is closed.
    pub(super) fn over(self: &Rc<Self>, socket: TcpStream) -> Stream {
        let connection = Rc::<Connection>::default();
        let mut connections = self.connections.borrow_mut();
        if connections.is_empty() {
            actix_web::rt::spawn(look_around(Rc::downgrade(self)));
        }
        connections.push(Rc::downgrade(&connection));
        Stream::new(socket, connection, Rc::clone(&self.now))
    }

    fn turn(&self) -> bool {
        // By the clock: on a busy worker a turn comes late.
        let turns = self.start.elapsed().as_millis() / TURN.as_millis();
        let now = Turn::try_from(turns).unwrap_or(Turn::MAX);
        self.now.set(now);
        let mut connections = self.connections.borrow_mut();
        connections.retain(|connection| match connection.upgrade() {
            Some(connection) => {
                connection.judge(now, HEAD_TURNS, ANSWER_TURNS);
                true
            }
            None => false,
        });
        !connections.is_empty()
    }
}

/// Turns until there is no connection left; the next one starts it anew.
async fn look_around(watch: Weak<Watch>) {
    loop {
        tokio::time::sleep(TURN).await;
        match watch.upgrade() {
            Some(watch) if watch.turn() => {}
            _ => return,
        }
    }
}
