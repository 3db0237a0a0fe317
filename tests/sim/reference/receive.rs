//! The receive pipeline, acknowledgements and retransmission (sections 5 and 6).

use super::peer::Verdict;
use super::{Phase, Reference, Wish};
use heartbeat::level::Level;
use heartbeat::wire::Message;
use std::time::Duration;

impl Reference {
    pub(super) fn receive(&mut self, link: &str, message: &Message) {
        let (Some(kind), Some(from)) = (message.kind(), message.text("src")) else { return };
        if message.hex("ts").unwrap_or(0) == 0 {
            return;
        }
        let Some(at) = self.peers.iter().position(|p| p.name == from) else { return };
        self.peers[at].heard = true;
        if kind.starts_with("NS_") {
            self.touch_link(at, link);
            self.unsequenced(at, kind, message);
        } else {
            self.sequenced(at, link, kind, message);
        }
        self.check_links_pending();
    }

    fn sequenced(&mut self, at: usize, link: &str, kind: &str, message: &Message) {
        let Some(seq) = message.hex("seq").filter(|seq| *seq > 0) else { return };
        let Some(anew) = self.generation_check(at, kind, seq, message.hex("hg").unwrap_or(0)) else { return };
        let Some(accepted) = self.sequence(at, seq, anew) else { return };
        self.touch_link(at, link);
        // Steps 17 and 18: own messages come back as duplicates, they were handled when they were made.
        if accepted && message.text("dest").is_none_or(|dest| dest == self.settings.me) {
            self.dispatch(at, kind, message);
        }
    }

    /// Steps 14 and 15. `None`: dropped; `Some(true)`: the stream begins anew.
    fn generation_check(&mut self, at: usize, kind: &str, seq: u64, generation: u64) -> Option<bool> {
        let peer = &mut self.peers[at];
        let (known, dead) = (peer.generation, peer.is_dead());
        if generation < known {
            return None;
        }
        if kind != "status" {
            return Some(false);
        }
        if generation > known {
            peer.generation = generation;
            peer.missing.clear();
            (peer.last_ts, peer.last_status_seq, peer.had_status) = (0, 0, false);
            peer.has_resources = true;
            peer.last_seq = None;
            if known > 0 {
                let name = peer.name.clone();
                self.log(Level::Info, format_args!("Heartbeat restart on node {name}"));
            }
            return Some(true);
        }
        if dead && generation > 0 && at != self.me {
            if seq <= peer.last_status_seq {
                return None;
            }
            self.returned(at);
            return Some(true);
        }
        Some(false)
    }

    /// `None`: old. Some(false): a duplicate.
    pub(super) fn sequence(&mut self, at: usize, seq: u64, anew: bool) -> Option<bool> {
        let now = self.now.mono;
        let longest = self.settings.max_rexmit_delay.as_millis() as u64;
        let least = if longest < 100 { 0 } else { 50 };
        let random = &mut self.random;
        let verdict =
            self.peers[at].classify(seq, anew, || now + Duration::from_millis(random.u64(least..=longest)));
        match verdict {
            Verdict::Old => None,
            Verdict::Duplicate => Some(false),
            Verdict::Accept { ack, lost, flood, complete } => {
                let name = self.peers[at].name.clone();
                if let Some((last, seq)) = lost {
                    let count = seq - last - 1;
                    self.log(Level::Warn, format_args!("{count} lost packet(s) for [{name}] [{last}:{seq}]"));
                }
                if flood {
                    self.log(Level::Error, format_args!("lost a lot of packets!"));
                }
                if complete {
                    self.log(Level::Info, format_args!("No pkts missing from {name}!"));
                }
                if let Some(ack) = ack.filter(|_| self.flow_control) {
                    self.send(
                        Message::of("NS_ackmsg").with("dest", &name).with("ackseq", &format!("{ack:x}")),
                    );
                }
                Some(true)
            }
        }
    }

