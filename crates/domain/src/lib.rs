//! The model that every other crate shares
