//! What is done to keys: one file a use case.

pub use crate::edit::{Edit, edit};
pub use crate::grace::set_grace;
pub use crate::issue::{Issued, NewKey, issue};
pub use crate::revoke::{Revoked, revoke};
pub use crate::rotate::{Rotated, rotate, take_back};
