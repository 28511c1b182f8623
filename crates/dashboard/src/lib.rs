//! The dashboard: pages by which the holders of accounts look after their keys.
//!
//! [`Dashboard::owns`] says which paths are its own, [`Dashboard::answer`]
//! answers there. A form reaches its page only after everything about it was
//! checked (see `form`), and each answer leaves with the same headers (`page`).

mod ask;
mod assets;
mod confirmed;
mod cookies;
mod counts;
mod fields;
mod form;
mod frame;
mod page;
mod pages;
mod problem;
mod routes;
mod site;
mod turns;
mod visitor;

pub use counts::{RESULTS, SIGN_INS};
pub use site::{Dashboard, Parts};
