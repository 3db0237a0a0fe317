//! Any protocol: say something, and say that it was all; one line of what comes must match.

use std::net::SocketAddr;

use super::Outcome;
use super::talk::{Talk, Turn};
use crate::director::config::Pattern;

/// The conversation.
#[derive(Clone, Debug)]
pub struct Simpletcp {
    text: String,
    receive: Option<Pattern>,
}

impl Simpletcp {
    /// What to say, and what a line must contain.
    pub fn new(text: String, receive: Option<Pattern>) -> Simpletcp {
        Simpletcp { text, receive }
    }
}

impl Talk for Simpletcp {
    fn begin(&mut self, _: SocketAddr) -> Turn {
        Turn::SayLast(std::mem::take(&mut self.text))
    }

    /// The reference looks at them as they come.
    fn wants_ends(&self) -> bool {
        true
    }

    fn line(&mut self, line: &[u8]) -> Turn {
        let found = self.receive.as_ref().is_none_or(|pattern| pattern.is_in(line));
        if found {
            let told = String::from_utf8_lossy(line).trim_end().to_owned();
            return Turn::Decided(Outcome::up(told), String::new());
        }
        Turn::Listen
    }

    fn closed(&mut self) -> Outcome {
        Outcome::down("no line of the answer matches")
    }

    /// The last line of many a server has no end.
    fn broken_off(&mut self, line: &[u8]) -> Outcome {
        match self.line(line) {
            Turn::Decided(outcome, _) => outcome,
            _ => self.closed(),
        }
    }
}
