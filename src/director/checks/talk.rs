//! Conversations in lines: what to say next, and when it is decided. Pure; who has the socket asks.

use std::net::SocketAddr;

use super::Outcome;

/// The longest line, and the most that is read in all.
const LONGEST: usize = 1 << 20;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Wait for more.
    Listen,
    /// Say this, then wait.
    Say(String),
    /// Say this and that it was the last, then wait.
    SayLast(String),
    /// It is decided. What is left to say is said if the other side still listens.
    Decided(Outcome, String),
}

/// One side of a conversation.
pub trait Talk {
    /// The connection is there; `local` is our end of it.
    fn begin(&mut self, local: SocketAddr) -> Turn;
    /// A line came, without its end.
    fn line(&mut self, line: &[u8]) -> Turn;
    /// The other side has said all it will.
    fn closed(&mut self) -> Outcome;
    /// The same in the middle of a line. What was meant by it nobody knows: `250` may have been going to be `250-`.
    fn broken_off(&mut self, _: &[u8]) -> Outcome {
        self.closed()
    }
}

/// Cuts what comes into lines.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    total: usize,
}

impl Lines {
    /// Takes what came.
    pub fn hear(&mut self, bytes: &[u8]) {
        self.total = self.total.saturating_add(bytes.len());
        self.bytes.extend(bytes);
    }

    /// The next whole line, without its end.
    pub fn next_line(&mut self) -> Option<Vec<u8>> {
        let end = self.bytes.iter().position(|b| *b == b'\n')?;
        let mut line: Vec<u8> = self.bytes.drain(..=end).collect();
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }

    /// What is left when nothing more comes: a line without an end.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        Some(std::mem::take(&mut self.bytes)).filter(|rest| !rest.is_empty())
    }

    /// Whether more came than anybody should say to a check.
    pub fn is_too_much(&self) -> bool {
        self.total > LONGEST
    }
}
