//! What is known of each node and each link. Data and look-ups; the rules live in `life` and `receive`.

use super::gaps::Gaps;
use super::mark::Mark;
use super::sequence::Track;
use super::settings::{NodeKind, Settings};
use crate::wire::Message;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A way to hear a node.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) name: String,
    pub(super) up: bool,
    /// Last packet over it.
    pub(super) heard: Duration,
    /// Between heartbeats over it.
    pub(super) gaps: Gaps,
    /// The number of the newest of them.
    counted: u64,
}

/// A configured node, this one included.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) kind: NodeKind,
    pub(super) uuid: Option<[u8; 16]>,
    pub(super) status: String,
    /// How long its silence is borne: the `dt` it last sent.
    pub(super) dead_time: Duration,
    /// It began anew, and nobody saw it start: no status but `active` was heard.
    pub(super) unseen: bool,
    /// A packet came since start or since its last death.
    pub(super) heard: bool,
    /// When its last accepted status came; before that, when waiting for it began.
    pub(super) last_status: Duration,
    /// Whether `last_status` is that of a real status message.
    pub(super) had_status: bool,
    pub(super) last_status_ts: u64,
    pub(super) last_status_seq: u64,
    pub(super) generation: u64,
    /// Number of the newest message that told what it holds.
    pub(super) state_seq: u64,
    /// Number of the newest status that told it.
    pub(super) claim_seq: u64,
    /// Requests and answers of a hand-over before this number belong to one that is over.
    pub(super) ask_seq: u64,
    /// Its statuses tell what it holds: one of ours.
    pub(super) kin: bool,
    pub(super) track: Track,
    pub(super) mark: Mark,
    /// The highest number of ours that it acknowledged.
    pub(super) acked: u64,
    /// Messages of ours up to this one are not its to acknowledge: it was not there, or began anew since.
    pub(super) owed_from: u64,
    /// What it was told lately that it cannot have, and when.
    pub(super) refused: BTreeMap<u64, Duration>,
    /// It may hold resources: cleared by its shutdown notice (legacy mode's STONITH decision).
    pub(super) may_hold: bool,
    pub(super) links: Vec<Link>,
    /// Between heartbeats, over whatever link they came first.
    pub(super) gaps: Gaps,
    pub(super) weight: u32,
    pub(super) site: String,
    /// Notices of its clients, by number, that wait for what was lost before them.
    pub(super) held_notices: VecDeque<(u64, Message)>,
}

impl Link {
    fn new(name: String, now: Duration) -> Self {
        Self { name, up: false, heard: now, gaps: Gaps::default(), counted: 0 }
    }

    /// Whether no heartbeat of this number or a higher one came over it yet. Where two media share an interface,
    /// everything comes twice over this one link.
    pub(super) fn is_new(&mut self, seq: u64) -> bool {
        let new = seq > self.counted;
        self.counted = self.counted.max(seq);
        new
    }

    /// The next heartbeat is the first one of a life.
    pub(super) fn begin_anew(&mut self) {
        self.counted = 0;
        self.gaps.begin_anew();
    }
}

impl Node {
    /// A member of the cluster of which nothing was heard yet.
    pub(super) fn member(name: &str, settings: &Settings, now: Duration, ack_trigger: u64) -> Self {
        Self::new(name, NodeKind::Normal, settings.deadtime, settings.links.clone(), now, ack_trigger)
    }

    /// A ping node. Its only link has its name.
    fn pinged(name: &str, settings: &Settings, now: Duration) -> Self {
        Self::new(name, NodeKind::Ping, settings.deadping, vec![name.to_owned()], now, 0)
    }

    fn new(
        name: &str,
        kind: NodeKind,
        dead_time: Duration,
        links: Vec<String>,
        now: Duration,
        ack_trigger: u64,
    ) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            uuid: None,
            status: "init".to_owned(),
            dead_time,
            unseen: false,
            heard: false,
            last_status: now,
            had_status: false,
            last_status_ts: 0,
            last_status_seq: 0,
            generation: 0,
            state_seq: 0,
            claim_seq: 0,
            ask_seq: 0,
            kin: false,
            track: Track::new(ack_trigger),
            mark: Mark::default(),
            acked: 0,
            owed_from: 0,
            refused: BTreeMap::new(),
            may_hold: true,
            links: unique(links).map(|name| Link::new(name, now)).collect(),
            gaps: Gaps::default(),
            weight: 100,
            site: String::new(),
            held_notices: VecDeque::new(),
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.status == "dead"
    }

    pub(super) fn is_normal(&self) -> bool {
        self.kind == NodeKind::Normal
    }

    /// An active C daemon: what it holds it says when it thinks that it should.
    pub(super) fn is_active_stranger(&self) -> bool {
        !self.kin && self.is_normal() && self.status == "active"
    }

    /// The node's own name is the name of a ping node's only link.
    pub(super) fn link_mut(&mut self, medium: &str) -> Option<&mut Link> {
        self.links.iter_mut().find(|l| l.name == medium)
    }
}

/// Builds the table in configuration order. A name listed twice is one node.
pub(super) fn table(settings: &Settings, now: Duration, mut random: impl FnMut(u64) -> u64) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for spec in &settings.nodes {
        if nodes.iter().any(|n| n.name == spec.name) {
            continue;
        }
        let mut node = match spec.kind {
            NodeKind::Normal => Node::member(&spec.name, settings, now, random(10)),
            NodeKind::Ping => Node::pinged(&spec.name, settings, now),
        };
        if spec.name == settings.me {
            node.uuid = Some(settings.uuid);
            node.generation = settings.generation;
        }
        nodes.push(node);
    }
    nodes
}

fn unique(mut names: Vec<String>) -> impl Iterator<Item = String> {
    let mut seen = Vec::new();
    names.retain(|name| {
        let new = !seen.contains(name);
        seen.push(name.clone());
        new
    });
    names.into_iter()
}
