//! What API clients hear of the cluster's messages (client-api.md section 6): which, as what, and when.
//!
//! A message is told after what it caused here, as the reference does; `ask_resources` before. What the
//! daemons settle between themselves (acknowledgements, lists of nodes, weights) is told to nobody, whatever
//! the mask says: 3.0.6 has a bit for it and never uses it. Who is told is the business of `api`.

use super::{Action, Engine, Treatment};
use crate::wire::Message;

/// Join and leave notices of a node's clients that wait for what was lost before them.
const MOST_HELD: usize = 100;

/// Kinds that no client ever sees.
const UNTOLD: [&str; 7] =
    ["reqnodes", "repnodes", "addnode", "delnode", "setweight", "setsite", "query-cstatus"];

/// What clients are to see of a message that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    As(Treatment),
    /// It waits in its node's queue, or is nobody's business.
    Nothing,
}

impl Engine {
    /// Whether anybody listens to this. Nothing is built or copied for nobody.
    fn heard(&self, treatment: Treatment) -> bool {
        self.listeners & treatment.bit() != 0
    }

    /// Gives a message to clients, if any wants to see its kind.
    pub(super) fn tell_clients(&mut self, message: &Message, treatment: Treatment) {
        if self.heard(treatment) {
            self.actions.push(Action::Deliver { message: message.clone(), treatment });
        }
    }

    /// Takes a message in and tells clients of it.
    pub(super) fn take_in(&mut self, from: usize, kind: &str, message: &Message) {
        let first = kind == "ask_resources";
        if first {
            self.tell_clients(message, Treatment::Kept);
        }
        if let Told::As(treatment) = self.take_in_silently(from, kind, message)
            && !first
        {
            self.tell_clients(message, treatment);
        }
    }

    fn take_in_silently(&mut self, from: usize, kind: &str, message: &Message) -> Told {
        if kind == "status" {
            let changed = self.on_status(from, message);
            self.expire_standby();
            return Told::As(if changed { Treatment::Kept } else { Treatment::NoChange });
        }
        self.dispatch(from, kind, message);
        if UNTOLD.contains(&kind) || self.held_back(from, kind, message) {
            return Told::Nothing;
        }
        Told::As(Treatment::Kept)
    }

    /// A client's coming or going is not told before what its node sent earlier.
    fn held_back(&mut self, from: usize, kind: &str, message: &Message) -> bool {
        if kind != "hbapi-clstat" || from == self.me || !self.heard(Treatment::Kept) {
            return false;
        }
        let seq = message.hex("seq").unwrap_or(0);
        let Some(node) = self.nodes.get_mut(from).filter(|n| !n.track.contiguous_to(seq)) else {
            return false;
        };
        if node.held_notices.len() < MOST_HELD {
            node.held_notices.push_back((seq, message.clone()));
            return true;
        }
        false
    }

    /// Tells the notices that have nothing left to wait for.
    pub(super) fn release_notices(&mut self) {
        for at in 0..self.nodes.len() {
            while let Some(message) = self.next_notice(at) {
                self.tell_clients(&message, Treatment::Kept);
            }
        }
    }

    fn next_notice(&mut self, at: usize) -> Option<Message> {
        let node = self.nodes.get_mut(at)?;
        let (seq, _) = node.held_notices.front()?;
        if !node.track.contiguous_to(*seq) {
            return None;
        }
        node.held_notices.pop_front().map(|(_, message)| message)
    }

    /// A link came up or went down: made here, for clients of this machine only.
    pub(super) fn tell_link(&mut self, node: &str, link: &str, up: bool) {
        if self.heard(Treatment::Kept) {
            let message = Message::of("ifstat").with("node", node).with("ifname", link);
            let message = message.with("st", if up { "up" } else { "dead" });
            self.actions.push(Action::Deliver { message, treatment: Treatment::Kept });
        }
    }

    /// A node fell silent.
    pub(super) fn tell_death(&mut self, name: &str, info: Option<&str>) {
        if self.heard(Treatment::Kept) {
            let message = self.death_message(name, info);
            self.actions.push(Action::Deliver { message, treatment: Treatment::Kept });
        }
    }

    /// What nobody sends: a dead node's last status.
    pub(super) fn death_message(&self, name: &str, info: Option<&str>) -> Message {
        let message = Message::of("status").with("seq", "1").with("ts", &format!("{:x}", self.now.wall));
        let message = message.with("src", name).with("st", "dead");
        info.into_iter().fold(message, |message, info| message.with("info", info))
    }
}
