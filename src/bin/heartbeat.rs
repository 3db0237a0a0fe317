//! heartbeat(8).
fn main() {}
