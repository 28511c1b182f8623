//! Clients that send whatever bytes they are told to.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::Answer;

/// One TCP connection.
#[derive(Debug)]
pub struct RawClient {
    stream: TcpStream,
    /// What was read and belongs to no answer yet.
    read: Vec<u8>,
}

impl RawClient {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = connect(address);
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
            .set_write_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Sends the bytes and reads the first answer, if one comes before the connection ends.
    pub fn send(&mut self, bytes: &[u8]) -> Option<Answer> {
        // The server may answer and close before it has read everything.
        let _ = self.stream.write_all(bytes);
        let to_head = bytes.starts_with(b"HEAD ");
        loop {
            if let Some((answer, length)) = parse(&self.read, to_head, false) {
                self.read.drain(..length);
                return Some(answer);
            }
            if !self.read_more(bytes) {
                return parse(&self.read, to_head, true).map(|(answer, _)| answer);
            }
        }
    }

    /// Sends the bytes, says that no more follow, and reads all there is until the connection ends.
    pub fn send_and_end(mut self, bytes: &[u8]) -> Vec<u8> {
        let _ = self.stream.write_all(bytes);
        let _ = self.stream.shutdown(Shutdown::Write);
        while self.read_more(bytes) {}
        self.read
    }

    /// Whether there was more; `sent` is for the message.
    fn read_more(&mut self, sent: &[u8]) -> bool {
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece) {
            Ok(0) => false,
            Ok(count) => {
                self.read.extend_from_slice(&piece[..count]);
                true
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("no answer ({error}) to {}", sent.escape_ascii()),
        }
    }
}

/// Connects; where tens of thousands of connections were made before, waits until a port is free again.
fn connect(address: SocketAddr) -> TcpStream {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        match TcpStream::connect(address) {
            Err(error)
                if error.kind() == ErrorKind::AddrNotAvailable && Instant::now() < deadline =>
            {
                std::thread::sleep(Duration::from_millis(50));
            }
            connected => return connected.unwrap(),
        }
    }
}

/// Sends one request after the other on one connection, and takes a new one where the server ended it.
#[derive(Debug)]
pub struct KeepAlive {
    address: SocketAddr,
    connection: Option<RawClient>,
}

impl KeepAlive {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            connection: None,
        }
    }

    /// Sends a request and reads its answer; `None` where even a new connection got none.
    pub fn send(&mut self, bytes: &[u8]) -> Option<Answer> {
        let kept = self.connection.take().and_then(|mut connection| {
            let answer = connection.send(bytes)?;
            Some((connection, answer))
        });
        let (connection, answer) = match kept {
            Some(both) => both,
            None => {
                let mut connection = RawClient::connect(self.address);
                let answer = connection.send(bytes)?;
                (connection, answer)
            }
        };
        // What follows a CONNECT on its connection is no request.
        if answer.header("connection") != Some("close") && !bytes.starts_with(b"CONNECT ") {
            self.connection = Some(connection);
        }
        Some(answer)
    }
}

/// An answer once it is complete, and its length; at the end of the connection, one of unknown length is
/// complete.
pub(crate) fn parse(read: &[u8], to_head: bool, at_end: bool) -> Option<(Answer, usize)> {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();

    let rest = &read[end + 4..];
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse::<usize>().ok());
    let length = match length {
        _ if to_head || status == 204 => 0,
        Some(length) if length <= rest.len() => length,
        _ if at_end => rest.len(),
        _ => return None,
    };
    let answer = Answer {
        status,
        headers,
        body: String::from_utf8_lossy(&rest[..length]).into_owned(),
    };
    Some((answer, end + 4 + length))
}
