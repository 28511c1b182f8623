//! A second server on an app's data.

use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::Client;
use crate::server::Server;

/// A second server on an app's data.
pub struct AnotherServer(Server);

impl AnotherServer {
    pub(crate) fn start(command: &mut Command, log: PathBuf) -> Self {
        Self(Server::start(command, log))
    }

    /// What it printed before the line that tells its address.
    pub fn greeting(&self) -> &[String] {
        &self.0.greeting
    }

    /// A client with that key.
    pub fn client(&self, token: &str) -> Client {
        Client::new(&format!("http://{}", self.0.address), Some(token))
    }

    /// Tells it to read its settings again.
    pub fn hang_up(&self) {
        self.0.signal(Signal::HUP);
    }

    /// Stops it, and checks how it ended.
    #[track_caller]
    pub fn stop(&mut self) {
        let ended = self.0.terminate();
        assert_eq!(self.0.complaints(&ended), Vec::<String>::new());
    }
}
