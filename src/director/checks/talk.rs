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
    /// A line came, without its end unless it is wanted.
    fn line(&mut self, line: &[u8]) -> Turn;
    /// Whether lines are wanted with their ends.
    fn wants_ends(&self) -> bool {
        false
    }
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
    /// What is before was taken already.
    begin: usize,
    total: usize,
}

impl Lines {
    /// Takes what came.
    pub fn hear(&mut self, bytes: &[u8]) {
        self.total = self.total.saturating_add(bytes.len());
        self.bytes.drain(..self.begin);
        self.begin = 0;
        self.bytes.extend(bytes);
    }

    /// The next whole line, with its end or without.
    pub fn next_line(&mut self, with_end: bool) -> Option<Vec<u8>> {
        let rest = self.bytes.get(self.begin..)?;
        let end = rest.iter().position(|b| *b == b'\n')?;
        let (whole, text) = (rest.get(..=end)?, rest.get(..end)?);
        let line = if with_end { whole } else { text.strip_suffix(b"\r").unwrap_or(text) }.to_vec();
        self.begin += end + 1;
        Some(line)
    }

    /// What is left when nothing more comes: a line without an end.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        let rest = self.bytes.split_off(self.begin);
        Some(rest).filter(|rest| !rest.is_empty())
    }

    /// Whether more came than anybody should say to a check.
    pub fn is_too_much(&self) -> bool {
        self.total > LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let text = b"one\r\n\r\ntwo\nthree\r";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                lines.hear(piece);
                found.extend(std::iter::from_fn(|| lines.next_line(false)));
            }
            assert_eq!(found, [b"one".as_slice(), b"", b"two"], "{size}");
            let mut whole = Lines::default();
            whole.hear(text);
            assert_eq!(whole.next_line(true), Some(b"one\r\n".to_vec()));
            assert_eq!((lines.rest(), lines.rest()), (Some(b"three\r".to_vec()), None));
        }
    }
}
