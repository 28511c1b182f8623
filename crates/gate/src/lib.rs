#![doc = include_str!("../README.md")]

mod check;
mod gate;
mod grant;
mod identity;
mod rate;
mod verdict;

pub use gate::Gate;
pub use grant::Grant;
pub use identity::Identity;
pub use rate::Counted;
pub use verdict::{Denied, Verdict};
