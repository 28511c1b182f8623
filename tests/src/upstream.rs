//! An API behind a proxy: it answers every request, and remembers what it was sent.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;

/// A small server. Its threads end with the connections, and with the test process.
pub struct Upstream {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request that reached the API.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The target of the request line, as it was sent.
    pub target: String,
    /// Names as they were sent, and values.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Seen {
    /// The values of all headers that some program could take for this one: names are compared by their
    /// letters and digits alone.
    pub fn alike(&self, name: &str) -> Vec<&str> {
        let plain = |name: &str| {
            let kept = name.chars().filter(char::is_ascii_alphanumeric);
            kept.collect::<String>().to_ascii_lowercase()
        };
        let headers = self.headers.iter();
        headers
            .filter(|header| plain(&header.0) == plain(name))
            .map(|header| header.1.as_str())
            .collect()
    }
}

impl Upstream {
    /// A new one, on a free port. It answers 200 with what it was sent as JSON; to a request with the header
    /// `Answer: 429` it answers that status, with headers such as a limiting API has.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let log = Arc::clone(&log);
                std::thread::spawn(move || serve(&client, &log));
            }
        });
        Self { address, seen }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far, in the order in which they came.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The last request, of which there must be one.
    #[track_caller]
    pub fn last(&self) -> Seen {
        self.seen().pop().expect("a request reached the API")
    }

    /// How many requests have reached it.
    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

fn serve(client: &TcpStream, log: &Mutex<Vec<Seen>>) {
    let mut reader = BufReader::new(client);
    while let Some(seen) = read(&mut reader) {
        let status = seen.alike("Answer").first().copied().unwrap_or("200");
        let body = json!({
            "method": seen.method, "target": seen.target, "headers": seen.headers, "body": seen.body,
        })
        .to_string();
        let of_its_own = match status {
            "200" => "",
            _ => {
                "X-RateLimit-Limit: 7\r\nX-RateLimit-Remaining: 7\r\nX-RateLimit-Reset: 7\r\n\
             RateLimit-Policy: own\r\nRateLimit: own\r\nX-Request-Id: own\r\nRetry-After: 77\r\nWWW-Authenticate: Own\r\n"
            }
        };
        let mut answer = format!(
            "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{of_its_own}\r\n",
            body.len()
        );
        if seen.method != "HEAD" {
            answer.push_str(&body);
        }
        log.lock().unwrap().push(seen);
        if (&mut &*client).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Seen> {
    let mut line = || {
        let mut bytes = Vec::new();
        reader.read_until(b'\n', &mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.strip_suffix("\r\n").map(str::to_owned)
    };
    let request = line()?;
    let mut words = request.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen {
        method,
        target,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
