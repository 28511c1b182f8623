//! What is known of one connection, to tell an idle one from a stalled one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

/// Time as the watch counts it: in turns of [`TURN`](super::watch::TURN).
pub(crate) type Turn = u32;

/// One connection. It lives on one worker, so plain cells will do.
#[derive(Default)]
pub(crate) struct Connection {
    /// Requests that were handed to the app and are not answered yet.
    in_flight: Cell<u32>,
    /// The last bytes that came in.
    tail: Cell<[u8; 4]>,
    /// Since when bytes have been there that may begin a request, while none
    /// is in flight.
    head_since: Cell<Option<Turn>>,
    /// Since when no request is in flight, once there has been one.
    quiet_since: Cell<Option<Turn>>,
    /// Since when the client has taken nothing of what is to be written.
    unread_since: Cell<Option<Turn>>,
    /// The watch has had enough of it.
    pub(super) expired: Cell<Option<Stall>>,
    /// Wakes the task that drives it.
    waker: RefCell<Option<Waker>>,
}

/// What a client did not go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stall {
    /// Sending the head of a request.
    Head,
    /// Reading answers.
    Answer,
    /// Sending anything at all: the server waits for the rest of a body that
    /// nobody wants any more.
    Rest,
}

impl Stall {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Answer => "answer",
            Self::Rest => "rest",
        }
    }
}

/// How many turns each kind of stall may last.
pub(super) struct Limits {
    pub(super) head: Turn,
    pub(super) answer: Turn,
    /// Longer than a connection is kept for its next request.
    pub(super) quiet: Turn,
}

/// A request in flight, until it is dropped.
pub(crate) struct InFlight {
    connection: Rc<Connection>,
    now: Rc<Cell<Turn>>,
    has_body: bool,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let connection = &self.connection;
        connection.in_flight.set(connection.in_flight.get() - 1);
        if connection.in_flight.get() > 0 {
            return;
        }
        let now = Some(self.now.get());
        connection.quiet_since.set(now);
        // Where there was no body, what came in behind the head is a part of
        // the next one.
        if !self.has_body && !connection.ends_a_head() {
            connection.head_since.set(now);
        }
    }
}

impl Connection {
    /// A request of it was handed to the app.
    pub(super) fn begin(self: &Rc<Self>, now: &Rc<Cell<Turn>>, has_body: bool) -> InFlight {
        self.in_flight.set(self.in_flight.get() + 1);
        self.head_since.set(None);
        self.quiet_since.set(None);
        InFlight {
            connection: Rc::clone(self),
            now: Rc::clone(now),
            has_body,
        }
    }

    /// Bytes came in.
    pub(super) fn received(&self, bytes: &[u8], now: Turn) {
        let mut tail = self.tail.get();
        for byte in bytes.iter().skip(bytes.len().saturating_sub(tail.len())) {
            tail.rotate_left(1);
            if let Some(last) = tail.last_mut() {
                *last = *byte;
            }
        }
        self.tail.set(tail);
        if self.in_flight.get() == 0 && self.head_since.get().is_none() {
            self.head_since.set(Some(now));
        }
    }

    /// The client took some of what is written.
    pub(super) fn taken(&self) {
        self.unread_since.set(None);
    }

    /// The client takes nothing now.
    pub(super) fn not_taken(&self, now: Turn) {
        if self.unread_since.get().is_none() {
            self.unread_since.set(Some(now));
        }
    }

    /// Notes who has to be woken to end it.
    pub(super) fn driven_by(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        match known.as_mut() {
            Some(known) => known.clone_from(waker),
            None => *known = Some(waker.clone()),
        }
    }

    /// Ends it where it has been stalled for longer than these limits.
    pub(super) fn judge(&self, now: Turn, limits: &Limits) {
        let over = |since: &Cell<Option<Turn>>, most: Turn| {
            since
                .get()
                .is_some_and(|since| now.wrapping_sub(since) >= most)
        };
        let stall = if over(&self.head_since, limits.head) {
            Stall::Head
        } else if over(&self.unread_since, limits.answer) {
            Stall::Answer
        } else if over(&self.quiet_since, limits.quiet) {
            Stall::Rest
        } else {
            return;
        };
        self.expired.set(Some(stall));
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Whether a head may have ended with the last bytes: then nothing of a
    /// next one is there yet.
    fn ends_a_head(&self) -> bool {
        matches!(
            self.tail.get(),
            [b'\r', b'\n', b'\r', b'\n'] | [_, b'\n', b'\r', b'\n'] | [_, _, b'\n', b'\n']
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET /v1/account HTTP/1.1\r\nHost: x\r\n\r\n";

    fn connection() -> (Rc<Connection>, Rc<Cell<Turn>>) {
        (Rc::default(), Rc::default())
    }

    fn stalled(connection: &Connection, now: Turn) -> Option<Stall> {
        let limits = Limits {
            head: 10,
            answer: 30,
            quiet: 100,
        };
        connection.judge(now, &limits);
        connection.expired.take()
    }

    #[test]
    fn an_idle_connection_is_left_alone() {
        let (idle, now) = connection();
        assert_eq!(stalled(&idle, 1_000), None);
        for (request, has_body) in [
            (HEAD, false),
            (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", true),
        ] {
            idle.received(request, 0);
            let request = idle.begin(&now, has_body);
            assert_eq!(stalled(&idle, 1_000), None, "a handler may take its time");
            drop(request);
            assert_eq!(stalled(&idle, 99), None);
        }
        // By then it should have been closed for want of a next request.
        assert_eq!(stalled(&idle, 100), Some(Stall::Rest));
    }

    #[test]
    fn a_head_that_does_not_end_is_a_stall_from_its_first_byte_on() {
        let (slow, now) = connection();
        for round in 0..3_u32 {
            let start = round * 50;
            now.set(start);
            for (turn, byte) in (start..start + 10).zip(HEAD) {
                slow.received(&[*byte], turn);
                assert_eq!(stalled(&slow, turn), None);
            }
            assert_eq!(stalled(&slow, start + 10), Some(Stall::Head));
            slow.received(HEAD, start + 9);
            drop(slow.begin(&now, false));
        }
    }

    #[test]
    fn the_beginning_of_a_next_head_counts_from_the_end_of_the_request() {
        let (pipelined, now) = connection();
        pipelined.received(&[HEAD, b"GET /v1/acc"].concat(), 0);
        let request = pipelined.begin(&now, false);
        now.set(50);
        drop(request);
        assert_eq!(stalled(&pipelined, 59), None);
        assert_eq!(stalled(&pipelined, 60), Some(Stall::Head));
    }

    #[test]
    fn a_body_that_goes_on_after_the_answer_is_a_stall() {
        let (refused, now) = connection();
        refused.received(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n", 0);
        drop(refused.begin(&now, true));
        refused.received(b"{", 3);
        refused.received(b"\"", 9);
        assert_eq!(stalled(&refused, 13), Some(Stall::Head));
    }

    #[test]
    fn an_answer_that_nobody_reads_is_a_stall() {
        let (deaf, _) = connection();
        deaf.not_taken(5);
        deaf.not_taken(20);
        assert_eq!(stalled(&deaf, 34), None);
        assert_eq!(stalled(&deaf, 35), Some(Stall::Answer));
        deaf.taken();
        assert_eq!(stalled(&deaf, 1_000), None);
    }
}
