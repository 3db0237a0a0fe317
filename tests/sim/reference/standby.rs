//! The standby protocol (8.5).

use super::{Reference, Standby, State};
use heartbeat::engine::{Hold, Job, Verb};
use heartbeat::level::Level;
use heartbeat::wire::Message;
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(10);
const SCRIPTS: Duration = Duration::from_secs(3600);

impl Reference {
    pub(super) fn on_ask_resources(&mut self, from: usize, message: &Message) {
        if !self.nice() {
            return self
                .log(Level::Info, format_args!("Standby mode only implemented when nice_failback on"));
        }
        if self.state == State::Shutdown {
            return;
        }
        let info = message.text("info").unwrap_or("").to_owned();
        let set = message.text("rsc_hold").and_then(Hold::parse).unwrap_or(Hold::All);
        let name = self.peers[from].name.clone();
        if self.refused(&info, &name) {
            return;
        }
        self.step(from, &info, set, &name);
        self.leave_on();
    }

    fn refused(&mut self, info: &str, name: &str) -> bool {
        if let Some(deadline) = self.standby_deadline.filter(|_| info == "me") {
            let left = deadline.saturating_sub(self.now.mono).as_secs();
            self.log(
                Level::Warn,
                format_args!("Standby in progress- new request from {name} ignored [{left} seconds left]"),
            );
            return true;
        }
        if self.standby != Standby::Not {
            return false;
        }
        let why = match (self.other_stable, self.state == State::Stable) {
            (false, _) => "Other side is in flux.",
            (true, false) => "local resources in flux.",
            (true, true) => return false,
        };
        self.log(Level::Warn, format_args!("standby message [{info}] from {name} ignored.  {why}"));
        true
    }

    fn step(&mut self, from: usize, info: &str, set: Hold, name: &str) {
        let own = from == self.me;
        let word = set.word();
        match (self.standby, own, info) {
            (Standby::Not, _, "me") => {
                self.other_stable = false;
                self.log(Level::Info, format_args!("{name} wants to go standby [{word}]"));
                if own {
                    return self.enter(Standby::Me, set, Some(ANSWER));
                }
                self.enter(Standby::Other, set, None);
                self.send(Message::of("ask_resources").with("rsc_hold", word).with("info", "other"));
                self.standby_deadline = Some(self.now.mono + SCRIPTS);
            }
            (Standby::Me, false, "other") => {
                self.log(Level::Info, format_args!("standby: {name} can take our {word} resources"));
                self.enter(Standby::Me, set, Some(SCRIPTS));
                self.other_stable = false;
                self.i_hold = self.i_hold.without(set);
                self.send_held(false, Some("standby"));
                self.run(Job::Standby { verb: Verb::Give, set });
            }
            (Standby::Me, true, "done") => {
                self.log(Level::Info, format_args!("Local standby process completed [{word}]."));
                self.i_hold = self.i_hold.without(set);
                self.enter(Standby::Done, set, Some(SCRIPTS));
            }
            (Standby::Other, true, "other") => self.standby_set = set,
            (Standby::Other, false, "done") => {
                self.log(Level::Info, format_args!("standby: acquire [{word}] resources from {name}"));
                self.enter(Standby::Done, set, Some(SCRIPTS));
                self.run(Job::Standby { verb: Verb::Take, set: set.mirror() });
            }
            (Standby::Done, true, "done") => {
                self.log(Level::Info, format_args!("Standby resource acquisition done [{word}]."));
                self.i_hold = self.i_hold.with(set.mirror());
                self.enter(Standby::Not, set, None);
                self.send_held(true, None);
            }
            (Standby::Done, false, "done") => {
                self.log(
                    Level::Info,
                    format_args!("Other node completed standby takeover of {word} resources."),
                );
                self.enter(Standby::Not, set, None);
                self.send_held(true, None);
            }
            (state, _, _) => {
                let state = state as u8;
                self.log(
                    Level::Error,
                    format_args!("Ignored standby message '{info}' from {name} in state {state}"),
                );
            }
        }
    }

    fn enter(&mut self, state: Standby, set: Hold, patience: Option<Duration>) {
        self.standby = state;
        self.standby_set = set;
        self.standby_deadline = patience.map(|p| self.now.mono + p);
    }

    /// Looked at whenever a message is dealt with, and at no other time.
    pub(super) fn expire_standby(&mut self) {
        if self.standby_deadline.is_some_and(|deadline| self.now.mono > deadline) {
            self.standby_deadline = None;
            self.other_stable = true;
            self.standby = Standby::Not;
            self.log(Level::Warn, format_args!("No reply to standby request.  Standby request cancelled."));
        }
    }

    pub(super) fn cancel_standby(&mut self) {
        if self.standby == Standby::Not && self.standby_deadline.is_none() {
            return;
        }
        self.log(Level::Info, format_args!("Cancelling pending standby operation"));
        self.standby = Standby::Not;
        self.standby_deadline = None;
        if self.i_hold == Hold::All {
            self.other_stable = true;
        }
    }
}
