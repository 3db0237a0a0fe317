//! What the model knows of a node, itself included, and the reading side of its stream (5.1, 5.2).

use heartbeat::engine::{NodeKind, NodeSpec, Settings};
use std::collections::BTreeMap;
use std::time::Duration;

/// A larger gap is not repaired.
const MAX_GAP: u64 = 250;

pub(super) struct Link {
    pub(super) name: String,
    pub(super) up: bool,
    pub(super) heard: Duration,
}

pub(super) struct Peer {
    pub(super) name: String,
    pub(super) kind: NodeKind,
    pub(super) status: String,
    pub(super) dead_time: Duration,
    pub(super) heard: bool,
    pub(super) last_status: Duration,
    pub(super) had_status: bool,
    pub(super) last_ts: u64,
    pub(super) last_status_seq: u64,
    pub(super) generation: u64,
    pub(super) last_seq: Option<u64>,
    /// Missing number -> when to ask for it.
    pub(super) missing: BTreeMap<u64, Option<Duration>>,
    pub(super) trigger: u64,
    pub(super) acked: u64,
    pub(super) has_resources: bool,
    pub(super) links: Vec<Link>,
}

/// What became of a number.
pub(super) enum Verdict {
    Accept { ack: Option<u64>, lost: Option<(u64, u64)>, flood: bool, complete: bool },
    Duplicate,
    Old,
}

impl Peer {
    pub(super) fn new(spec: &NodeSpec, settings: &Settings, now: Duration, trigger: u64) -> Self {
        let ping = spec.kind == NodeKind::Ping;
        let names = if ping { vec![spec.name.clone()] } else { settings.links.clone() };
        let own = spec.name == settings.me;
        Self {
            name: spec.name.clone(),
            kind: spec.kind,
            status: "init".to_owned(),
            dead_time: if ping { settings.deadping } else { settings.deadtime },
            heard: false,
            last_status: now,
            had_status: false,
            last_ts: 0,
            last_status_seq: 0,
            generation: if own { settings.generation } else { 0 },
            last_seq: None,
            missing: BTreeMap::new(),
            trigger,
            acked: 0,
            has_resources: true,
            links: names.into_iter().map(|name| Link { name, up: false, heard: now }).collect(),
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.status == "dead"
    }

    pub(super) fn next_request(&self) -> Option<Duration> {
        self.missing.values().flatten().min().copied()
    }

    /// 5.2, by rows of the table. `anew`: this is the first status of a new generation or a healed partition.
    pub(super) fn classify(&mut self, seq: u64, anew: bool, mut ask_at: impl FnMut() -> Duration) -> Verdict {
        let plain = |ack| Verdict::Accept { ack, lost: None, flood: false, complete: false };
        let Some(last) = self.last_seq.filter(|last| seq != last + 1) else {
            self.last_seq = Some(seq);
            return plain(self.ack_for(seq));
        };
        if seq == last {
            return Verdict::Duplicate;
        }
        if seq > last {
            return self.gap(last, seq, &mut ask_at);
        }
        if self.missing.remove(&seq).is_some() {
            let complete = self.missing.is_empty();
            return Verdict::Accept { ack: self.ack_after_fill(seq), lost: None, flood: false, complete };
        }
        if anew {
            self.missing.clear();
            self.last_seq = Some(seq);
            return plain(self.ack_for(seq));
        }
        Verdict::Old
    }

    fn gap(&mut self, last: u64, seq: u64, ask_at: &mut impl FnMut() -> Duration) -> Verdict {
        self.last_seq = Some(seq);
        let flood = seq - last - 1 > MAX_GAP;
        if flood {
            self.missing.clear();
        } else {
            for number in last + 1..seq {
                self.missing.insert(number, Some(ask_at()));
            }
            while self.missing.len() > 499 {
                self.missing.pop_first();
            }
        }
        Verdict::Accept { ack: None, lost: Some((last, seq)), flood, complete: false }
    }

    fn ack_for(&self, seq: u64) -> Option<u64> {
        let whole = self.missing.first_key_value().is_none_or(|(lowest, _)| seq <= *lowest);
        (seq % 10 == self.trigger && whole).then_some(seq)
    }

    fn ack_after_fill(&self, filled: u64) -> Option<u64> {
        let limit = match self.missing.first_key_value() {
            Some((lowest, _)) => lowest - 1,
            None => self.last_seq?,
        };
        (filled..=limit).rev().find(|n| n % 10 == self.trigger)
    }

    /// Dead: what is forgotten, and what is kept (7.6 step 4).
    pub(super) fn forget(&mut self) {
        self.last_ts = 0;
        self.missing.clear();
        self.last_seq = None;
        self.acked = 0;
    }
}
