//! A wire between a client and the server: it changes nothing, and writes down what passes and when.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A port that leads to the server. Its threads end with the connections, and with the test process.
pub struct Wire {
    address: SocketAddr,
    passed: Arc<Mutex<Vec<Passed>>>,
}

/// The head of a request or of an answer.
#[derive(Clone, Debug)]
pub struct Passed {
    /// When its first byte was here, before it was passed on.
    pub at: Instant,
    /// `GET /v1/account HTTP/1.1`, or `HTTP/1.1 200 OK`.
    pub first_line: String,
    /// Names in lower case, and values.
    headers: Vec<(String, String)>,
}

impl Passed {
    /// The names of all headers, sorted.
    pub fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self
            .headers
            .iter()
            .map(|header| header.0.as_str())
            .collect();
        names.sort_unstable();
        names
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|header| header.0 == name)
            .map(|header| header.1.as_str())
    }

    /// The status, if it is an answer.
    pub fn status(&self) -> Option<u16> {
        let rest = self.first_line.strip_prefix("HTTP/1.1 ")?;
        rest.get(..3)?.parse().ok()
    }

    /// Reads what one `read` gave, if a message starts there. Clients that wait for each answer, and a server
    /// on the same machine, write each head in one piece.
    fn read(bytes: &[u8]) -> Option<Self> {
        let at = Instant::now();
        let text = String::from_utf8_lossy(bytes);
        let (head, _) = text.split_once("\r\n\r\n")?;
        let (first_line, headers) = head.split_once("\r\n")?;
        if !first_line.contains("HTTP/1.1") {
            return None;
        }
        let headers = headers.lines().filter_map(|line| line.split_once(": "));
        Some(Self {
            at,
            first_line: first_line.to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
        })
    }
}

impl Wire {
    /// A new wire to the server.
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let passed = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&passed);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(server) else {
                    continue; // closes the client's connection: there is no server
                };
                copy(
                    client.try_clone().unwrap(),
                    server.try_clone().unwrap(),
                    &log,
                );
                copy(server, client, &log);
            }
        });
        Self { address, passed }
    }

    /// What a proxy takes for the server's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client takes for the server's address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests and answers so far, in the order in which they passed.
    pub fn passed(&self) -> Vec<Passed> {
        self.passed.lock().unwrap().clone()
    }

    /// Whether an answer with that status has passed.
    pub fn has_seen(&self, status: u16) -> bool {
        let passed = self.passed.lock().unwrap();
        passed.iter().any(|passed| passed.status() == Some(status))
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, log: &Arc<Mutex<Vec<Passed>>>) {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..length];
            log.lock().unwrap().extend(Passed::read(bytes));
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
