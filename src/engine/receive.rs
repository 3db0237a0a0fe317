//! The receive pipeline: from a verified message to the handler of its type (section 6).

use super::sequence::{SequenceEvent, Verdict};
use super::{Action, Engine, NodeKind, Note, Treatment};
use crate::wire::Message;
use std::time::Duration;

/// What only daemons say of themselves, and their scripts through the FIFO, beside all that begins with `NS_`.
const DAEMONS_OWN: [&str; 12] = [
    "status",
    "starting",
    "shutdone",
    "resource",
    "ask_resources",
    "stonith",
    "ip-request",
    "ip-request-resp",
    "reqnodes",
    "repnodes",
    "addnode",
    "delnode",
];

/// The first request for a missing message is never sent earlier than this (5.4).
const FIRST_REQUEST: Duration = Duration::from_millis(50);

impl Engine {
    pub(super) fn receive(&mut self, link: &str, message: &Message) {
        let from = message.text("src").unwrap_or("?").to_owned();
        let (Some(kind), Some(_), Some(ts)) = (message.kind(), message.text("src"), message.text("ts"))
        else {
            return self.note_rarely("incomplete", Note::Incomplete { link: link.to_owned(), from });
        };
        if u64::from_str_radix(ts, 16).unwrap_or(0) == 0 {
            return;
        }
        if self.is_out_of_place(link, &from, kind, message) {
            return self.note_rarely("out of place", Note::OutOfPlace { link: link.to_owned(), from });
        }
        let Some(at) = self.attribute(&from, kind, message) else {
            return;
        };
        if at == self.me {
            return self.hear_myself(link, message);
        }
        if self.is_of_an_earlier_life(at, message) {
            return self.tell_clients(message, Treatment::Dropped);
        }
        self.learn_uuid(at, message);
        let kind = kind.to_owned();
        if let Some(node) = self.nodes.get_mut(at) {
            node.heard = true;
        }
        if kind.starts_with("NS_") {
            self.touch_link(at, link);
            if kind == "NS_st" {
                self.count_gap(at, link, None);
            }
            self.hear_unsequenced(at, &kind, message);
        } else {
            self.sequenced(at, link, &kind, message);
        }
        self.check_startup();
    }

    /// A ping node is heard over its own link only, where it says nothing but that it is there; and nobody
    /// else is heard there. So no member can pass for a ping node, nor a ping node for a member.
    fn is_out_of_place(&self, link: &str, from: &str, kind: &str, message: &Message) -> bool {
        let pinged = |name: &str| self.nodes.iter().any(|n| n.kind == NodeKind::Ping && n.name == name);
        let echo = kind == "NS_st" && message.text("st") == Some("ping");
        match (pinged(from), pinged(link)) {
            (false, false) => kind == "NS_st",
            (true, true) => from != link || !echo,
            _ => true,
        }
    }

    fn hear_unsequenced(&mut self, at: usize, kind: &str, message: &Message) {
        if kind == "NS_st" {
            let treatment = match self.on_status(at, message) {
                true => Treatment::Kept,
                false => Treatment::NoChange,
            };
            return self.tell_clients(message, treatment);
        }
        if message.text("dest").is_some_and(|dest| dest != self.settings.me) {
            self.tell_clients(message, Treatment::Dropped);
        }
        self.unsequenced(at, kind, message);
    }

    /// Finds the node that a message is from, by its name.
    fn attribute(&mut self, from: &str, kind: &str, message: &Message) -> Option<usize> {
        let uuid = uuid_of(message);
        let Some(at) = self.nodes.iter().position(|n| n.name == from) else {
            self.refuse_stranger(from, kind, uuid);
            return None;
        };
        if at == self.me && uuid.is_some_and(|uuid| uuid != self.settings.uuid) {
            self.note_rarely("duplicate name", Note::DuplicateName);
            return None;
        }
        Some(at)
    }

    /// Whether somebody says again what was said before the node's present life began.
    fn is_of_an_earlier_life(&mut self, at: usize, message: &Message) -> bool {
        let Some(node) = self.nodes.get(at).filter(|n| n.is_normal()) else { return false };
        let Some(generation) = generation_of(message) else { return true };
        let (current, worth_a_line) = match node.generation {
            // What was under way or sent again while this node restarted is no attack.
            0 if node.mark.covers(generation, message) => {
                (node.mark.generation, node.mark.is_long_past(message))
            }
            current if generation < current => (current, true),
            _ => return false,
        };
        let node = node.name.clone();
        if worth_a_line {
            self.note_rarely("replay", Note::Replay { node, generation, current });
        }
        true
    }

    /// A node gets another uuid when it is installed anew: with a new life.
    fn learn_uuid(&mut self, at: usize, message: &Message) {
        let (Some(uuid), Some(generation)) = (uuid_of(message), generation_of(message)) else { return };
        let Some(node) = self.nodes.get_mut(at) else { return };
        match node.uuid {
            Some(known) if known == uuid || generation <= node.generation => return,
            Some(_) => {
                let node = node.name.clone();
                self.note_rarely("uuid", Note::UuidChanged { node, uuid });
            }
            None => {}
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.uuid = Some(uuid);
        }
    }

