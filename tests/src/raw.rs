//! A client that sends whatever bytes it is told to.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Answer;

/// One TCP connection.
#[derive(Debug)]
pub struct RawClient {
    stream: TcpStream,
}

impl RawClient {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
            .set_write_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// Sends the bytes and reads the first answer, if one comes before the connection ends.
    pub fn send(&mut self, bytes: &[u8]) -> Option<Answer> {
        // The server may answer and close before it has read everything.
        let _ = self.stream.write_all(bytes);
        let mut read = Vec::new();
        let mut piece = [0; 16 * 1024];
        loop {
            if let Some(answer) = parse(&read, false) {
                return Some(answer);
            }
            match self.stream.read(&mut piece) {
                Ok(0) => return parse(&read, true),
                Ok(count) => read.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return parse(&read, true);
                }
                Err(error) => panic!("no answer ({error}) to {}", bytes.escape_ascii()),
            }
        }
    }
}

/// An answer once it is complete; at the end of the connection, one of unknown length is complete.
fn parse(read: &[u8], at_end: bool) -> Option<Answer> {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();

    let body = &read[end + 4..];
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse::<usize>().ok());
    let complete = match length {
        Some(length) => body.len() >= length || at_end,
        None => at_end || status == 204,
    };
    complete.then(|| Answer {
        status,
        headers,
        body: String::from_utf8_lossy(body).into_owned(),
    })
}
