//! Mixed pairs: our daemon beside the real heartbeat 3.0.6, in either place.
//!
//! `LAB_PAIR=ref/ref cargo test --test interop` runs the same scenarios with two real daemons: that is
//! how the laboratory itself is tested.

mod lab;
mod scenario;

use lab::Flavour::{Ours, Reference};

fn main() -> std::process::ExitCode {
    scenario::harness::main(&[[Ours, Reference], [Reference, Ours]])
}
