//! The pulse and the life of nodes: status messages, lateness, death, return (sections 7.2, 7.6, 7.7).

use super::{Engine, Hold, Job, NodeKind, Note};
use crate::wire::Message;
use std::time::Duration;

/// How much longer than `deadtime` peers are asked to wait while this node starts, and for how long.
const START_GRACE: Duration = Duration::from_millis(2000);
const START_PHASE: Duration = Duration::from_secs(5);
/// The same around a restart.
const RESTART_GRACE: Duration = Duration::from_millis(30_000);
/// A node that beats when it hears the other one lets its own next beat be so much of a `keepalive` later, so that it
/// hears the other one first again.
const FOLLOWING: u32 = 32;
/// No peer is believed to ask for less.
const SHORTEST_DEAD_TIME: Duration = Duration::from_millis(1);
/// Nor for more.
const LONGEST_DEAD_TIME: Duration = Duration::from_secs(24 * 3600);

/// Own heartbeat.
#[derive(Default)]
pub(super) struct Pulse {
    pub(super) started: bool,
    next: Duration,
    /// The next one follows the other node's.
    following: bool,
    /// The last status.
    sent: Duration,
    /// Until when `dt` is raised because of the start.
    grace_until: Option<Duration>,
    /// Leaving for a restart: `dt` is raised until the end.
    pub(super) restarting: bool,
}

impl Engine {
    /// The first three messages (7.2): init, up, up.
    pub(super) fn begin(&mut self) {
        if self.pulse.started {
            return;
        }
        let now = self.now.mono;
        self.pulse.started = true;
        self.pulse.next = now + self.settings.keepalive;
        self.pulse.grace_until = Some(now + START_PHASE);
        for node in &mut self.nodes {
            node.last_status = now;
        }
        self.send_status();
        self.set_status("up");
        self.send_status();
        self.note(Note::LocalStatus("up".to_owned()));
        if let Some(me) = self.nodes.get_mut(self.me) {
            me.heard = true;
        }
        if self.settings.manages && self.settings.resumed.is_none() {
            self.run(Job::ReleaseLeftovers);
        }
        self.check_startup();
    }

    /// Sets the own status and says so at once.
    pub(super) fn set_status(&mut self, status: &str) {
        if let Some(me) = self.nodes.get_mut(self.me) {
            status.clone_into(&mut me.status);
        }
        self.send_status();
    }

    /// What peers were asked to bear.
    pub(super) fn own_dead_time(&self) -> Duration {
        let grace = match (self.pulse.restarting, self.pulse.grace_until) {
            (true, _) => RESTART_GRACE,
            (false, Some(_)) => START_GRACE,
            (false, None) => Duration::ZERO,
        };
        self.settings.deadtime + grace
    }

    pub(super) fn send_status(&mut self) {
        let status = self.status().to_owned();
        let dead_time = format!("{:x}", self.own_dead_time().as_millis());
        let mut message = Message::of("status").with("st", &status).with("dt", &dead_time);
        if self.flow_control {
            message = message.with("protocol", "1");
        }
        if let Some(claim) = self.claim() {
            message = message.with("holds", &claim);
        }
        self.pulse.sent = self.now.mono;
        self.send(message);
    }

    /// For how long peers have heard no status from here.
    pub(super) fn silent_for(&self) -> Duration {
        self.now.mono.saturating_sub(self.pulse.sent)
    }

    pub(super) fn pulse_deadline(&self) -> Option<Duration> {
        Some(self.pulse.grace_until.map_or(self.pulse.next, |until| until.min(self.pulse.next)))
    }

    /// A heartbeat of the other node was heard: an own one that is due within half a `keepalive` is due now. So two nodes
    /// beat together, and each wakes once in a `keepalive` and not once to beat and once to hear.
    fn beat_together(&mut self, with: usize) {
        let member = with != self.me && self.nodes.get(with).is_some_and(|node| node.is_normal());
        let wait = self.pulse.next.saturating_sub(self.now.mono);
        if member && self.pulse.started && wait <= self.settings.keepalive / 2 {
            self.pulse.next = self.now.mono;
            self.pulse.following = true;
        }
    }

    /// Who beats first wakes twice: also for the answer. That is for a node that has nothing else to do; one that serves
    /// lets it go first, if it answers at all.
    fn has_an_idle_follower(&self) -> bool {
        let (sent, soon) = (self.pulse.sent, self.settings.keepalive / 2);
        let answered = |at: Duration| at >= sent && at - sent <= soon;
        let (r, groups) = (&self.resources, self.settings.groups);
        self.nice()
            && r.i_hold.and(groups) != Hold::None
            && r.other_holds.mirror().and(groups) == Hold::None
            && self.other_nodes().any(|node| node.kin && !node.is_dead() && answered(node.last_status))
    }

