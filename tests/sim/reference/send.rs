//! Sending: numbers, history, and handling one's own messages first (section 3).

use super::{Reference, Wish};
use heartbeat::wire::{Message, Value};

/// Messages kept for those who ask.
const HISTORY: usize = 500;

impl Reference {
    pub(super) fn send(&mut self, mut message: Message) {
        let Some(kind) = message.kind().map(str::to_owned) else { return };
        let seq = (!kind.starts_with("NS_")).then(|| {
            self.seq += 1;
            self.seq
        });
        self.complete(&mut message, seq);
        if let Some(seq) = seq {
            self.history.push_back((seq, message.clone(), None));
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
            self.hear_self(&kind, seq, &message);
        }
        self.out.push(Wish::Send(message));
    }

    /// The loop: the own stream is counted and acknowledged like any other, then the message is dealt with.
    fn hear_self(&mut self, kind: &str, seq: u64, message: &Message) {
        let me = self.me;
        self.peers[me].heard = true;
        self.sequence(me, seq, false);
        if message.text("dest").is_none_or(|dest| dest == self.settings.me) {
            self.dispatch(me, kind, message);
        }
    }

    fn complete(&mut self, message: &mut Message, seq: Option<u64>) {
        let dest = message.text("dest").and_then(|dest| self.peers.iter().position(|p| p.name == dest));
        if let Some(at) = dest {
            message.set("destuuid", Value::Binary(vec![at as u8 + 1; 16]));
        }
        message.set_text("src", &self.settings.me);
        message.set("srcuuid", Value::Binary(self.settings.uuid.to_vec()));
        if let Some(seq) = seq {
            message.set_text("seq", &format!("{seq:x}"));
        }
        message.set_text("hg", &format!("{:x}", self.settings.generation));
        message.set_text("ts", &format!("{:x}", self.now.wall));
        if seq.is_some() {
            message.set_text("ld", &self.load);
        }
        message.set_text("ttl", &(1 + self.peers.len()).to_string());
    }
}
