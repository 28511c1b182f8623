#![doc = include_str!("../README.md")]

mod cache;
mod check;
mod gate;
mod grant;
mod identity;
mod lease;
mod rate;
mod verdict;

pub use cache::KeyCache;
pub use gate::Gate;
pub use grant::Grant;
pub use identity::Identity;
pub use lease::{LeaseKeeper, Renewal};
pub use rate::Counted;
pub use verdict::{Denied, Verdict};
