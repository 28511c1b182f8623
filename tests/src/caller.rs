//! A client that asks again and again, whatever happens to the server.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::Answer;
use crate::raw::parse;

/// Longer than a server may be frozen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that is kept for as long as it works.
#[derive(Debug, Default)]
pub struct Caller {
    connection: Option<(SocketAddr, TcpStream)>,
}

impl Caller {
    /// The answer, unless there is no server or the connection ends before it is there. Then it is not known
    /// whether the server has seen the request.
    pub fn ask(&mut self, server: SocketAddr, request: &[u8]) -> Option<Answer> {
        let kept = self.connection.take().filter(|(to, _)| *to == server);
        let mut stream = match kept {
            Some((_, stream)) => stream,
            None => connect(server)?,
        };
        let answer = exchange(&mut stream, request)?;
        self.connection = Some((server, stream));
        Some(answer)
    }
}

fn connect(server: SocketAddr) -> Option<TcpStream> {
    let connect = || {
        let stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        std::io::Result::Ok(stream)
    };
    connect()
        .inspect_err(|_| thread::sleep(Duration::from_millis(5)))
        .ok()
}

fn exchange(stream: &mut TcpStream, request: &[u8]) -> Option<Answer> {
    stream.write_all(request).ok()?;
    let (mut read, mut piece) = (Vec::new(), [0; 4_096]);
    loop {
        if let Some((answer, _)) = parse(&read, false, false) {
            return Some(answer);
        }
        match stream.read(&mut piece).ok()? {
            0 => return None,
            count => read.extend_from_slice(&piece[..count]),
        }
    }
}