    /// Beats at a fixed rhythm, or with the other node; beats that were slept through are left out.
    pub(super) fn pulse_tick(&mut self) {
        let now = self.now.mono;
        if self.pulse.grace_until.is_some_and(|until| now >= until) {
            self.pulse.grace_until = None;
            self.send_status();
        }
        if now < self.pulse.next {
            return;
        }
        self.pulse.next += self.settings.keepalive;
        if std::mem::take(&mut self.pulse.following) {
            self.pulse.next += self.settings.keepalive / FOLLOWING;
        } else if self.has_an_idle_follower() {
            self.pulse.next += self.settings.keepalive / FOLLOWING * 2;
        }
        if self.pulse.next <= now {
            self.pulse.next = now + self.settings.keepalive;
        }
        self.send_status();
    }

    /// How long this node's silence is borne right now.
    fn allowed_silence(&self, at: usize) -> Duration {
        match self.nodes.get(at) {
            Some(node) if self.startup.is_pending() && !node.had_status => self.settings.initdead,
            Some(node) => node.dead_time,
            None => Duration::MAX,
        }
    }

    fn death_deadline(&self, at: usize) -> Option<Duration> {
        let node = self.nodes.get(at).filter(|n| at != self.me && !n.is_dead())?;
        node.last_status.checked_add(self.allowed_silence(at))
    }

