//! What an agent says: log lines, and lines on standard output.

use std::cell::RefCell;

use super::log::{self, Sink};
use super::outcome::Outcome;
use crate::level::Level;

/// Whoever takes it.
pub trait Voice {
    /// A log line, without its level word.
    fn log(&self, level: Level, text: &str);
    /// A line on standard output.
    fn print(&self, line: &str);
}

impl dyn Voice + '_ {
    pub(super) fn debug(&self, text: &str) {
        self.log(Level::Debug, text);
    }

    pub(super) fn info(&self, text: &str) {
        self.log(Level::Info, text);
    }

    pub(super) fn warn(&self, text: &str) {
        self.log(Level::Warn, text);
    }

    /// Logs the reason of a failure and returns what it amounts to.
    pub(super) fn fail(&self, outcome: Outcome, text: &str) -> Outcome {
        self.log(Level::Error, text);
        outcome
    }

    /// The reference's `log_and_print`.
    pub(super) fn say(&self, level: Level, text: &str) {
        self.log(level, text);
        self.print(&format!("{}: {text}", log::word(level)));
    }
}

/// Two functions make one.
pub(super) struct Aloud<'a> {
    pub(super) log: Sink<'a>,
    pub(super) print: &'a dyn Fn(&str),
}

impl Voice for Aloud<'_> {
    fn log(&self, level: Level, text: &str) {
        (self.log)(level, text);
    }

    fn print(&self, line: &str) {
        (self.print)(line);
    }
}

/// Keeps what is said for later: a log must not come between an address and the network.
#[derive(Debug, Default)]
pub struct Notebook {
    lines: RefCell<Vec<(Level, String)>>,
    output: RefCell<Vec<u8>>,
}

impl Notebook {
    /// The log lines, then the output.
    pub fn into_parts(self) -> (Vec<(Level, String)>, Vec<u8>) {
        (self.lines.into_inner(), self.output.into_inner())
    }
}

impl Voice for Notebook {
    fn log(&self, level: Level, text: &str) {
        self.lines.borrow_mut().push((level, text.to_owned()));
    }

    fn print(&self, line: &str) {
        let mut output = self.output.borrow_mut();
        output.extend_from_slice(line.as_bytes());
        output.push(b'\n');
    }
}
