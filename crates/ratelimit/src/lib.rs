#![doc = include_str!("../README.md")]

mod budget;
mod decision;
mod limiter;
mod memory;
mod quota;

pub use budget::Budget;
pub use decision::{Decision, RateSnapshot};
pub use limiter::Limiter;