    fn refuse_stranger(&mut self, from: &str, kind: &str, uuid: Option<[u8; 16]>) {
        let known = uuid.and_then(|u| self.nodes.iter().find(|n| n.uuid == Some(u)));
        let note = match known {
            Some(node) => Note::Renamed { node: node.name.clone(), claimed: from.to_owned() },
            None => Note::UnknownNode { node: from.to_owned(), kind: kind.to_owned() },
        };
        self.note_rarely("stranger", note);
    }

    /// Own packets come back on broadcast media: they prove the link and nothing else.
    fn hear_myself(&mut self, link: &str, message: &Message) {
        if message.hex("hg") != Some(self.settings.generation) {
            return self.note_rarely("duplicate name", Note::DuplicateName);
        }
        self.touch_link(self.me, link);
        let last = message.hex("seq") == Some(self.history.highest());
        self.tell_clients(message, if last { Treatment::Duplicate } else { Treatment::Dropped });
    }

    fn sequenced(&mut self, at: usize, link: &str, kind: &str, message: &Message) {
        let Some(seq) = self.sequence_of(link, message) else {
            return;
        };
        if !self.accept_generation(at, kind, seq, message) {
            return self.tell_clients(message, Treatment::Dropped);
        }
        let event = match self.classify(at, link, kind, seq) {
            Ok(event) => event,
            Err(why) => return self.tell_clients(message, why),
        };
        self.tell(at, event);
        self.remember(at, seq, message);
        match self.addressed_here(message) {
            true => self.take_in(at, kind, message),
            false => self.tell_clients(message, Treatment::Dropped),
        }
    }

    /// How far this node has come, for this life and the next one.
    fn remember(&mut self, at: usize, seq: u64, message: &Message) {
        let ts = message.hex("ts").unwrap_or(0);
        if let Some(node) = self.nodes.get_mut(at) {
            node.mark.advance(node.generation, seq, ts);
        }
    }

    fn sequence_of(&mut self, link: &str, message: &Message) -> Option<u64> {
        let Some(text) = message.text("seq") else {
            let from = message.text("src").unwrap_or("?").to_owned();
            self.note_rarely("no seq", Note::NoSequence { link: link.to_owned(), from });
            return None;
        };
        match u64::from_str_radix(text, 16) {
            Ok(seq) if seq > 0 => Some(seq),
            Ok(_) => None,
            Err(_) => {
                self.note_rarely("bad seq", Note::BadSequence(text.to_owned()));
                None
            }
        }
    }

    /// Step 15: restarts, returns after a partition.
    fn accept_generation(&mut self, at: usize, kind: &str, seq: u64, message: &Message) -> bool {
        let Some(generation) = generation_of(message) else {
            return false;
        };
        let Some(node) = self.nodes.get(at) else {
            return false;
        };
        let (current, dead) = (node.generation, node.is_dead());
        let last_seq = node.last_status_seq.max(node.track.highest());
        // The first message of a node tells its generation, whatever it is: were it the first status, as in
        // the reference, what was lost before that would be forgotten. But one that was given up unheard
        // must come back with a status: anything else may be an old word of an earlier life.
        if current == 0 {
            if dead && kind != "status" {
                return false;
            }
            if let Some(node) = self.nodes.get_mut(at) {
                node.generation = generation;
            }
            self.greet(at);
            return true;
        }
        // The reference waits for a status here too, and takes what comes before it into the old stream.
        if kind != "status" && (generation == current || dead) {
            return generation == current;
        }
        if generation > current {
            self.restarted(at, generation);
        } else if dead && generation > 0 {
            if seq <= last_seq {
                return false;
            }
            self.returned(at);
        }
        true
    }

    /// The first status of a new generation: all that was known of its stream is void.
    fn restarted(&mut self, at: usize, generation: u64) {
        let now = self.now.mono;
        let Some(node) = self.nodes.get_mut(at) else {
            return;
        };
        node.generation = generation;
        node.track.reset();
        node.acked = 0;
        node.had_status = false;
        node.unseen = true;
        node.gaps.begin_anew();
        node.links.iter_mut().for_each(|link| link.begin_anew());
        node.last_status = now;
        node.last_status_ts = 0;
        node.last_status_seq = 0;
        node.state_seq = 0;
        (node.claim_seq, node.ask_seq) = (0, 0);
        node.may_hold = true;
        let note = Note::HeartbeatRestart(node.name.clone());
        self.note(note);
        self.greet(at);
        self.forget_hand_over();
        self.burier_restarted();
        // Nobody knows how its earlier life ended, and in the middle of what.
        self.doubt_whereabouts();
    }

    /// A node that starts hears first how this one is, before any acknowledgement. A C daemon goes up on
    /// whatever it hears first; without a status it would believe itself alone, and in legacy mode take its
    /// groups unasked. (Two C daemons escape this, most of the time, by being slow to acknowledge.)
    fn greet(&mut self, at: usize) {
        self.owes_from_now(at);
        self.send_status();
    }

