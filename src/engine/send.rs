//! Sending: control fields, numbering, history, and hearing oneself (section 3).

use super::{Action, Engine, Note};
use crate::wire::{Message, Value};

/// Un-acknowledged messages from which on the operator is told, gently and then loudly (5.6).
const QUEUE_LEVELS: [u64; 2] = [376, 451];

impl Engine {
    /// Sends a message to the cluster and processes it here too if it is addressed here.
    ///
    /// It is put on the wire before its local effects, so that the messages these cause follow it in
    /// order (the reference sends them the other way round, and every receiver logs a gap).
    pub(super) fn send(&mut self, mut message: Message) {
        let Some(kind) = message.kind().map(str::to_owned) else {
            return;
        };
        let seq = (!kind.starts_with("NS_")).then(|| self.history.next_seq());
        self.complete(&mut message, seq);
        if let Some(seq) = seq {
            self.history.keep(seq, message.clone());
            self.watch_queue();
        }
        self.actions.push(Action::Send(message.clone()));
        let here = message.text("dest").is_none_or(|dest| dest == self.settings.me);
        if here && seq.is_some() {
            self.dispatch(self.me, &kind, &message);
        }
    }

    /// A message from a script or client. Without a type it is nothing.
    pub(super) fn local(&mut self, message: Message) {
        self.send(message);
    }

    fn complete(&mut self, message: &mut Message, seq: Option<u64>) {
        let dest = message.text("dest").and_then(|dest| self.nodes.iter().find(|n| n.name == dest));
        if let Some(node) = dest {
            message.set("destuuid", Value::Binary(node.uuid.unwrap_or_default().to_vec()));
        }
        message.set_text("src", &self.settings.me);
        message.set("srcuuid", Value::Binary(self.settings.uuid.to_vec()));
        if let Some(seq) = seq {
            message.set_text("seq", &format!("{seq:x}"));
        }
        message.set_text("hg", &format!("{:x}", self.settings.generation));
        message.set_text("ts", &format!("{:x}", self.now.wall.max(1)));
        if seq.is_some() {
            message.set_text("ld", &self.load);
        }
        let ttl = u64::from(self.settings.hopfudge) + self.nodes.len() as u64;
        message.set_text("ttl", &ttl.to_string());
    }

    /// Says once per level that peers do not acknowledge.
    fn watch_queue(&mut self) {
        let level = self
            .other_nodes()
            .filter(|n| matches!(n.status.as_str(), "up" | "active"))
            .map(|n| n.acked)
            .min();
        let waiting = match level {
            Some(level) if self.flow_control => self.history.highest().saturating_sub(level),
            _ => 0,
        };
        let reached = QUEUE_LEVELS.into_iter().filter(|l| waiting >= *l).max().unwrap_or(0);
        if reached > self.queue_warned {
            self.note(Note::QueueFilling(waiting));
        }
        self.queue_warned = reached;
    }
}
