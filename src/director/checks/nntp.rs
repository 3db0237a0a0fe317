//! NNTP: a greeting that begins with 2. Nothing is said.

use std::net::SocketAddr;

use super::Outcome;
use super::talk::{Talk, Turn};

/// So much of the greeting is looked at.
const LOOKED_AT: usize = 64;

/// The conversation.
#[derive(Clone, Debug, Default)]
pub struct Nntp;

fn judge(line: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(line.get(..LOOKED_AT).unwrap_or(line)).into_owned();
    Outcome { up: line.starts_with(b"2"), text }
}

impl Talk for Nntp {
    fn begin(&mut self, _: SocketAddr) -> Turn {
        Turn::Listen
    }

    fn line(&mut self, line: &[u8]) -> Turn {
        Turn::Decided(judge(line), String::new())
    }

    fn closed(&mut self) -> Outcome {
        Outcome::down("closed without a greeting")
    }

    /// It is said in the first character.
    fn broken_off(&mut self, line: &[u8]) -> Outcome {
        judge(line)
    }
}
