//! `starting`, `resource`, automatic failback, audit (8.3, 8.4, 8.9).

use super::{Reference, Standby, State};
use heartbeat::engine::{Failback, Hold};
use heartbeat::level::Level;
use heartbeat::wire::Message;
use std::time::Duration;

impl Reference {
    pub(super) fn send_held(&mut self, stable: bool, why: Option<&str>) {
        if !self.nice() {
            return;
        }
        let message = Message::of("resource").with("rsc_hold", self.i_hold.word()).with("rtype", "full");
        let message = message.with("isstable", if stable { "1" } else { "0" });
        self.send(why.into_iter().fold(message, |m, why| m.with("info", why)));
    }

    pub(super) fn on_starting(&mut self, from: usize) {
        if from == self.me || !self.nice() {
            return;
        }
        match self.state {
            State::Received | State::Stable | State::Shutdown => {}
            State::Starting => self.state = State::BothStarting,
            State::Init | State::BothStarting => {
                let state = self.state as u8;
                return self.log(Level::Error, format_args!("Received 'starting' message in state {state}"));
            }
        }
        self.other_stable = false;
        self.send_held(self.state == State::Stable, None);
        self.audit();
    }

    pub(super) fn on_resource(&mut self, from: usize, message: &Message) {
        if !self.nice() {
            return;
        }
        match self.state {
            State::Starting | State::BothStarting => self.state = State::Received,
            State::Init => {
                return self.log(Level::Error, format_args!("resource message received in state 0"));
            }
            _ => {}
        }
        if self.state == State::Received && self.takeover_time.is_none() {
            self.takeover_time = Some(self.now.mono + Duration::from_secs(10));
        }
        if from == self.me {
            self.on_own(message)
        } else {
            self.on_theirs(message)
        }
        self.audit();
        self.leave_on();
    }

    fn on_own(&mut self, message: &Message) {
        self.i_hold = merged(self.i_hold, message);
        match message.text("info") {
            Some("mach_down") => {
                self.log(Level::Info, format_args!("mach_down takeover complete."));
                self.takeover_in_progress = false;
                self.i_hold = self.i_hold.with(Hold::Foreign);
                self.needs_failback = true;
                self.other_stable = true;
            }
            Some("shutdown") => self.state = State::Shutdown,
            _ => {}
        }
    }

    fn on_theirs(&mut self, message: &Message) {
        self.other_holds = merged(self.other_holds, message);
        match message.text("isstable") {
            Some("1") if !self.other_stable => {
                self.log(Level::Info, format_args!("remote resource transition completed."));
                self.other_stable = true;
                self.send_held(self.state == State::Stable, None);
                self.check_failback();
            }
            Some("1") | None => {}
            Some(_) => self.other_stable = false,
        }
        if !matches!(self.state, State::Stable | State::Shutdown) && self.other_stable {
            self.log(Level::Info, format_args!("remote resource transition completed."));
            self.acquire_local(false);
            self.state = State::Stable;
            self.send_held(true, None);
            self.check_failback();
        }
    }

    pub(super) fn check_failback(&mut self) {
        self.failback_at = None;
        let wanted = self.settings.failback == Failback::On
            && !self.is_leaving()
            && self.i_hold.includes(Hold::Foreign)
            && self.needs_failback;
        if !wanted {
            self.needs_failback = false;
            return;
        }
        if self.standby != Standby::Not || !self.other_stable || self.state != State::Stable {
            self.failback_at = Some(self.now.mono + Duration::from_secs(1));
            return;
        }
        self.standby_set = Hold::Foreign;
        self.needs_failback = false;
        self.send(Message::of("ask_resources").with("rsc_hold", "foreign").with("info", "me"));
    }

    /// It says what is wrong, and that is all (8.9).
    pub(super) fn audit(&mut self) {
        if !self.nice() {
            return;
        }
        let (mine, theirs) = (self.i_hold, self.other_holds);
        if mine.includes(Hold::Local) && theirs.includes(Hold::Foreign) {
            self.log(Level::Error, format_args!("Both machines own our resources!"));
        }
        if mine.includes(Hold::Foreign) && theirs.includes(Hold::Local) {
            self.log(Level::Error, format_args!("Both machines own foreign resources!"));
        }
        if !self.is_stable() || self.is_leaving() {
            return;
        }
        if !mine.includes(Hold::Local) && !theirs.includes(Hold::Foreign) {
            self.log(Level::Error, format_args!("No one owns our local resources!"));
        }
        if !mine.includes(Hold::Foreign) && !theirs.includes(Hold::Local) {
            self.log(Level::Error, format_args!("No one owns foreign resources!"));
        }
    }
}

/// `rtype=full` replaces, its absence adds (8.3).
fn merged(before: Hold, message: &Message) -> Hold {
    let said = message.text("rsc_hold").and_then(Hold::parse).unwrap_or_default();
    let replaces = message.text("rtype") == Some("full") || said == Hold::None;
    if replaces { said } else { before.with(said) }
}