    pub(super) fn life_deadline(&self) -> Option<Duration> {
        let deaths = (0..self.nodes.len()).filter_map(|at| self.death_deadline(at));
        let (me, patience) = (self.me, self.link_patience());
        let links = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != me)
            .flat_map(|(_, node)| node.links.iter().filter(|l| l.up).map(move |l| l.heard + patience));
        deaths.chain(links).min()
    }

    pub(super) fn bury_the_silent(&mut self) {
        for at in 0..self.nodes.len() {
            if self.death_deadline(at).is_some_and(|deadline| self.now.mono >= deadline) {
                self.node_died(at);
            }
        }
        self.drop_silent_links();
    }

    fn drop_silent_links(&mut self) {
        let (now, me, patience) = (self.now.mono, self.me, self.link_patience());
        let mut dropped = Vec::new();
        for (_, node) in self.nodes.iter_mut().enumerate().filter(|(at, _)| *at != me) {
            for link in node.links.iter_mut().filter(|l| l.up && now >= l.heard + patience) {
                link.up = false;
                dropped.push((node.name.clone(), link.name.clone()));
            }
        }
        for (node, link) in dropped {
            self.note(Note::LinkDead { node: node.clone(), link: link.clone() });
            self.tell_link(&node, &link, false);
        }
    }

    /// How long a link may be silent: any link, as long as the last node in the list, as in 3.0.6. With ping
    /// nodes listed after the members that is `deadping`, which is when ipfail shall hear of a lost one.
    fn link_patience(&self) -> Duration {
        self.nodes.last().map_or(self.settings.deadtime, |last| last.dead_time)
    }

    /// A member's death has to wait for communication (see `mourn`).
    fn death_counts(&self, at: usize) -> bool {
        self.startup.is_up() || self.nodes.get(at).is_some_and(|n| !n.is_normal())
    }

    /// Declares a node dead (7.6) and does what follows from it (8.6).
    fn node_died(&mut self, at: usize) {
        let (now, allowed) = (self.now.mono, self.allowed_silence(at));
        let Some(node) = self.nodes.get_mut(at) else {
            return;
        };
        let name = node.name.clone();
        let silent = now.saturating_sub(node.last_status);
        "dead".clone_into(&mut node.status);
        self.note(Note::NodeDead(name.clone()));
        self.note(Note::Silence { node: name, silent, allowed });
        let now = self.death_counts(at);
        self.check_startup();
        if now {
            self.after_death(at, false);
        }
        if self.nodes.get(at).is_some_and(|n| n.is_normal()) {
            self.doubt_whereabouts();
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.last_status_ts = 0;
            node.track.fall_silent();
            node.acked = 0;
        }
    }

    /// A status message of the same generation from a node that was given up for dead (7.7): both may hold
    /// everything. What follows from it comes with the status itself, see `double`; the old protocol has no
    /// words for what is held, and begins anew.
    pub(super) fn returned(&mut self, at: usize) {
        if self.nodes.get(at).is_none_or(|n| n.kind == NodeKind::Ping) {
            return;
        }
        let node = self.name_of(at);
        self.note(Note::Partition(node));
        self.send_status();
        match self.nice() && self.settings.manages {
            true => self.expect_restart(at),
            false => self.request_restart(),
        }
    }

    /// A status message from any node, this one included (7.2). Says whether it changed anything.
    pub(super) fn on_status(&mut self, from: usize, message: &Message) -> bool {
        // "dead" is an observer's word, no node says it of itself; "ping" is said of a ping node only.
        let normal = self.nodes.get(from).is_none_or(|n| n.is_normal());
        let word = message.text("st").filter(|st| *st != "dead" && (!normal || *st != "ping"));
        let Some(status) = word else {
            self.note_rarely("no st", Note::NoStatus);
            return false;
        };
        let (ts, seq) = (message.hex("ts").unwrap_or(0), message.hex("seq").unwrap_or(0));
        let Some(node) = self.nodes.get(from) else {
            return false;
        };
        let node_seq = node.last_status_seq;
        if ts < node.last_status_ts && seq < node_seq {
            return false;
        }
        if node.is_normal() && from != self.me && message.text("protocol").is_none() && self.flow_control {
            self.flow_control = false;
            self.note(Note::FlowControlOff);
        }
        self.judge_lateness(from);
        // One that was lost and came late is a sign of life and no news.
        let changed = seq >= node_seq && self.adopt_status(from, status, message);
        let (now, patience) = (self.now.mono, self.patience_with(from));
        if let Some(node) = self.nodes.get_mut(from) {
            node.gaps.heard(now, patience);
            if let Some(dead_time) = message.hex("dt").filter(|_| node.is_normal()) {
                let asked = Duration::from_millis(dead_time);
                node.dead_time = asked.clamp(SHORTEST_DEAD_TIME, LONGEST_DEAD_TIME);
            }
            node.last_status = now;
            node.had_status = true;
            node.last_status_ts = ts;
            node.last_status_seq = seq.max(node_seq);
        }
        if from != self.me {
            self.read_claim(from, message);
        }
        if seq > node_seq {
            self.beat_together(from);
        }
        self.ask_for_local();
        changed
    }

    fn judge_lateness(&mut self, from: usize) {
        let (now, warntime) = (self.now.mono, self.settings.warntime);
        let Some(node) = self
            .nodes
            .get(from)
            .filter(|n| from != self.me && (n.had_status || (n.is_dead() && !n.is_normal())))
        else {
            return;
        };
        let interval = now.saturating_sub(node.last_status);
        let (dead, name, member) = (node.is_dead(), node.name.clone(), node.is_normal());
        let fatal = interval > node.dead_time;
        // It may have missed a heartbeat more than this node did.
        if member && interval + 2 * self.settings.keepalive >= self.own_dead_time() {
            self.doubt_whereabouts();
        }
        if fatal || interval > warntime {
            self.note(Note::Late { node: name.clone(), interval, fatal });
        }
        if dead {
            self.note(Note::NodeDead(name));
            let settled = self.nice() && self.nodes.get(from).is_some_and(|n| n.is_normal());
            if self.death_counts(from) && !settled {
                self.after_death(from, true);
            }
        }
    }

    fn adopt_status(&mut self, from: usize, status: &str, message: &Message) -> bool {
        let Some(node) = self.nodes.get_mut(from).filter(|_| from != self.me) else {
            return false;
        };
        // Who began anew and is active at the first word lived apart for a while, as who was dead.
        let unseen = std::mem::take(&mut node.unseen);
        let apart = (node.is_dead() || unseen) && status == "active";
        if node.status.eq_ignore_ascii_case(status) && !apart {
            return false;
        }
        let returns = node.is_dead() && node.is_normal();
        if node.is_dead() {
            node.owed_from = self.history.highest();
        }
        let lived_apart = apart && node.is_normal();
        status.clone_into(&mut node.status);
        let name = node.name.clone();
        self.stop_fencing(&name);
        self.note(Note::StatusUpdate { node: name, status: status.to_owned() });
        // Scripts are told only when a ping node dies.
        if message.kind() == Some("status") {
            self.queue_peer_hook("status", message);
        }
        // What was doubted before is settled, perhaps, but not what happened behind the cable since.
        if returns {
            self.doubt_whereabouts();
        }
        if lived_apart && !self.is_shutting_down() {
            self.compare_holdings(from);
        }
        if status == "active" {
            self.peer_is_active();
            self.ask_again();
            self.expect_word_of(from);
        }
        true
    }

    /// What was sent before is not a node's to acknowledge.
    pub(super) fn owes_from_now(&mut self, at: usize) {
        let highest = self.history.highest();
        if let Some(node) = self.nodes.get_mut(at) {
            node.owed_from = highest;
        }
    }

    /// A node that was dead here became active without our help: it began anew behind a broken cable, and
    /// took over what is held here. Saying what we hold shows it; the old protocol knows no such word.
    fn compare_holdings(&mut self, with: usize) {
        match self.nice() {
            true => {
                self.forget_hand_over();
                self.expect_claims();
            }
            false => self.returned(with),
        }
    }
}
