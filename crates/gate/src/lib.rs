#![doc = include_str!("../README.md")]

mod check;
mod decision;
mod gate;
mod grant;
mod identity;
mod rate;
mod trace;
mod verdict;

pub use gate::Gate;
pub use grant::Grant;
pub use identity::Identity;
pub use rate::Counted;
pub use trace::Check;
pub use verdict::{Denied, Verdict};
