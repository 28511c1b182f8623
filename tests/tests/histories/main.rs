//! Random histories of one key on three servers that are frozen, killed and cut off: in each, every answer is
//! one that a single server without a memory could have given.

#[cfg(test)]
mod checker;
#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use torvus_e2e::{Caller, Database, Dice, Node, TestApp, Trouble, large};

    use crate::checker::{Impossible, Operation, check};
    use crate::model::{Done, What};

    const SERVERS: usize = 3;
    /// Keys that are tried at the same time.
    const AT_ONCE: usize = 4;
    const CLIENTS: usize = 4;
    const CHANGES: usize = 8;
    const PLAN: &str =
        "[plans.wide]\nlive_requests_per_hour = 100000000\ntest_requests_per_hour = 100000000\n";

    /// One key, and what was done with it.
    struct History<'a> {
        app: &'a TestApp,
        nodes: &'a [Node<'a>],
        id: String,
        /// The texts of its secrets; empty where nobody was told.
        secrets: Mutex<Vec<String>>,
        begun: Instant,
        operations: Mutex<Vec<Operation>>,
        over: AtomicBool,
    }

    impl<'a> History<'a> {
        fn new(app: &'a TestApp, nodes: &'a [Node<'a>], account: &str) -> Self {
            let key = app.key(account, "test", "read,write");
            Self {
                app,
                nodes,
                id: key.id,
                secrets: Mutex::new(vec![key.token]),
                begun: Instant::now(),
                operations: Mutex::default(),
                over: AtomicBool::new(false),
            }
        }

        fn now(&self) -> u64 {
            u64::try_from(self.begun.elapsed().as_nanos()).unwrap()
        }

        fn note(&self, called: u64, what: What, done: Option<Done>) {
            let returned = done.map(|_| self.now());
            self.operations.lock().unwrap().push(Operation {
                called,
                returned,
                what,
                done,
            });
        }

        /// Uses it, with any of its secrets, on any server.
        fn use_it(&self, seed: u64) {
            let mut dice = Dice::new(seed);
            let mut callers: Vec<_> = self.nodes.iter().map(|_| Caller::default()).collect();
            while !self.over.load(Ordering::SeqCst) {
                // Often enough for the checker, and not more.
                thread::sleep(Duration::from_millis(5 + dice.roll(30) as u64));
                let (secret, text) = {
                    let secrets = self.secrets.lock().unwrap();
                    let newest = secrets.len() - 1;
                    let secret = newest - dice.roll(3).min(newest);
                    (secret, secrets[secret].clone())
                };
                let (server, write) = (dice.roll(SERVERS), dice.roll(2) == 1);
                let Some(address) = self.nodes[server].address() else {
                    continue;
                };
                if text.is_empty() {
                    continue;
                }
                let head = format!("Host: x\r\nAuthorization: Bearer {text}\r\n");
                let body = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
                let request = match write {
                    true => format!("POST /v1/check-ins HTTP/1.1\r\n{head}{body}"),
                    false => format!("GET /v1/check-ins HTTP/1.1\r\n{head}\r\n"),
                };
                let called = self.now();
                let answer = callers[server].ask(address, request.as_bytes());
                let done = match answer.map(|answer| answer.status) {
                    Some(200 | 201) => Done::LetIn,
                    Some(403) => Done::Forbidden,
                    Some(401) => Done::Unknown,
                    // Nothing is known of it, and it has changed nothing.
                    Some(503) | None => continue,
                    Some(other) => panic!("answered {other}"),
                };
                self.note(called, What::Use { secret, write }, Some(done));
            }
        }

        /// Changes it, in the end for good.
        fn change(&self, seed: u64) {
            let mut dice = Dice::new(seed);
            for n in 0..CHANGES {
                thread::sleep(Duration::from_millis(dice.roll(150) as u64));
                let what = match dice.roll(8) {
                    _ if n == CHANGES - 1 => What::Revoke,
                    0..=2 => What::Permit {
                        read: true,
                        write: dice.roll(2) == 1,
                    },
                    3 => What::Permit {
                        read: false,
                        write: true,
                    },
                    4 | 5 => {
                        let mut secrets = self.secrets.lock().unwrap();
                        secrets.push(String::new());
                        What::Rotate {
                            secret: secrets.len() - 1,
                        }
                    }
                    _ => What::EndGrace,
                };
                self.make(what);
            }
            thread::sleep(Duration::from_millis(300));
            self.over.store(true, Ordering::SeqCst);
        }

        fn make(&self, what: What) {
            let id = self.id.as_str();
            let args: &[&str] = match what {
                What::Permit { read, write } => &[
                    "key",
                    "update",
                    id,
                    "--permissions",
                    match (read, write) {
                        (true, true) => "read,write",
                        (true, false) => "read",
                        _ => "write",
                    },
                ],
                What::Rotate { .. } => &["key", "rotate", id, "--grace", "1h"],
                What::EndGrace => &["key", "grace", id, "now"],
                What::Revoke => &["key", "revoke", id],
                What::Use { .. } => unreachable!("clients do that"),
            };
            let called = self.now();
            let run = self.app.admin_run(args);
            let done = match run.code {
                0 => Some(Done::Ok),
                4 => Some(Done::Conflict),
                6 => None,
                _ => panic!("{args:?}: {run:?}"),
            };
            self.note(called, what, done);
            if let (What::Rotate { secret }, Some(text)) = (what, run.json["api_key"].as_str()) {
                text.clone_into(&mut self.secrets.lock().unwrap()[secret]);
            }
        }

        fn run(self, seed: u64) -> Vec<Operation> {
            thread::scope(|scope| {
                for client in 0..CLIENTS {
                    let this = &self;
                    scope.spawn(move || this.use_it(seed * 100 + client as u64));
                }
                let other = scope.spawn(|| self.change(seed * 100 + 50));
                self.change(seed * 100 + 51);
                other.join().unwrap();
            });
            self.operations.into_inner().unwrap()
        }
    }

    fn every_history_is_one_of_a_single_server(database: Database) {
        let mut app = TestApp::builder(database).config(PLAN).start();
        app.stop();
        let nodes: Vec<_> = (0..SERVERS).map(|_| app.node()).collect();
        let account = app.account("wide");
        let (wanted, next) = (large(200), AtomicUsize::new(0));
        let (counted, bad) = (AtomicUsize::new(0), Mutex::<Vec<Impossible>>::default());
        let begun = Instant::now();
        let trouble = Trouble::of(&nodes, 5);
        let faults = trouble.during(|| {
            thread::scope(|scope| {
                for _ in 0..AT_ONCE {
                    scope.spawn(|| {
                        loop {
                            let n = next.fetch_add(1, Ordering::SeqCst);
                            if n >= wanted {
                                return;
                            }
                            let operations = History::new(&app, &nodes, &account).run(n as u64);
                            counted.fetch_add(operations.len(), Ordering::SeqCst);
                            if let Err(impossible) = check(&operations) {
                                bad.lock().unwrap().push(impossible);
                            }
                        }
                    });
                }
            });
        });
        let bad = bad.into_inner().unwrap();
        println!(
            "{wanted} histories on {database:?}, {SERVERS} servers, {faults} faults: {} operations, {} not linearizable; {:.0?}",
            counted.load(Ordering::SeqCst),
            bad.len(),
            begun.elapsed()
        );
        if let Some(Impossible { order, next }) = bad.first() {
            panic!("the longest order: {order:#?}\nand then none of: {next:#?}");
        }
        assert!(counted.load(Ordering::SeqCst) > wanted * (2 * CHANGES + 20));
        assert!(faults > 0);
    }

    #[test]
    fn every_history_is_one_of_a_single_server_on_sqlite() {
        every_history_is_one_of_a_single_server(Database::Sqlite);
    }

    #[test]
    fn every_history_is_one_of_a_single_server_on_postgres() {
        every_history_is_one_of_a_single_server(Database::Postgres);
    }
}
