//! How many servers a director can look after: ours, and the Perl reference, with the same servers in one run.
//!
//! In namespaces of this machine, whose kernel needs no IPVS: this program itself stands in for `ipvsadm`, which the
//! reference uses always and ours where netlink leads nowhere. The servers are addresses of loopback, played by one
//! listening socket. Measured are the longest pauses between two checks of a healthy server, how long a death and a
//! return take to get into the table, processor time and memory. `scripts/bench-director --help` tells the options.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement that cannot be made fails by panicking"
)]

#[path = "../../tests/guest/mod.rs"]
mod guest;
#[path = "../../tests/lab/mod.rs"]
mod lab;

mod farm;
mod measure;
mod options;
mod standin;

use lab::skip;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if words.first().is_some_and(|program| program.ends_with("/ipvsadm") || program == "ipvsadm") {
        return standin::main(&words[1..]);
    }
    let Some(options) = options::read(&words[1..]) else {
        eprintln!("{}", options::USAGE);
        return ExitCode::FAILURE;
    };
    for program in &options.programs {
        if let Err(failure) = measure::measure(program, &options) {
            eprintln!("{program}: {failure}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
