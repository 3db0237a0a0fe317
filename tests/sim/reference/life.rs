//! Status messages, lateness, death, return (7.2, 7.6, 7.7).

use super::{Phase, Reference};
use heartbeat::engine::NodeKind;
use heartbeat::level::Level;
use heartbeat::wire::Message;
use std::time::Duration;

const START_GRACE: Duration = Duration::from_millis(2000);
const START_PHASE: Duration = Duration::from_secs(5);
const RESTART_GRACE: Duration = Duration::from_secs(30);

impl Reference {
    pub(super) fn begin(&mut self) {
        let now = self.now.mono;
        self.started = true;
        self.grace_until = Some(now + START_PHASE);
        self.beat_at = now + self.settings.keepalive;
        self.poll_at = now + super::POLL;
        for peer in &mut self.peers {
            peer.last_status = now;
        }
        self.send_status();
        self.set_status("up");
        self.send_status();
        self.check_links_pending();
    }

    pub(super) fn set_status(&mut self, status: &str) {
        status.clone_into(&mut self.status);
        self.send_status();
        self.log(Level::Info, format_args!("Local status now set to: '{status}'"));
    }

    pub(super) fn send_status(&mut self) {
        let grace = match (self.restart_grace, self.grace_until) {
            (true, _) => RESTART_GRACE,
            (false, Some(_)) => START_GRACE,
            (false, None) => Duration::ZERO,
        };
        let dt = format!("{:x}", (self.settings.deadtime + grace).as_millis());
        let mut message = Message::of("status").with("st", &self.status).with("dt", &dt);
        if self.flow_control {
            message = message.with("protocol", "1");
        }
        self.send(message);
    }

    /// 7.2, steps 1 to 7.
    pub(super) fn on_status(&mut self, from: usize, message: &Message) {
        let Some(status) = message.text("st").map(str::to_owned) else { return };
        let (ts, seq) = (message.hex("ts").unwrap_or(0), message.hex("seq").unwrap_or(0));
        if ts < self.peers[from].last_ts && seq < self.peers[from].last_status_seq {
            return;
        }
        let normal = self.peers[from].kind == NodeKind::Normal;
        if normal && message.text("protocol").is_none() && self.flow_control {
            self.flow_control = false;
        }
        self.judge_lateness(from);
        if self.peers[from].status != status {
            status.clone_into(&mut self.peers[from].status);
            if from != self.me {
                let name = self.peers[from].name.clone();
                self.log(Level::Info, format_args!("Status update for node {name}: status {status}"));
                if normal {
                    self.queue_hook("status", message);
                }
            }
        }
        let now = self.now.mono;
        let peer = &mut self.peers[from];
        if let Some(dt) = message.hex("dt").filter(|_| normal) {
            peer.dead_time = Duration::from_millis(dt);
        }
        (peer.last_status, peer.had_status, peer.last_ts, peer.last_status_seq) = (now, true, ts, seq);
    }

    /// Step 3, with what 3.0.6 adds: whoever was silent for longer than the dead time goes through death first,
    /// alive or not.
    fn judge_lateness(&mut self, from: usize) {
        let peer = &self.peers[from];
        if !peer.had_status || from == self.me {
            return;
        }
        let (name, ms) = (peer.name.clone(), (self.now.mono.saturating_sub(peer.last_status)).as_millis());
        if ms > peer.dead_time.as_millis() {
            self.log(Level::Crit, format_args!("Late heartbeat: Node {name}: interval {ms} ms (> deadtime)"));
            self.node_died(from, true);
        } else if ms > self.settings.warntime.as_millis() {
            self.log(Level::Warn, format_args!("Late heartbeat: Node {name}: interval {ms} ms"));
        }
    }

    /// Every 250 ms.
    pub(super) fn check_life(&mut self, at: usize) {
        let peer = &self.peers[at];
        let pending = self.phase == Phase::LinksPending && !peer.had_status;
        let allowed = if pending { self.settings.initdead } else { peer.dead_time };
        if peer.is_dead() || self.now.mono.saturating_sub(peer.last_status) <= allowed {
            return;
        }
        self.node_died(at, false);
    }

    pub(super) fn node_died(&mut self, at: usize, speaks: bool) {
        let name = self.peers[at].name.clone();
        self.log(Level::Warn, format_args!("node {name}: is dead"));
        if at == self.me {
            self.log(Level::Error, format_args!("No local heartbeat. Forcing restart."));
            self.peers[at].last_status = self.now.mono;
            return self.restart_soon();
        }
        "dead".clone_into(&mut self.peers[at].status);
        self.after_death(at);
        if !speaks {
            self.peers[at].forget();
        }
    }

    pub(super) fn drop_links(&mut self) {
        let now = self.now.mono;
        let patience = self.peers.last().map_or(self.settings.deadtime, |p| p.dead_time);
        let me = self.me;
        let mut dead = Vec::new();
        for (_, peer) in self.peers.iter_mut().enumerate().filter(|(at, _)| *at != me) {
            for link in peer.links.iter_mut().filter(|l| l.up && now > l.heard + patience) {
                link.up = false;
                dead.push(format!("Link {}:{} dead.", peer.name, link.name));
            }
        }
        for text in dead {
            self.log(Level::Info, format_args!("{text}"));
        }
    }

    /// 7.7: the observer gives up everything and begins anew.
    pub(super) fn returned(&mut self, at: usize) {
        if self.peers[at].kind == NodeKind::Ping {
            return;
        }
        let name = self.peers[at].name.clone();
        self.log(Level::Crit, format_args!("Cluster node {name} returning after partition."));
        self.log(Level::Warn, format_args!("Deadtime value may be too small."));
        self.send_status();
        self.restart_soon();
    }
}
