//! Death of a node, take-over, own groups (8.6, 8.7).

use super::{Phase, Reference, Standby, State};
use heartbeat::engine::{Hold, Job, NodeKind};
use heartbeat::level::Level;
use heartbeat::wire::Message;

impl Reference {
    pub(super) fn after_death(&mut self, at: usize) {
        let name = self.peers[at].name.clone();
        if self.peers[at].kind == NodeKind::Ping {
            return self.queue_death(&name, Some("ping"));
        }
        if self.phase != Phase::Up {
            return;
        }
        self.cancel_standby();
        if self.is_leaving() {
            return self.leave_on();
        }
        self.needs_failback = true;
        let (heard, has) = (self.peers[at].heard, self.peers[at].has_resources);
        let holds = if self.nice() { self.other_holds != Hold::None } else { has };
        if heard && !holds {
            self.log(Level::Info, format_args!("Dead node {name} gave up resources."));
            self.send(Message::of("stonith").with("node", &name).with("result", "unneeded"));
            return self.fill(at);
        }
        self.send(Message::of("stonith").with("node", &name).with("result", "n_stnth"));
        self.log(Level::Warn, format_args!("No STONITH device configured."));
        self.take_over(at);
    }

    fn fill(&mut self, at: usize) {
        if !self.nice() {
            return self.take_over(at);
        }
        if self.i_hold == Hold::All {
            self.other_stable = true;
            return;
        }
        if !self.i_hold.includes(Hold::Local) {
            self.acquire_local(true);
        }
        if !self.i_hold.includes(Hold::Foreign) {
            self.take_over(at);
        }
    }

    pub(super) fn take_over(&mut self, at: usize) {
        if self.is_leaving() {
            return self
                .log(Level::Info, format_args!("Resource takeover cancelled - shutdown in progress."));
        }
        let name = self.peers[at].name.clone();
        self.log(Level::Info, format_args!("Resources being acquired from {name}."));
        self.queue_death(&name, None);
        self.peers[at].heard = true;
        if self.nice() {
            self.i_hold = self.i_hold.with(Hold::Foreign);
            self.other_holds = Hold::None;
            self.other_stable = true;
            self.takeover_in_progress = true;
        }
        self.acquire_local(true);
    }

    fn queue_death(&mut self, name: &str, info: Option<&str>) {
        let message = Message::of("status").with("src", name).with("st", "dead");
        let message = info.into_iter().fold(message, |m, info| m.with("info", info));
        self.queue_hook("status", &message);
    }

    /// 8.7
    pub(super) fn acquire_local(&mut self, force: bool) {
        if self.is_leaving() {
            return;
        }
        if self.nice() {
            let taken = self.other_holds.includes(Hold::Foreign) || self.i_hold.includes(Hold::Local);
            if !force && taken && self.standby == Standby::Not {
                return self.log(Level::Info, format_args!("Local Resource acquisition completed. (none)"));
            }
            self.i_hold = self.i_hold.with(Hold::Local);
        }
        let active = self.peers.iter().filter(|p| p.kind == NodeKind::Normal && p.status == "active").count();
        self.run(Job::AcquireLocal { nice: self.nice(), dont_ask: active < 2 });
    }

    /// 8.5, `shutdone`.
    pub(super) fn on_shutdone(&mut self, from: usize) {
        if from == self.me {
            (self.state, self.i_hold) = (State::Shutdown, Hold::None);
            return self.gave_up();
        }
        if self.phase == Phase::LinksPending {
            return;
        }
        if self.nice() {
            self.other_stable = true;
            self.other_holds = Hold::None;
            if self.i_hold != Hold::All && !self.is_leaving() && self.phase == Phase::Up {
                self.standby = Standby::Done;
                let set = match self.i_hold {
                    Hold::Foreign => Hold::Foreign,
                    Hold::Local => Hold::Local,
                    _ => Hold::All,
                };
                self.run(Job::Standby { verb: heartbeat::engine::Verb::Take, set });
            }
            self.audit();
        }
        self.peers[from].has_resources = false;
        self.other_stable = false;
        self.other_holds = Hold::None;
        let name = self.peers[from].name.clone();
        self.log(Level::Info, format_args!("Received shutdown notice from '{name}'."));
        if self.phase == Phase::Up {
            self.take_over(from);
        }
        self.leave_on();
    }
}
