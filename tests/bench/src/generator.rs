//! The load: one thread that keeps connections busy, or sends at a fixed rate.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use memchr::memmem::{self, Finder};
use rustix::event::{Timespec, epoll};
use rustix::time::{ClockId, clock_gettime};

use crate::process::pin;

/// What is to be sent, and how.
pub(crate) struct Load<'a> {
    pub(crate) connections: usize,
    /// Drawn from at random.
    pub(crate) requests: &'a [Vec<u8>],
    /// Before anything is measured.
    pub(crate) ramp: Duration,
    pub(crate) window: Duration,
    /// Requests per second; without it, as many as the server answers.
    pub(crate) rate: Option<f64>,
    pub(crate) core: Option<usize>,
}

/// What came back.
pub(crate) struct Outcome {
    /// Answers within the window.
    pub(crate) answers: usize,
    /// Answers at all.
    pub(crate) total: usize,
    /// Those that were not 200.
    pub(crate) bad: usize,
    pub(crate) seconds: f64,
    /// Of the window, sorted, in nanoseconds. At a fixed rate each counts from when it was due.
    latencies: Vec<u32>,
    /// How much of its core the generator used.
    pub(crate) generator_share: f64,
    /// What the server used within the window, in seconds.
    pub(crate) server_cpu: f64,
}

impl Outcome {
    pub(crate) fn per_second(&self) -> f64 {
        self.answers as f64 / self.seconds
    }

    /// In microseconds.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let place = (last as f64 * percent / 100.0).round() as usize;
        self.latencies
            .get(place)
            .map_or(f64::NAN, |ns| f64::from(*ns) / 1e3)
    }
}

struct Connection {
    socket: TcpStream,
    since: Instant,
    /// What is there of an answer that has not come whole.
    part: Vec<u8>,
}

/// Sends the load from a thread of its own. `server_cpu` gives the server's CPU time.
pub(crate) fn run(
    address: SocketAddr,
    load: &Load<'_>,
    server_cpu: &(dyn Fn() -> f64 + Sync),
) -> Outcome {
    std::thread::scope(|scope| {
        let work = || {
            if let Some(core) = load.core {
                pin(core);
            }
            Generator::new(address, load).run(server_cpu)
        };
        scope.spawn(work).join().expect("the generator")
    })
}

struct Generator<'a> {
    load: &'a Load<'a>,
    poll: rustix::fd::OwnedFd,
    connections: Vec<Connection>,
    idle: Vec<usize>,
    in_flight: usize,
    dice: u64,
    total: usize,
    bad: usize,
    latencies: Vec<u32>,
    head_end: Finder<'static>,
}

