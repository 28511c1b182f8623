#![doc = include_str!("../README.md")]

mod cache;
mod check;
mod decision;
mod explain;
mod gate;
mod grant;
mod identity;
mod lease;
mod rate;
mod replay;
pub mod span;
pub mod suggest;
mod trace;
pub mod traffic;
mod verdict;

pub use cache::KeyCache;
pub use explain::{
    Change, Door, Early, Explanation, Finding, Question, QuestionError, Remedy, ToldCheck,
    before_the_gate, explain, method_of, path_of, told,
};
pub use gate::Gate;
pub use grant::Grant;
pub use identity::Identity;
pub use lease::{LeaseKeeper, Renewal};
pub use rate::{Counted, left};
pub use replay::{Recorded, replay};
pub use trace::Check;
pub use verdict::{Denied, Verdict};
