//! Sequence numbers: what arrived, what is missing, what we sent (wire-protocol.md section 5).

use crate::wire::{self, Message};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A larger gap is not repaired.
const MAX_GAP: u64 = 250;
/// Missing numbers remembered for a node.
const MAX_MISSING: usize = 499;
/// Every how many messages of a stream an ACK is due.
const ACK_DIVISOR: u64 = 10;
/// Sent messages kept for retransmission.
const HISTORY: usize = 500;
/// Messages re-sent at most for one request.
const MAX_RESEND: usize = 50;

/// What a number says about its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// New: deal with it. `ack` is the number to acknowledge, if one is due.
    Accept { ack: Option<u64>, event: SequenceEvent },
    /// The very message seen last.
    Duplicate,
    /// Seen before, or too old.
    Old,
}

/// What is worth a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SequenceEvent {
    Nothing,
    /// `count` messages between `last` and `seq` are missing.
    Gap {
        count: u64,
        last: u64,
        seq: u64,
    },
    /// So many that repairing is hopeless.
    Flood {
        count: u64,
        last: u64,
        seq: u64,
    },
    /// The last missing one came.
    Complete,
}

/// The receiving side of one node's stream.
#[derive(Clone, Debug)]
pub(super) struct Track {
    last: Option<u64>,
    /// Up to here a life that ended was heard: no message of it is new.
    floor: u64,
    /// Missing number -> when to ask for it next; `None`: do not ask.
    missing: BTreeMap<u64, Option<Duration>>,
    ack_trigger: u64,
}

impl Track {
    pub(super) fn new(ack_trigger: u64) -> Self {
        Self { last: None, floor: 0, missing: BTreeMap::new(), ack_trigger: ack_trigger % ACK_DIVISOR }
    }

    /// Forgets the stream: the node began a new one.
    pub(super) fn reset(&mut self) {
        self.fall_silent();
        self.floor = 0;
    }

    /// The node fell silent: what is missing will not come any more, and what it once said is not said anew.
    pub(super) fn fall_silent(&mut self) {
        self.floor = self.highest();
        self.last = None;
        self.missing.clear();
    }

    /// The highest number of this stream that was heard.
    pub(super) fn highest(&self) -> u64 {
        self.last.map_or(self.floor, |last| last.max(self.floor))
    }

    /// Classifies a number (5.2). `ask_at` gives the moment to ask for a missing one.
    pub(super) fn classify(&mut self, seq: u64, mut ask_at: impl FnMut() -> Duration) -> Verdict {
        let Some(last) = self.last else {
            return if seq > self.floor { self.in_order(seq) } else { Verdict::Old };
        };
        if seq == last.wrapping_add(1) {
            return self.in_order(seq);
        }
        if seq == last {
            return Verdict::Duplicate;
        }
        if seq < last {
            return self.late(seq);
        }
        let count = seq - last - 1;
        self.last = Some(seq);
        if count > MAX_GAP {
            self.missing.clear();
            return Verdict::Accept { ack: None, event: SequenceEvent::Flood { count, last, seq } };
        }
        for number in last + 1..seq {
            if self.missing.len() >= MAX_MISSING {
                self.missing.pop_first();
            }
            self.missing.insert(number, Some(ask_at()));
        }
        Verdict::Accept { ack: None, event: SequenceEvent::Gap { count, last, seq } }
    }

    fn in_order(&mut self, seq: u64) -> Verdict {
        self.last = Some(seq);
        let ack = (seq % ACK_DIVISOR == self.ack_trigger && self.contiguous_to(seq)).then_some(seq);
        Verdict::Accept { ack, event: SequenceEvent::Nothing }
    }

    fn late(&mut self, seq: u64) -> Verdict {
        if self.missing.remove(&seq).is_none() {
            return Verdict::Old;
        }
        let event = if self.missing.is_empty() { SequenceEvent::Complete } else { SequenceEvent::Nothing };
        Verdict::Accept { ack: self.ack_after_fill(seq), event }
    }

    /// Nothing up to `seq` is missing.
    pub(super) fn contiguous_to(&self, seq: u64) -> bool {
        self.missing.first_key_value().is_none_or(|(lowest, _)| seq < *lowest)
    }