    fn touch_link(&mut self, at: usize, medium: &str) {
        let now = self.now.mono;
        let peer = &mut self.peers[at];
        let Some(link) = peer.links.iter_mut().find(|l| l.name == medium) else { return };
        link.heard = now;
        if !link.up {
            link.up = true;
            let name = peer.name.clone();
            self.log(Level::Info, format_args!("Link {name}:{medium} up."));
        }
    }

    /// Step 18. Most handlers are there once communication is up.
    pub(super) fn dispatch(&mut self, from: usize, kind: &str, message: &Message) {
        let own = from == self.me;
        match kind {
            "status" => self.on_status(from, message),
            "reqnodes" if !own => self.on_reqnodes(from),
            "repnodes" if !own => self.on_repnodes(),
            "shutdone" => self.on_shutdone(from),
            _ if self.phase != Phase::Up => {}
            "starting" => self.on_starting(from),
            "resource" => self.on_resource(from, message),
            "ask_resources" => self.on_ask_resources(from, message),
            "ip-request" if !own => self.queue_hook(kind, message),
            "ip-request-resp" if !self.is_leaving() => self.queue_hook(kind, message),
            "ip-request" | "ip-request-resp" | "reqnodes" | "repnodes" | "stonith" => {}
            other => self.queue_hook(other, message),
        }
        self.expire_standby();
    }

    fn unsequenced(&mut self, from: usize, kind: &str, message: &Message) {
        if kind == "NS_st" {
            return self.on_status(from, message);
        }
        let here = message.text("dest").is_none_or(|dest| dest == self.settings.me);
        match kind {
            "NS_nak_rexmit" => {
                let Some(seq) = message.hex("firstseq") else { return };
                self.peers[from].missing.remove(&seq);
                if here {
                    let name = self.peers[from].name.clone();
                    self.log(Level::Error, format_args!("Irretrievably lost packet: node {name} seq {seq}"));
                }
            }
            "NS_ackmsg" if here => {
                let acked = message.hex("ackseq").filter(|acked| *acked <= self.seq).unwrap_or(0);
                self.peers[from].acked = self.peers[from].acked.max(acked);
            }
            "NS_rexmit" if here && from != self.me => self.on_rexmit(from, message),
            _ => {}
        }
    }

    fn on_rexmit(&mut self, from: usize, message: &Message) {
        let (Some(first), Some(last)) = (message.decimal("firstseq"), message.decimal("lastseq")) else {
            return;
        };
        let guard = self.settings.max_rexmit_delay.saturating_sub(Duration::from_millis(10));
        for seq in (first..=last.min(self.seq)).take(50) {
            if seq > self.peers[from].acked {
                self.resend(from, seq, guard);
            }
        }
    }

    fn resend(&mut self, to: usize, seq: u64, guard: Duration) {
        let now = self.now.mono;
        if let Some((_, message, resent)) = self.history.iter_mut().find(|(number, _, _)| *number == seq) {
            if resent.is_none_or(|at| now >= at + guard) {
                *resent = Some(now);
                let message = message.clone();
                self.out.push(Wish::Send(message));
            }
            return;
        }
        let name = self.peers[to].name.clone();
        let nak = Message::of("NS_nak_rexmit").with("firstseq", &format!("{seq:x}")).with("dest", &name);
        self.send(nak.with("info", "seqno too low"));
        self.log(Level::Error, format_args!("Cannot rexmit pkt {seq} for {name}: seqno too low"));
    }

    /// 5.4: asked for without limit while the node is up; never again once it was not.
    pub(super) fn ask_for_missing(&mut self) {
        let (now, interval) = (self.now.mono, self.settings.max_rexmit_delay.max(Duration::from_millis(1)));
        let mut asks = Vec::new();
        for peer in &mut self.peers {
            let asked = peer.status == "up" || peer.status == "active";
            for (seq, at) in peer.missing.iter_mut().filter(|(_, at)| at.is_some_and(|at| at <= now)) {
                *at = asked.then_some(now + interval);
                if asked {
                    asks.push((peer.name.clone(), seq.to_string()));
                }
            }
        }
        for (name, seq) in asks {
            self.send(
                Message::of("NS_rexmit").with("dest", &name).with("firstseq", &seq).with("lastseq", &seq),
            );
        }
    }
}
