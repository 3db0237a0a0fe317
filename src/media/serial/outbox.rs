//! What waits to go out on a serial line, and when the next piece of it may. Pure: the time is given in.
//!
//! A line is slow. Pieces go out at its own speed, so that little of them stands in the system's buffer, where
//! nobody could take it back. When more comes than the line carries, the oldest whole message is given up: a
//! newer heartbeat says more than an old one, and what matters is asked for again by the other node.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The largest piece.
const CHUNK: usize = 512;
/// A piece that the system has not accepted after this time never will be in time to matter.
const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes that may wait, however slow the line: a start takes about ten messages.
const LEAST_ROOM: usize = 4096;
/// A byte takes so many bits: one to start, eight, one to stop.
const BITS_PER_BYTE: u32 = 10;

/// Ends whatever line the other side believes to be in the middle of.
const FRESH_LINE: u8 = b'\n';

/// The messages that wait, the one that is under way at the front.
#[derive(Debug)]
pub(super) struct Outbox {
    waiting: VecDeque<Vec<u8>>,
    /// How much of the front is out.
    sent: usize,
    bytes_per_second: u32,
    not_before: Option<Instant>,
    refused_since: Option<Instant>,
    torn: bool,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// Nothing waits.
    Rest,
    /// The line is still busy with what it has.
    Wait(Instant),
    /// This piece may go out.
    Write(&'a [u8]),
}

impl Outbox {
    pub(super) fn new(baud: u32) -> Self {
        let bytes_per_second = (baud / BITS_PER_BYTE).max(1);
        let (waiting, torn) = (VecDeque::new(), true);
        Self { waiting, sent: 0, bytes_per_second, not_before: None, refused_since: None, torn }
    }

    /// Takes a message in; says how many older ones had to go for it.
    pub(super) fn push(&mut self, message: &[u8]) -> usize {
        let room = LEAST_ROOM.max(self.bytes_per_second as usize);
        let mut given_up = 0;
        let first = usize::from(self.sent > 0);
        while self.length() + message.len() > room
            && let Some(old) = self.waiting.remove(first)
        {
            // It would have begun the line.
            self.torn |= old.first() == Some(&FRESH_LINE);
            given_up += 1;
        }
        self.waiting.push_back(message.to_vec());
        self.begin();
        given_up
    }

    pub(super) fn next(&self, now: Instant) -> Next<'_> {
        let rest = self.waiting.front().and_then(|message| message.get(self.sent..)).unwrap_or_default();
        match self.not_before.filter(|at| *at > now) {
            _ if rest.is_empty() => Next::Rest,
            Some(at) => Next::Wait(at),
            None => Next::Write(rest.get(..CHUNK).unwrap_or(rest)),
        }
    }

    /// When a piece that is refused is refused for too long.
    pub(super) fn patience_ends(&self) -> Option<Instant> {
        self.refused_since.map(|since| since + PATIENCE)
    }

    /// So much of the piece went out.
    pub(super) fn wrote(&mut self, count: usize, now: Instant) {
        let takes = Duration::from_secs(count as u64) / self.bytes_per_second;
        (self.not_before, self.refused_since) = (Some(now + takes), None);
        self.sent += count;
        if self.waiting.front().is_some_and(|message| self.sent >= message.len()) {
            self.next_message();
        }
    }

