//! Ends connections that stall. actix gives up on the head of the first
//! request by itself, but not on that of a later one, nor on an answer that
//! nobody reads.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::connection::{Connection, Limits, Turn};
use super::stream::Stream;

/// How often the watch looks around.
pub(super) const TURN: Duration = Duration::from_millis(500);
const LIMITS: Limits = Limits {
    // A head may take 10 s; a turn less, since it may have begun within one.
    head: 19,
    // What is written may stay unread for 30 s; a turn less.
    answer: 59,
    // Idle connections are closed after 75 s, by actix.
    quiet: 160,
};

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
        // Nobody has looked at the clock while there was no connection.
        self.now.set(self.turns());
        let mut connections = self.connections.borrow_mut();
        if connections.is_empty() {
            actix_web::rt::spawn(look_around(Rc::downgrade(self)));
        }
        connections.push(Rc::downgrade(&connection));
        Stream::new(socket, connection, Rc::clone(&self.now))
    }

    /// How many turns have gone by. By the clock: on a busy worker a turn
    /// comes late.
    fn turns(&self) -> Turn {
        let turns = self.start.elapsed().as_millis() / TURN.as_millis();
        Turn::try_from(turns).unwrap_or(Turn::MAX)
    }

    fn turn(&self) -> bool {
        let now = self.turns();
        self.now.set(now);
        let mut connections = self.connections.borrow_mut();
        connections.retain(|connection| match connection.upgrade() {
            Some(connection) => {
                connection.judge(now, &LIMITS);
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