    /// The ACK that filling the gap at `filled` makes due (5.3).
    fn ack_after_fill(&self, filled: u64) -> Option<u64> {
        let limit = match self.missing.first_key_value() {
            Some((lowest, _)) => lowest - 1,
            None => self.last?,
        };
        let back = (limit + ACK_DIVISOR - self.ack_trigger) % ACK_DIVISOR;
        limit.checked_sub(back).filter(|candidate| *candidate >= filled && *candidate > 0)
    }

    /// The peer cannot send it any more.
    pub(super) fn give_up(&mut self, seq: u64) -> bool {
        self.missing.remove(&seq).is_some()
    }

    /// How many are missing.
    pub(super) fn missing(&self) -> usize {
        self.missing.len()
    }

    /// The earliest moment at which a request is due.
    pub(super) fn next_request(&self) -> Option<Duration> {
        self.missing.values().flatten().min().copied()
    }

    /// Numbers to ask for now; each is due again after `interval`, or never if the node is not `asked`.
    pub(super) fn due_requests(&mut self, now: Duration, interval: Duration, ask: bool) -> Vec<u64> {
        let mut due = Vec::new();
        for (seq, at) in &mut self.missing {
            if at.is_some_and(|at| at <= now) {
                *at = ask.then_some(now + interval);
                if ask {
                    due.push(*seq);
                }
            }
        }
        due
    }
}

#[derive(Clone, Debug)]
struct Sent {
    seq: u64,
    message: Kept,
    resent: Option<Duration>,
}

/// A message that hardly anybody will ask for again: five hundred are kept, as bytes they take a fifth of the memory.
#[derive(Clone, Debug)]
enum Kept {
    Bytes(Box<[u8]>),
    /// What has no such form.
    Whole(Box<Message>),
}

impl Kept {
    fn of(message: &Message) -> Self {
        match wire::encode_local_netstring(message) {
            Ok(bytes) => Self::Bytes(bytes.into()),
            Err(_) => Self::Whole(Box::new(message.clone())),
        }
    }

    fn message(&self) -> Option<Message> {
        match self {
            Self::Bytes(bytes) => wire::reread(bytes),
            Self::Whole(message) => Some(Message::clone(message)),
        }
    }
}

/// What to do about a number that a peer asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resend {
    /// Send it again.
    Message(Message),
    /// Say that it is gone.
    Nak { seq: u64, why: &'static str },
    /// Never sent: `highest` is the last one.
    Beyond { seq: u64, highest: u64 },
}

/// The sending side: the last messages and their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    sent: VecDeque<Sent>,
    highest: u64,
}

impl History {
    /// The number for the next message.
    pub(super) fn next_seq(&mut self) -> u64 {
        self.highest += 1;
        self.highest
    }

    pub(super) fn highest(&self) -> u64 {
        self.highest
    }

    /// How many messages are kept.
    pub(super) fn kept(&self) -> usize {
        self.sent.len()
    }

    pub(super) fn lowest(&self) -> u64 {
        self.sent.front().map_or(0, |s| s.seq)
    }

    pub(super) fn keep(&mut self, seq: u64, message: &Message) {
        if self.sent.len() >= HISTORY {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { seq, message: Kept::of(message), resent: None });
    }

    /// Serves a request for `first..=last` from a peer that has acknowledged up to `acked` (5.4).
    pub(super) fn serve(
        &mut self,
        first: u64,
        last: u64,
        acked: u64,
        now: Duration,
        guard: Duration,
    ) -> Vec<Resend> {
        let mut out = Vec::new();
        if last > self.highest {
            out.push(Resend::Beyond { seq: last, highest: self.highest });
        }
        for seq in first.max(acked + 1)..=last.min(self.highest) {
            if out.len() >= MAX_RESEND {
                break;
            }
            out.extend(self.serve_one(seq, now, guard));
        }
        out
    }

