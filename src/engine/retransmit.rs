//! Acknowledgements and retransmission between the nodes (sections 5.3 to 5.5).

use super::sequence::Resend;
use super::{Action, Engine, Note};
use crate::wire::Message;
use std::time::Duration;

/// Seconds by which networks and scheduling may delay what has no number.
const STALE: u64 = 2;

/// A message is not re-sent twice within the request interval less this.
const GUARD: Duration = Duration::from_millis(10);
/// Nor is the same number refused again so soon: 2.1.x asks on, whatever it is told, and a recorded request can be
/// said again without end.
const REFUSE_AGAIN: Duration = Duration::from_secs(2);
/// Numbers refused in that time; others are asked for again.
const MOST_REFUSED: usize = 200;

impl Engine {
    pub(super) fn unsequenced(&mut self, from: usize, kind: &str, message: &Message) {
        let dest = message.text("dest");
        let here = dest.is_none_or(|dest| dest == self.settings.me);
        if self.is_stale(from, message) {
            return;
        }
        match kind {
            "NS_nak_rexmit" => self.on_nak(from, message, here),
            _ if !here => {}
            "NS_ackmsg" => self.on_ack(from, message),
            "NS_rexmit" => self.on_rexmit(from, message),
            _ => {}
        }
    }

    /// What has no number tells its age by its clock alone: nobody says it twice, so it is about as young as the
    /// last status. And who is dead says a status first.
    fn is_stale(&self, from: usize, message: &Message) -> bool {
        let said = message.hex("ts").unwrap_or(0);
        self.nodes.get(from).is_none_or(|n| n.is_dead() || said.saturating_add(STALE) < n.last_status_ts)
    }

    pub(super) fn acknowledge(&mut self, at: usize, seq: u64) {
        if self.flow_control {
            let dest = self.name_of(at);
            self.send(Message::of("NS_ackmsg").with("dest", &dest).with("ackseq", &format!("{seq:x}")));
        }
    }

    fn on_ack(&mut self, from: usize, message: &Message) {
        let (Some(acked), highest) = (message.hex("ackseq"), self.history.highest()) else {
            return;
        };
        if acked > highest {
            return self.note_rarely("ack", Note::BadAck { highest, acked });
        }
        if let Some(node) = self.nodes.get_mut(from) {
            node.acked = node.acked.max(acked);
        }
    }

    fn on_rexmit(&mut self, from: usize, message: &Message) {
        let range = (message.decimal("firstseq"), message.decimal("lastseq"));
        let (Some(first), Some(last)) = range else {
            return self.note_rarely("rexmit", Note::BadResend);
        };
        if first == 0 || first > last {
            return self.note_rarely("rexmit", Note::BadResend);
        }
        let acked = self.nodes.get(from).map_or(0, |n| n.acked);
        let guard = self.settings.max_rexmit_delay.saturating_sub(GUARD).max(GUARD);
        let mut old_news = false;
        for answer in self.history.serve(first, last, acked, self.now.mono, guard) {
            old_news |=
                matches!(&answer, Resend::Message(m) if matches!(m.kind(), Some("resource" | "starting")));
            self.answer_rexmit(from, acked, answer);
        }
        if old_news {
            self.outdo_old_news(from);
        }
    }

    fn answer_rexmit(&mut self, to: usize, acked: u64, answer: Resend) {
        match answer {
            Resend::Message(message) => self.actions.push(Action::Send(message)),
            Resend::Beyond { seq, highest } => {
                self.note_rarely("beyond", Note::ResendBeyond { seq, highest });
            }
            Resend::Nak { seq, why } if self.may_refuse(to, seq) => {
                let node = self.name_of(to);
                self.send(
                    Message::of("NS_nak_rexmit")
                        .with("firstseq", &format!("{seq:x}"))
                        .with("dest", &node)
                        .with("info", why),
                );
                let (highest, lowest) = (self.history.highest(), self.history.lowest());
                let why = why.to_owned();
                self.note_rarely("nak", Note::CannotResend { seq, node, why, acked, highest, lowest });
            }
            Resend::Nak { .. } => {}
        }
    }

    fn may_refuse(&mut self, to: usize, seq: u64) -> bool {
        let now = self.now.mono;
        let Some(node) = self.nodes.get_mut(to) else { return false };
        node.refused.retain(|_, at| now < *at + REFUSE_AGAIN);
        if node.refused.len() >= MOST_REFUSED || node.refused.contains_key(&seq) {
            return false;
        }
        node.refused.insert(seq, now);
        true
    }

    fn on_nak(&mut self, from: usize, message: &Message, here: bool) {
        let Some(seq) = message.hex("firstseq") else {
            return;
        };
        let Some(node) = self.nodes.get_mut(from) else {
            return;
        };
        let awaited = node.track.give_up(seq);
        let node = node.name.clone();
        if here && awaited {
            self.note(Note::LostForGood { node, seq });
        }
    }

    pub(super) fn retransmit_deadline(&self) -> Option<Duration> {
        self.nodes.iter().filter_map(|n| n.track.next_request()).min()
    }

    pub(super) fn retransmit_tick(&mut self) {
        let (now, interval) = (self.now.mono, self.settings.max_rexmit_delay);
        let mut requests = Vec::new();
        for node in &mut self.nodes {
            // The reference asks only those it knows to be up, and never again once it did not ask: a
            // message lost before the first status came stays lost.
            let due = node.track.due_requests(now, interval, !node.is_dead());
            requests.extend(due.into_iter().map(|seq| (node.name.clone(), seq)));
        }
        for (node, seq) in requests {
            let seq = seq.to_string();
            self.send(
                Message::of("NS_rexmit").with("dest", &node).with("firstseq", &seq).with("lastseq", &seq),
            );
        }
    }
}
