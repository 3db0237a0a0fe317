//! ipfail: moves resources to the node that sees more ping nodes (commands.md section 10).
//!
//! `plan` decides and is pure: what happens, the time and a [`Look`] at the daemon go in, messages and
//! log lines come out. `session` asks the daemon, `watch` waits for what happens and carries out what was
//! decided. How a cluster gets its ping nodes is the daemon's business.

mod plan;
mod plan_event;
mod plan_look;
mod plan_picture;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod plan_tests_pair;
mod session;
mod watch;

pub use plan::{Action, Plan, Settings};
pub use plan_event::Event;
pub use plan_look::{Held, Look, What};
pub use plan_picture::{Picture, Theirs};

use crate::logging::{self, Logger};
use std::process::ExitCode;

/// Why ipfail ends, other than by a signal.
#[derive(Debug)]
struct Failure {
    /// Log lines of level ERROR.
    told: Vec<String>,
    /// The exit code. The daemon starts a client anew unless it is 100.
    code: u8,
}

/// The whole program.
pub fn main() -> ExitCode {
    let logger = logger();
    match watch::run(&logger) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.told.iter().for_each(|line| logger.log(crate::level::Level::Error, line));
            ExitCode::from(failure.code)
        }
    }
}

/// The log of the daemon that started us, as its environment says.
fn logger() -> Logger {
    let settings = logging::Settings::of_a_program(|name| std::env::var(name).ok());
    let settings = logging::Settings { stderr: true, ..settings };
    Logger::direct("ipfail", settings)
}