    fn serve_one(&mut self, seq: u64, now: Duration, guard: Duration) -> Option<Resend> {
        if seq <= self.lowest() && self.lowest() > 1 {
            return Some(Resend::Nak { seq, why: "seqno too low" });
        }
        let Some(sent) = self.sent.iter_mut().find(|s| s.seq == seq) else {
            return Some(Resend::Nak { seq, why: "seqno not found" });
        };
        if sent.resent.is_some_and(|at| now < at + guard) {
            return None;
        }
        sent.resent = Some(now);
        sent.message.message().map(Resend::Message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Value;

    fn at() -> Duration {
        Duration::from_millis(100)
    }

    fn accept(ack: Option<u64>, event: SequenceEvent) -> Verdict {
        Verdict::Accept { ack, event }
    }

    #[test]
    fn each_tenth_number_is_acknowledged_once() {
        let mut track = Track::new(7);
        let acks: Vec<u64> = (1..=40)
            .filter_map(|seq| match track.classify(seq, at) {
                Verdict::Accept { ack, .. } => ack,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(acks, [7, 17, 27, 37]);
    }

    #[test]
    fn an_inversion_is_a_gap_that_closes() {
        let mut track = Track::new(6);
        track.classify(5, at);
        let gap = SequenceEvent::Gap { count: 1, last: 5, seq: 7 };
        assert_eq!(track.classify(7, at), accept(None, gap));
        assert_eq!(track.next_request(), Some(at()));
        assert_eq!(track.classify(6, at), accept(Some(6), SequenceEvent::Complete));
        assert_eq!(track.next_request(), None);
        assert_eq!(track.classify(6, at), Verdict::Old);
        assert_eq!(track.classify(7, at), Verdict::Duplicate);
    }

    #[test]
    fn nothing_above_a_hole_is_acknowledged() {
        let mut track = Track::new(0);
        track.classify(8, at);
        track.classify(10, at);
        for seq in 11..=20 {
            assert_eq!(track.classify(seq, at), accept(None, SequenceEvent::Nothing));
        }
        assert_eq!(track.classify(9, at), accept(Some(20), SequenceEvent::Complete));
    }

    #[test]
    fn a_huge_gap_forgets_what_is_missing() {
        let mut track = Track::new(0);
        track.classify(1, at);
        track.classify(3, at);
        let flood = SequenceEvent::Flood { count: 996, last: 3, seq: 1000 };
        assert_eq!(track.classify(1000, at), accept(None, flood));
        assert_eq!(track.next_request(), None);
        assert_eq!(track.classify(2, at), Verdict::Old);
    }

    #[test]
    fn requests_repeat_while_the_node_can_be_asked() {
        let mut track = Track::new(0);
        track.classify(1, at);
        track.classify(4, at);
        let interval = Duration::from_millis(250);
        assert!(track.due_requests(Duration::from_millis(99), interval, true).is_empty());
        assert_eq!(track.due_requests(at(), interval, true), [2, 3]);
        assert_eq!(track.next_request(), Some(at() + interval));
        assert!(track.due_requests(at() + interval, interval, false).is_empty());
        assert_eq!(track.next_request(), None);
    }

    #[test]
    fn what_is_asked_for_again_is_what_was_sent() {
        let mut nested = Message::of("a").with("b", "c");
        nested.push("d", Value::Compressed(vec![1, 0, 2]));
        let mut odd = Message::of("x").with("text", "two\nlines").with("empty", "");
        odd.push("binary", Value::Binary(vec![0, 255, 10]));
        odd.push("list", Value::List(vec![b"one".to_vec(), b"two".to_vec()]));
        odd.push("struct", Value::Struct(nested));
        // Neither has a form as bytes.
        let mut nul = Message::of("y");
        nul.push("text", Value::Text(vec![0]));
        let mut hollow = Message::of("z");
        hollow.push("list", Value::List(vec![Vec::new()]));
        let mut history = History::default();
        for message in [odd, nul, hollow] {
            let seq = history.next_seq();
            history.keep(seq, &message);
            let served = history.serve(seq, seq, 0, at(), Duration::ZERO);
            assert_eq!(served, [Resend::Message(message)]);
        }
    }

    #[test]
    fn history_serves_skips_and_refuses() {
        let mut history = History::default();
        for _ in 0..600 {
            let seq = history.next_seq();
            history.keep(seq, &Message::of(&seq.to_string()));
        }
        let guard = Duration::from_millis(240);
        let served = history.serve(599, 599, 0, at(), guard);
        assert_eq!(served, [Resend::Message(Message::of("599"))]);
        assert!(history.serve(599, 599, 0, at(), guard).is_empty(), "re-sent a moment ago");
        assert!(history.serve(598, 598, 598, at(), guard).is_empty(), "acknowledged");
        assert_eq!(history.serve(5, 5, 0, at(), guard), [Resend::Nak { seq: 5, why: "seqno too low" }]);
        assert_eq!(history.serve(700, 700, 0, at(), guard), [Resend::Beyond { seq: 700, highest: 600 }]);
        assert_eq!(history.serve(200, 400, 0, at(), guard).len(), MAX_RESEND);
    }
}