    fn classify(&mut self, at: usize, link: &str, kind: &str, seq: u64) -> Result<SequenceEvent, Treatment> {
        let (now, longest) = (self.now.mono, self.settings.max_rexmit_delay);
        let shortest = if longest < 2 * FIRST_REQUEST { Duration::ZERO } else { FIRST_REQUEST };
        let random = &mut self.random;
        let node = self.nodes.get_mut(at).ok_or(Treatment::Dropped)?;
        let verdict = node.track.classify(seq, || {
            let span = longest.saturating_sub(shortest).as_millis() as u64;
            now + shortest + Duration::from_millis(random.u64(0..=span))
        });
        if !matches!(verdict, Verdict::Old) {
            self.touch_link(at, link);
            if kind == "status" {
                self.count_gap(at, link, Some(seq));
            }
        }
        match verdict {
            Verdict::Old => Err(Treatment::Dropped),
            Verdict::Duplicate => Err(Treatment::Duplicate),
            Verdict::Accept { ack, event } => {
                if let Some(ack) = ack {
                    self.acknowledge(at, ack);
                }
                Ok(event)
            }
        }
    }

    fn tell(&mut self, at: usize, event: SequenceEvent) {
        let node = self.name_of(at);
        match event {
            SequenceEvent::Nothing => {}
            SequenceEvent::Gap { count, last, seq } => self.note(Note::Lost { node, count, last, seq }),
            SequenceEvent::Flood { count, last, seq } => {
                self.note(Note::Lost { node, count, last, seq });
                self.note(Note::LostALot);
            }
            SequenceEvent::Complete => self.note(Note::NothingMissing(node)),
        }
    }

    fn addressed_here(&self, message: &Message) -> bool {
        match message.binary("destuuid") {
            Some(uuid) if uuid.iter().any(|b| *b != 0) => uuid == self.settings.uuid,
            _ => message.text("dest").is_none_or(|dest| dest == self.settings.me),
        }
    }

    pub(super) fn touch_link(&mut self, at: usize, medium: &str) {
        let now = self.now.mono;
        let Some(node) = self.nodes.get_mut(at) else {
            return;
        };
        let Some(link) = node.link_mut(medium) else {
            return;
        };
        link.heard = now;
        if !link.up {
            link.up = true;
            let name = node.name.clone();
            self.note(Note::LinkUp { node: name.clone(), link: medium.to_owned() });
            self.tell_link(&name, medium, true);
        }
    }

    /// Hands a message to the handler of its type; own messages too. `status` has its own way.
    pub(super) fn dispatch(&mut self, from: usize, kind: &str, message: &Message) {
        let own = from == self.me;
        match kind {
            "reqnodes" if !own => self.on_reqnodes(from),
            "repnodes" if !own => self.on_repnodes(from, message),
            "stonith" => self.on_stonith(from, message),
            "reqnodes" | "repnodes" => {}
            "addnode" => self.on_addnode(message),
            "delnode" => self.on_delnode(message),
            "setweight" => self.on_setweight(message),
            "setsite" => self.on_setsite(message),
            "query-cstatus" if own => {}
            "query-cstatus" => self.actions.push(Action::QueryClient(message.clone())),
            "shutdone" | "starting" | "resource" | "ask_resources" | "ip-request" | "ip-request-resp"
                if !self.settings.manages => {}
            "shutdone" => {
                self.is_outdated(from, message);
                self.on_shutdone(from);
            }
            _ if !self.startup.is_up() => {}
            "starting" => {
                let outdated = self.is_outdated(from, message);
                self.on_starting(from, outdated);
            }
            "resource" if self.is_outdated(from, message) => {}
            "resource" => self.on_resource(from, message),
            "ask_resources" => self.on_ask_resources(from, message),
            "ip-request" => self.on_ip_request(from, message),
            "ip-request-resp" => self.on_ip_request_resp(from, message),
            // In other letters, which no daemon uses. A hook is called by the name in lower case.
            own if is_daemons_own(own) => {}
            other => self.queue_peer_hook(other, message),
        }
        self.expire_standby();
    }

    /// Whether a newer message has already told what this one tells: networks reorder, and lost messages
    /// come late. Messages are handled as they come, so the newest word must stay the last one.
    fn is_outdated(&mut self, from: usize, message: &Message) -> bool {
        let seq = message.hex("seq").unwrap_or(0);
        let Some(node) = self.nodes.get_mut(from).filter(|_| from != self.me) else { return false };
        let outdated = seq < node.state_seq;
        node.state_seq = node.state_seq.max(seq);
        outdated
    }
}

/// Whether this kind of message, in whatever letters, is one that only daemons and their scripts send.
pub fn is_daemons_own(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("ns_") || DAEMONS_OWN.contains(&kind.as_str())
}

fn uuid_of(message: &Message) -> Option<[u8; 16]> {
    message.binary("srcuuid").and_then(|uuid| uuid.try_into().ok())
}

/// The generation that a message says it is of: 0 where it says none, nothing where that is no number.
fn generation_of(message: &Message) -> Option<u64> {
    message.text("hg").map_or(Some(0), |text| u64::from_str_radix(text, 16).ok())
}
