//! A cable between a server and its database that can be cut: nothing passes then, and nobody is told.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// A port that leads somewhere else. Its threads end with the connections, and with the test process.
pub struct Cable {
    address: SocketAddr,
    whole: Arc<Whole>,
}

#[derive(Default)]
struct Whole {
    cut: Mutex<bool>,
    mended: Condvar,
}

impl Whole {
    fn wait(&self) {
        let cut = self.cut.lock().unwrap();
        drop(self.mended.wait_while(cut, |cut| *cut).unwrap());
    }
}

impl Cable {
    /// A new one.
    pub fn to(port: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let whole = Arc::new(Whole::default());
        let both = Arc::clone(&whole);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(port) else {
                    continue;
                };
                carry(near.try_clone().unwrap(), far.try_clone().unwrap(), &both);
                carry(far, near, &both);
            }
        });
        Self { address, whole }
    }

    /// Where it begins.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets nothing pass from now on.
    pub fn cut(&self) {
        *self.whole.cut.lock().unwrap() = true;
    }

    /// Lets everything pass again, also what has waited, as a network does.
    pub fn mend(&self) {
        *self.whole.cut.lock().unwrap() = false;
        self.whole.mended.notify_all();
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, whole: &Arc<Whole>) {
    let whole = Arc::clone(whole);
    std::thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            whole.wait();
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        whole.wait();
        let _ = to.shutdown(Shutdown::Write);
    });
}
