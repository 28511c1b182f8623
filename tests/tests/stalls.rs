//! Clients that stop in the middle: they are cut off, and nobody else waits for them.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{self, AddressFamily, SocketType, sockopt};
use serde_json::json;
use torvus_e2e::{Client, Database, TestApp};

/// Stalled connections of each kind.
const EACH: usize = 125;
/// How often a stalled client sends one byte more.
const TRICKLE: Duration = Duration::from_millis(500);
/// A machine that is busy may be late by this much.
const SLACK: Duration = Duration::from_secs(3);

/// Where a client stalls.
#[derive(Clone, Copy, Debug)]
enum Stall {
    FirstHead,
    SecondHead,
    Body,
    UnreadAnswer,
}

impl Stall {
    const ALL: [Self; 4] = [
        Self::FirstHead,
        Self::SecondHead,
        Self::Body,
        Self::UnreadAnswer,
    ];

    /// How long it may last, by the public contract of the issue: 10 s for a head, 30 s for the rest.
    fn most(self) -> Duration {
        match self {
            Self::FirstHead | Self::SecondHead => Duration::from_secs(10),
            Self::Body | Self::UnreadAnswer => Duration::from_secs(30),
        }
    }
}

/// Connects with room for few unread bytes.
fn connect(address: SocketAddr) -> TcpStream {
    let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    sockopt::set_socket_recv_buffer_size(&socket, 8 * 1024).unwrap();
    net::connect(&socket, &address).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true).unwrap();
    stream
}

/// A connection that has begun to stall, and when.
struct Stalled {
    stream: TcpStream,
    since: Instant,
    trickles: bool,
}

