#![doc = include_str!("../README.md")]

mod call;
mod credential;
mod guard;
mod problem;
mod rate_headers;
mod record;
mod request_id;

pub use call::Call;
pub use guard::{Guard, guarded};
pub use problem::{problem, respond};
pub use request_id::{client_request_id, with_request_id};
