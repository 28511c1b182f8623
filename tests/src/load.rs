//! Clients that keep a server busy, whatever happens to it, and note each answer that they read.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Caller, Key};

/// An answer that a client read to its end.
#[derive(Clone, Debug)]
pub struct Noted {
    /// Its `X-Request-Id`.
    pub request_id: String,
    /// Its status.
    pub status: u16,
    /// When it was there.
    pub at: Instant,
    /// How long that took.
    pub took: Duration,
}

/// What clients ask, and what they were answered.
#[derive(Debug)]
pub struct Load {
    requests: Vec<Vec<u8>>,
    noted: Mutex<Vec<Noted>>,
}

impl Load {
    /// Of each key some reads and a change, and a few requests that are refused.
    pub fn of(keys: &[Key]) -> Self {
        let mut requests = vec![b"GET /v1/account HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()];
        for key in keys {
            let head = format!("Host: x\r\nAuthorization: Bearer {}\r\n", key.token);
            for line in ["GET /v1/account", "GET /v1/vaults", "GET /v1/vaults/none"] {
                requests.push(format!("{line} HTTP/1.1\r\n{head}\r\n").into_bytes());
            }
            let body = r#"{"note":"here"}"#;
            let rest = format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            requests.push(format!("POST /v1/check-ins HTTP/1.1\r\n{head}{rest}").into_bytes());
        }
        Self {
            requests,
            noted: Mutex::default(),
        }
    }

    /// Lets that many connections ask while `work` is done.
    pub fn during<T>(&self, server: SocketAddr, connections: usize, work: impl FnOnce() -> T) -> T {
        struct Ends<'a>(&'a AtomicBool);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for index in 0..connections {
                let stop = &stop;
                scope.spawn(move || self.ask(server, index, stop));
            }
            // Also where the work fails.
            let _ends = Ends(&stop);
            work()
        })
    }

    /// The answers so far.
    pub fn noted(&self) -> Vec<Noted> {
        self.noted.lock().unwrap().clone()
    }

    fn ask(&self, server: SocketAddr, index: usize, stop: &AtomicBool) {
        let mut caller = Caller::default();
        let mut turn = index;
        while !stop.load(Ordering::SeqCst) {
            let request = &self.requests[turn % self.requests.len()];
            turn += 1;
            let sent = Instant::now();
            let Some(answer) = caller.ask(server, request) else {
                continue;
            };
            let noted = Noted {
                request_id: answer.header("x-request-id").unwrap().to_owned(),
                status: answer.status,
                at: Instant::now(),
                took: sent.elapsed(),
            };
            self.noted.lock().unwrap().push(noted);
        }
    }
}