fn stall(kind: Stall, address: SocketAddr, token: &str) -> Stalled {
    let mut stream = connect(address);
    let head =
        |line: &str| format!("{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
    match kind {
        Stall::FirstHead => stream
            .write_all(b"GET /v1/account HTTP/1.1\r\nX-Long: ")
            .unwrap(),
        Stall::SecondHead => {
            stream
                .write_all((head("GET /v1/account") + "\r\n").as_bytes())
                .unwrap();
            let mut answer = [0; 4_096];
            assert!(stream.read(&mut answer).unwrap() > 0);
            assert!(answer.starts_with(b"HTTP/1.1 200"));
            stream
                .write_all(b"GET /v1/account HTTP/1.1\r\nX-Long: ")
                .unwrap();
        }
        Stall::Body => {
            let more =
                "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{\"name\":\"";
            stream
                .write_all((head("POST /v1/vaults") + more).as_bytes())
                .unwrap();
        }
        Stall::UnreadAnswer => {
            stream.set_nonblocking(true).unwrap();
            let request = head("GET /v1/vaults?limit=100") + "\r\n";
            // Far more answers than the buffers of both sides take.
            let _ = stream.write(request.repeat(200).as_bytes()).unwrap();
        }
    }
    stream.set_nonblocking(true).unwrap();
    Stalled {
        stream,
        since: Instant::now(),
        trickles: !matches!(kind, Stall::UnreadAnswer),
    }
}

impl Stalled {
    /// Whether the server has ended it. Reads nothing where reading would help.
    fn is_over(&mut self) -> bool {
        let gone = |error: std::io::Error| {
            !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
        };
        if !self.trickles {
            // A reset is seen without a read, an orderly end only behind what is unread.
            return self.stream.take_error().unwrap().is_some();
        }
        if let Err(error) = self.stream.write(b"x") {
            return gone(error);
        }
        let mut answer = [0; 4_096];
        match self.stream.read(&mut answer) {
            Ok(0) => true,
            Ok(_) => false,
            Err(error) => gone(error),
        }
    }
}

/// How long each of some stalled connections lasted.
fn lasted(kind: Stall, mut open: Vec<Stalled>) -> Vec<Duration> {
    let mut lasted = Vec::new();
    while !open.is_empty() {
        thread::sleep(TRICKLE);
        open.retain_mut(|stalled| {
            let (over, age) = (stalled.is_over(), stalled.since.elapsed());
            if over {
                lasted.push(age);
            }
            let late = age > kind.most() + SLACK;
            assert!(over || !late, "{kind:?}: still open after {age:?}");
            !over
        });
    }
    lasted
}

/// The 99th percentile of good requests, until told to stop.
fn p99(client: &Client, stop: &AtomicBool) -> Duration {
    let mut took = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let start = Instant::now();
        client.get("/v1/account").expect(200);
        took.push(start.elapsed());
        thread::sleep(Duration::from_millis(5));
    }
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

#[test]
fn clients_that_stall_are_cut_off_and_nobody_waits_for_them() {
    let plan = "[plans.wide]\nlive_requests_per_hour = 1000000\ntest_requests_per_hour = 1000000\n";
    let app = TestApp::builder(Database::Sqlite).config(plan).start();
    let address = app.address();
    let key = app.key(&app.account("wide"), "live", "read,write");
    let client = app.client(&key.token);
    let description = "x".repeat(2_000);
    for _ in 0..20 {
        let vault = json!({ "name": "large", "description": description });
        client.post("/v1/vaults", &vault).expect(201);
    }
    let measured = |during: &dyn Fn()| {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let good = scope.spawn(|| p99(&client, &stop));
            let ended = catch_unwind(AssertUnwindSafe(during));
            stop.store(true, Ordering::SeqCst);
            let p99 = good.join().unwrap();
            ended.unwrap_or_else(|panic| resume_unwind(panic));
            p99
        })
    };
    let before = measured(&|| thread::sleep(Duration::from_secs(5)));
    let all = Stall::ALL.map(|kind| {
        let stalled = (0..EACH).map(|_| stall(kind, address, &key.token));
        (kind, Mutex::new(stalled.collect::<Vec<_>>()))
    });
    let during = measured(&|| {
        thread::scope(|scope| {
            let all = all.each_ref().map(|(kind, stalled)| {
                let stalled = std::mem::take(&mut *stalled.lock().unwrap());
                (kind, scope.spawn(|| lasted(*kind, stalled)))
            });
            for (kind, lasted) in all {
                let lasted = lasted.join().unwrap();
                let longest = lasted.iter().max().unwrap();
                println!(
                    "{kind:?}: {} closed, the last after {longest:.1?}",
                    lasted.len()
                );
            }
        });
    });
    println!(
        "p99 of good requests: {before:.2?} before, {during:.2?} while {} stalled",
        4 * EACH
    );
    // The connections are gone on the server's side, too.
    torvus_e2e::wait_until(Duration::from_secs(10), "all sockets are closed", || {
        app.open_files() < 100
    });
    client.get("/v1/account").expect(200);
}

/// Slow is not stalled: a worker that nobody asked for a while looks at the clock again, and a connection
/// waits for its next request, whatever the last one was.
#[test]
fn clients_that_only_take_their_time_are_left_alone() {
    let app = TestApp::builder(Database::Sqlite)
        .args(&["--workers", "1"])
        .start();
    let key = app.key(&app.account("professional"), "live", "write");
    let line = |line: &str| {
        format!(
            "{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n",
            key.token
        )
    };
    let answered = |stream: &mut TcpStream, status: &str| {
        let mut answer = [0; 4_096];
        let read = stream.read(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    };
    thread::sleep(Duration::from_secs(12));
    let mut stream = TcpStream::connect(app.address()).unwrap();
    let body = "{\"name\":\"slow\"}";
    let length = body.len();
    let head = line("POST /v1/vaults")
        + &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    let (first, second) = head.split_at(30);
    for part in [first, second, body] {
        thread::sleep(Duration::from_millis(1_500));
        stream.write_all(part.as_bytes()).unwrap();
    }
    answered(&mut stream, "201");
    thread::sleep(Duration::from_secs(12));
    stream
        .write_all((line("GET /v1/account") + "\r\n").as_bytes())
        .unwrap();
    answered(&mut stream, "200");
}
