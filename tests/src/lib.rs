//! The test kit: the real programs, on a free port, over a database that is thrown away.
//!
//! [`TestApp`] starts `torvus-api` as its users do and runs `torvus-admin` against the same data. [`Client`]
//! talks to it as a well-behaved program would, [`RawClient`] byte by byte. When the app is dropped it is
//! stopped with SIGTERM and must have ended well: exit code 0, no panic and no key in its log.
//!
//! A test is written once and runs on each database:
//!
//! ```no_run
//! use torvus_e2e::{Database, TestApp, on_both};
//!
//! fn an_account_is_shown(database: Database) {
//!     let app = TestApp::start(database);
//!     let account = app.account("professional");
//!     let key = app.key(&account, "live", "read");
//!     assert_eq!(app.client(&key.token).get("/v1/account").status, 200);
//! }
//!
//! on_both!(an_account_is_shown);
//! # fn main() {}
//! ```

mod admin;
mod another_server;
mod answer;
mod app;
mod blocker;
mod browser;
mod bulk;
mod cable;
mod caller;
mod chromium;
mod client;
mod dice;
mod disk;
mod document;
mod examples;
mod help;
mod ledger;
mod load;
mod nginx;
mod node;
mod postgres;
mod programs;
mod raw;
mod records;
pub mod routes;
mod rows;
mod server;
mod store;
mod strace;
mod template;
mod tmpfs;
mod trouble;
mod upstream;
mod wire;

pub use admin::{AdminRun, Key};
pub use another_server::AnotherServer;
pub use answer::Answer;
pub use app::{Builder, Database, TestApp};
pub use blocker::Blocker;
pub use browser::{Browser, Holder, token};
pub use cable::Cable;
pub use caller::Caller;
pub use client::{Client, random_like};
pub use dice::Dice;
pub use disk::Disk;
pub use document::{Document, Operation};
pub use examples::{EXAMPLES, example, examples_folder, library};
pub use help::{admin_commands, admin_help, examples_in};
pub use load::{Load, Noted};
pub use nginx::Nginx;
pub use node::Node;
pub use postgres::Cluster;
pub use programs::{Ended, admin_binary, api_binary, run_fed, run_to_end, run_within};
pub use raw::{KeepAlive, RawClient};
pub use server::{key_like, wait_until};
pub use strace::{Call, Event, STRACE, events};
pub use trouble::Trouble;
pub use upstream::{Seen, Upstream};
pub use wire::{Passed, Wire};

/// The body of every 401, byte for byte.
pub const BODY_401: &str = r#"{"error":"authentication_failed","message":"Invalid API key"}"#;

/// The body of every 403, byte for byte.
pub const BODY_403: &str =
    r#"{"error":"permission_denied","message":"API key lacks required permissions"}"#;

/// The body of every 429, byte for byte.
pub const BODY_429: &str = r#"{"error":"rate_limit_exceeded","message":"Rate limit exceeded; wait as long as Retry-After says"}"#;

/// The body of every 503, byte for byte.
pub const BODY_503: &str =
    r#"{"error":"unavailable","message":"The service is not available now; try again"}"#;

/// `count`, or a tenth of it unless the large counts were asked for.
pub fn large(count: usize) -> usize {
    match std::env::var("TORVUS_TEST_FULL").as_deref() {
        Ok("1") => count,
        _ => count / 10,
    }
}

/// Makes two tests of each function named: one on SQLite, one on PostgreSQL.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $name() { super::$name($crate::Database::Sqlite); })+
        }
        mod on_postgres {
            $(#[test] fn $name() { super::$name($crate::Database::Postgres); })+
        }
    };
}
