//! What is printed, and where. Who stops listening is no reason to fail.

use crate::getopt;
use crate::level::Level;
use crate::logging::{self, Logger, Settings};
use std::io::Write;

/// Both outputs.
pub(super) struct Voice {
    log: Logger,
}

impl Voice {
    pub(super) fn new() -> Self {
        let settings = Settings { host: logging::host(), stderr: true, ..Settings::default() };
        Self { log: Logger::direct("cl_status", settings) }
    }

    /// A line of the answer. At once: the program may be ended while it waits for the next.
    pub(super) fn say(&self, line: &str) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }

    /// A line about wrong usage.
    pub(super) fn complain(&self, line: &str) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// A line of the log.
    pub(super) fn error(&self, text: &str) {
        self.log.log(Level::Error, text);
    }

    /// What failed, and why; often nobody knows why.
    pub(super) fn failure(&self, what: &str, reason: &str) {
        self.error(what);
        self.error(&format!("REASON: {reason}"));
    }

    /// What getopt(3) prints about an option.
    pub(super) fn getopt(&self, program: &str, complaint: &[u8]) {
        let _ = std::io::stderr().write_all(&getopt::line(program.as_bytes(), complaint));
    }
}
