//! Sending: control fields, numbering, history, and hearing oneself (section 3).

use super::{Action, Engine, Treatment};
use crate::wire::{Message, Value};

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
            self.history.keep(seq, &message);
            self.watch_queue();
        }
        // In this place, but handed over at the end: what follows from it needs it too.
        let place = self.actions.len();
        let here = message.text("dest").is_none_or(|dest| dest == self.settings.me);
        match here && seq.is_some() {
            true => self.take_in(self.me, &kind, &message),
            false => self.tell_clients(&message, Treatment::Dropped),
        }
        self.actions.insert(place.min(self.actions.len()), Action::Send(message));
    }

    fn complete(&mut self, message: &mut Message, seq: Option<u64>) {
        let dest = message.text("dest").and_then(|dest| self.nodes.iter().find(|n| n.name == dest));
        if let Some(node) = dest {
            message.set("destuuid", Value::Binary(node.uuid.unwrap_or_default().to_vec()));
        }
        message.set_text("src", &self.settings.me);
        message.set("srcuuid", Value::Binary(self.settings.uuid.to_vec()));
        if let Some(seq) = seq {
            message.set("seq", text(format!("{seq:x}")));
        }
        message.set("hg", text(format!("{:x}", self.settings.generation)));
        message.set("ts", text(format!("{:x}", self.now.wall.max(1))));
        if seq.is_some() {
            message.set_text("ld", &self.load);
        }
        let ttl = u64::from(self.settings.hopfudge) + self.nodes.len() as u64;
        message.set("ttl", text(ttl.to_string()));
    }
}

fn text(text: String) -> Value {
    Value::Text(text.into_bytes())
}
