#![doc = include_str!("../README.md")]

mod decision;
mod limiter;
mod memory;
mod quota;

pub use decision::{Decision, RateSnapshot};
pub use limiter::Limiter;
