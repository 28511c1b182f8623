//! One of several servers on an app's database, which a test may freeze, kill or cut off.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;

use rustix::process::Signal;

use crate::TestApp;
use crate::cable::Cable;
use crate::server::Server;

/// A server with a data directory of its own.
pub struct Node<'a> {
    app: &'a TestApp,
    data: PathBuf,
    log: PathBuf,
    /// To the database, on PostgreSQL.
    cable: Option<Cable>,
    server: Mutex<Option<Server>>,
}

impl<'a> Node<'a> {
    pub(crate) fn start(app: &'a TestApp) -> Self {
        let number = app.next_number();
        let cable = app.database_address().map(Cable::to);
        let node = Self {
            app,
            data: app.scratch().join(format!("data-{number}")),
            log: app.scratch().join(format!("log-{number}")),
            cable,
            server: Mutex::default(),
        };
        node.start_again();
        node
    }

    /// Starts it, where it does not run, and waits until it listens.
    pub fn start_again(&self) {
        let mut command = self.app.api_command(&["serve"]);
        command.env("TORVUS_DATA_DIR", &self.data);
        let url = self.app.database_url();
        if let Some(cable) = &self.cable {
            let (server, database) = url.rsplit_once('/').unwrap();
            let (host, _) = server.rsplit_once(':').unwrap();
            let port = cable.address().port();
            command.env("TORVUS_DATABASE_URL", format!("{host}:{port}/{database}"));
        } else {
            command.env("TORVUS_DATABASE_URL", url);
            command.env("TORVUS_PEPPER_FILE", self.app.data_dir().join("pepper"));
        }
        let server = Server::start(&mut command, self.log.clone());
        *self.server.lock().unwrap() = Some(server);
    }

    /// Where it listens, where it runs.
    pub fn address(&self) -> Option<SocketAddr> {
        let server = self.server.lock().unwrap();
        server.as_ref().map(|server| server.address)
    }

    /// Kills it as a power switch would.
    pub fn kill(&self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            server.kill();
        }
    }

    /// Stops it in order, and checks how it ended.
    #[track_caller]
    pub fn stop(&self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            let ended = server.terminate();
            assert_eq!(server.complaints(&ended), Vec::<String>::new());
        }
    }

    /// Stops it with SIGSTOP: it does nothing, and notices nothing.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Cuts it off from its database, without a word. On SQLite nothing can be cut: it is frozen.
    pub fn cut_off(&self) {
        match &self.cable {
            Some(cable) => cable.cut(),
            None => self.freeze(),
        }
    }

    /// Connects it again.
    pub fn reconnect(&self) {
        match &self.cable {
            Some(cable) => cable.mend(),
            None => self.thaw(),
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(server) = self.server.lock().unwrap().as_ref() {
            server.signal(signal);
        }
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        self.thaw();
        self.reconnect();
        if std::thread::panicking() {
            self.kill();
        } else {
            self.stop();
        }
    }
}
