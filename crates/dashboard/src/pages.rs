//! The pages, a file for each part.

pub(crate) mod account;
pub(crate) mod code;
pub(crate) mod confirm;
pub(crate) mod keys;
pub(crate) mod login;
pub(crate) mod logs;
pub(crate) mod two_step;