    /// The system did not take the piece. Whether that has lasted too long: then the message is given up, and
    /// what the system still holds is to be thrown away.
    pub(super) fn refused(&mut self, now: Instant) -> bool {
        let since = *self.refused_since.get_or_insert(now);
        let too_long = now.duration_since(since) >= PATIENCE;
        if too_long {
            (self.refused_since, self.torn) = (None, true);
            self.next_message();
        }
        too_long
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the line has carried all that it was given.
    pub(super) fn carried(&self) -> Option<Instant> {
        self.not_before
    }

    fn next_message(&mut self) {
        self.waiting.pop_front();
        self.sent = 0;
        self.begin();
    }

    /// After a torn message, and at the beginning, the next one starts on a line of its own.
    fn begin(&mut self) {
        if self.torn
            && let Some(message) = self.waiting.front_mut()
        {
            message.insert(0, FRESH_LINE);
            self.torn = false;
        }
    }

    fn length(&self) -> usize {
        self.waiting.iter().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets the line take everything it may; what it took, in pieces, with the time of each.
    fn run(outbox: &mut Outbox, mut now: Instant) -> Vec<(Instant, Vec<u8>)> {
        let mut out = Vec::new();
        loop {
            let piece = match outbox.next(now) {
                Next::Rest => return out,
                Next::Wait(at) => {
                    now = at;
                    continue;
                }
                Next::Write(piece) => piece.to_vec(),
            };
            outbox.wrote(piece.len(), now);
            out.push((now, piece));
        }
    }

    fn text(pieces: &[(Instant, Vec<u8>)]) -> String {
        pieces.iter().map(|(_, piece)| String::from_utf8_lossy(piece)).collect()
    }

    #[test]
    fn pieces_go_out_at_the_speed_of_the_line() {
        let (mut outbox, start) = (Outbox::new(9600), Instant::now());
        assert_eq!(outbox.next(start), Next::Rest);
        outbox.push(&[b'x'; 1200]);
        outbox.push(b"second");
        let out = run(&mut outbox, start);
        let sizes: Vec<_> = out.iter().map(|(_, piece)| piece.len()).collect();
        assert_eq!(sizes, [512, 512, 177, 6]);
        let last = out.last().unwrap().0.duration_since(start);
        assert_eq!(last.as_millis(), 1201 * 10 * 1000 / 9600);
    }

    #[test]
    fn when_more_comes_than_goes_the_oldest_whole_message_is_given_up() {
        let (mut outbox, start) = (Outbox::new(9600), Instant::now());
        let message = |n: usize| format!(">{n:0998}<").into_bytes();
        assert_eq!((0..4).map(|n| outbox.push(&message(n))).sum::<usize>(), 0);
        let Next::Write(piece) = outbox.next(start) else { panic!("nothing to write") };
        let begun = piece.to_vec();
        outbox.wrote(begun.len(), start);
        assert_eq!((4..20).map(|n| outbox.push(&message(n))).sum::<usize>(), 16);
        assert!(outbox.length() <= LEAST_ROOM + 1);
        let wanted: Vec<u8> = [0, 17, 18, 19].into_iter().flat_map(message).collect();
        let got = String::from_utf8(begun).unwrap() + &text(&run(&mut outbox, start));
        assert_eq!(got, format!("\n{}", String::from_utf8(wanted).unwrap()), "the one under way is finished");
    }

    #[test]
    fn a_message_larger_than_all_the_room_goes_out() {
        let mut outbox = Outbox::new(9600);
        outbox.push(b"old");
        assert_eq!(outbox.push(&[b'x'; 10_000]), 1);
        assert_eq!(text(&run(&mut outbox, Instant::now())).len(), 10_001);
    }

    #[test]
    fn what_is_refused_too_long_is_given_up_and_the_next_begins_a_line() {
        let (mut outbox, start) = (Outbox::new(9600), Instant::now());
        outbox.push(b"first");
        outbox.push(b"second");
        outbox.wrote(3, start);
        let at = |millis| start + Duration::from_millis(millis);
        assert!(!outbox.refused(at(10)) && !outbox.refused(at(509)));
        assert_eq!(outbox.patience_ends(), Some(at(510)));
        assert!(outbox.refused(at(510)));
        assert_eq!(outbox.patience_ends(), None);
        assert_eq!(text(&run(&mut outbox, at(510))), "\nsecond");
        assert!(outbox.is_empty());
        // torn at the very end: the line is ended as soon as there is something to say
        outbox.push(b"third");
        outbox.wrote(1, at(600));
        outbox.refused(at(600));
        assert!(outbox.refused(at(1200)) && outbox.is_empty());
        outbox.push(b"fourth");
        assert_eq!(text(&run(&mut outbox, at(1200))), "\nfourth");
    }
}
