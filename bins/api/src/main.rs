//! The server
fn main() {}
