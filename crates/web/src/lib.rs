#![doc = include_str!("../README.md")]

mod call;
mod client_ip;
mod counts;
mod credential;
mod end_headers;
mod forward_auth;
mod guard;
mod original;
mod problem;
mod rate_headers;
mod record;
mod request_id;
mod to_its_end;

pub use call::Call;
pub use client_ip::{client_ip, is_https};
pub use counts::{REQUEST_DURATION, REQUESTS, UNRECORDED};
pub use forward_auth::forward_auth;
pub use guard::{Guard, guarded};
pub use original::Told;
pub use problem::{problem, respond};
pub use request_id::{client_request_id, with_request_id};
pub use to_its_end::{Kept, to_its_end};