impl<'a> Generator<'a> {
    fn new(address: SocketAddr, load: &'a Load<'a>) -> Self {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let connect = |number: usize| {
            let socket = TcpStream::connect(address).unwrap();
            socket.set_nodelay(true).unwrap();
            socket.set_nonblocking(true).unwrap();
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&poll, &socket, data, epoll::EventFlags::IN).unwrap();
            Connection {
                socket,
                since: Instant::now(),
                part: Vec::new(),
            }
        };
        let connections: Vec<Connection> = (0..load.connections).map(connect).collect();
        Self {
            load,
            idle: (0..load.connections).collect(),
            connections,
            poll,
            in_flight: 0,
            dice: 0x9e37_79b9_7f4a_7c15,
            total: 0,
            bad: 0,
            latencies: Vec::with_capacity(1 << 20),
            head_end: Finder::new(b"\r\n\r\n"),
        }
    }

    fn run(mut self, server_cpu: &dyn Fn() -> f64) -> Outcome {
        let begin = Instant::now();
        let window_begin = begin + self.load.ramp;
        let window_end = window_begin + self.load.window;
        let gap = self
            .load
            .rate
            .map(|rate| Duration::from_secs_f64(1.0 / rate));
        let mut due = begin;
        let mut measured = None;
        let mut buffer = vec![0; 64 * 1024];
        let mut events = vec![
            epoll::Event {
                flags: epoll::EventFlags::empty(),
                data: epoll::EventData::new_u64(0),
            };
            256
        ];
        // At a fixed rate it looks again and again: sleeping would be too coarse.
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        loop {
            let mut now = Instant::now();
            if measured.is_none() && now >= window_begin {
                self.latencies.clear();
                measured = Some((now, own_cpu(), server_cpu()));
            }
            if now >= window_end {
                break;
            }
            match gap {
                None => {
                    while let Some(place) = self.idle.pop() {
                        self.send(place, now);
                    }
                }
                Some(gap) => {
                    while due <= now
                        && let Some(place) = self.idle.pop()
                    {
                        self.send(place, due);
                        due += gap;
                    }
                }
            }
            let timeout = gap.is_some().then_some(&at_once);
            let count = epoll::wait(&self.poll, events.as_mut_slice(), timeout).unwrap();
            now = Instant::now();
            for event in &events[..count] {
                let data = event.data;
                self.receive(data.u64() as usize, now, &mut buffer);
            }
        }
        let (since, own, server) = measured.expect("a window");
        let seconds = since.elapsed().as_secs_f64();
        let generator_share = (own_cpu() - own) / seconds;
        let server_cpu = server_cpu() - server;
        let answers = self.latencies.len();
        self.finish(&mut events, &mut buffer);
        self.latencies.truncate(answers);
        self.latencies.sort_unstable();
        Outcome {
            answers,
            total: self.total,
            bad: self.bad,
            seconds,
            latencies: self.latencies,
            generator_share,
            server_cpu,
        }
    }

    /// Waits for what is under way, so that each request has its answer.
    fn finish(&mut self, events: &mut [epoll::Event], buffer: &mut [u8]) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.in_flight > 0 {
            assert!(Instant::now() < deadline, "answers are missing");
            let second = Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            };
            let count = epoll::wait(&self.poll, &mut *events, Some(&second)).unwrap();
            for event in &events[..count] {
                let data = event.data;
                self.receive(data.u64() as usize, Instant::now(), buffer);
            }
        }
    }

    fn send(&mut self, place: usize, since: Instant) {
        // xorshift64*
        self.dice ^= self.dice >> 12;
        self.dice ^= self.dice << 25;
        self.dice ^= self.dice >> 27;
        let drawn = self.dice.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        let request = &self.load.requests[drawn as usize % self.load.requests.len()];
        let connection = &mut self.connections[place];
        connection.since = since;
        let sent = connection.socket.write(request).unwrap();
        assert_eq!(sent, request.len(), "a request did not fit into its socket");
        self.in_flight += 1;
    }

    fn receive(&mut self, place: usize, now: Instant, buffer: &mut [u8]) {
        let connection = &mut self.connections[place];
        let read = match connection.socket.read(buffer) {
            Ok(0) => panic!("the server closed a connection"),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => panic!("{error}"),
        };
        let ok = if connection.part.is_empty() {
            whole(&self.head_end, &buffer[..read])
        } else {
            connection.part.extend_from_slice(&buffer[..read]);
            whole(&self.head_end, &connection.part)
        };
        let Some(ok) = ok else {
            if connection.part.is_empty() {
                connection.part.extend_from_slice(&buffer[..read]);
            }
            return;
        };
        connection.part.clear();
        let took = now.saturating_duration_since(connection.since).as_nanos();
        self.latencies.push(u32::try_from(took).unwrap_or(u32::MAX));
        self.total += 1;
        self.bad += usize::from(!ok);
        self.in_flight -= 1;
        self.idle.push(place);
    }
}

/// Whether the answer is a 200, once it is there as a whole.
fn whole(head_end: &Finder<'_>, bytes: &[u8]) -> Option<bool> {
    let head = head_end.find(bytes)?;
    let field = memmem::find(&bytes[..head], b"ength: ").expect("Content-Length") + 7;
    let digits = bytes[field..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |n, digit| n * 10 + usize::from(digit - b'0'));
    (bytes.len() >= head + 4 + length).then(|| bytes.get(9..12) == Some(b"200"))
}

/// CPU time of this thread, in seconds.
fn own_cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
