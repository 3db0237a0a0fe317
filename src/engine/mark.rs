//! How far a peer had come when it was last heard: what this node remembers of it when it starts anew.
//!
//! A daemon that has just started knows no numbers of its peer, so that whoever recorded the peer could pass for
//! it. With its mark it knows better. A message is taken for a recording only when nothing speaks for it:
//! neither its generation and number nor its sender's clock is later than what was heard. A machine whose disk
//! was put back to an older state has a counter that is behind, but a clock that is not: it is heard.

use super::Engine;
use crate::wire::Message;
use serde::{Deserialize, Serialize};

/// Seconds; retransmissions included.
const UNDER_WAY: u64 = 30;

/// How far one node had come. All zero: never heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Whose.
    pub node: String,
    /// Its generation.
    pub generation: u64,
    /// The highest number it used in that generation.
    pub seq: u64,
    /// The latest time of its clock, in seconds since 1970.
    pub ts: u64,
}

impl Mark {
    /// Whether such a message, of that generation, was very likely heard already.
    pub(super) fn covers(&self, generation: u64, message: &Message) -> bool {
        let number = message.hex("seq").unwrap_or(0);
        let behind = (generation, number) <= (self.generation, self.seq);
        behind && self.ts > 0 && message.hex("ts").unwrap_or(0) <= self.ts
    }

    /// Whether its sender's clock is further behind than any message is under way.
    pub(super) fn is_long_past(&self, message: &Message) -> bool {
        message.hex("ts").unwrap_or(0).saturating_add(UNDER_WAY) < self.ts
    }

    /// A message was accepted.
    pub(super) fn advance(&mut self, generation: u64, seq: u64, ts: u64) {
        if self.generation != generation {
            (self.generation, self.seq, self.ts) = (generation, 0, 0);
        }
        self.seq = self.seq.max(seq);
        self.ts = self.ts.max(ts);
    }
}

impl Engine {
    /// How far each peer has come, for [`super::Input::Remembered`] of the next life.
    pub fn marks(&self) -> Vec<Mark> {
        let heard = self.other_nodes().filter(|n| n.mark.ts > 0);
        heard.map(|n| Mark { node: n.name.clone(), ..n.mark.clone() }).collect()
    }

    /// What an earlier life knew.
    pub(super) fn recall(&mut self, marks: Vec<Mark>) {
        for mark in marks {
            let known = self.nodes.iter_mut().find(|n| n.name == mark.node && n.generation == 0);
            if let Some(node) = known {
                node.mark = mark;
            }
        }
    }
}
