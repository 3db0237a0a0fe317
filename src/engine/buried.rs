//! What follows when the peer says that it declared this node dead (its `stonith` message names this node).
//!
//! In legacy mode nobody says what it holds; but who declares a node dead takes everything. So this node lets go
//! at once, and gets its groups back when the other, who sees that it lives, begins anew.

use super::standby::StandbyState;
use super::{Engine, Hold, Job, Note, Reason, Verb};
use crate::wire::Message;

impl Engine {
    pub(super) fn on_stonith(&mut self, from: usize, message: &Message) {
        let names_me = from != self.me && message.text("node") == Some(&self.settings.me);
        if !names_me || !self.settings.manages || !self.startup.is_up() || self.is_shutting_down() {
            return;
        }
        let seq = message.hex("seq").unwrap_or(0);
        // After a reset that failed nothing is taken, and what runs here runs nowhere else.
        let takes = matches!(message.text("result"), Some("n_stnth" | "OK"));
        if takes {
            self.doubt_whereabouts();
        }
        match self.nice() {
            true => self.offer_forgotten(from, seq),
            false if takes => self.declared_dead(from, seq),
            false => {}
        }
    }

    /// Legacy mode: a peer that declares this node dead takes everything. An old word of it means nothing.
    fn declared_dead(&mut self, by: usize, seq: u64) {
        if self.nodes.get(by).is_some_and(|n| n.status == "active" && seq > n.last_status_seq) {
            self.double.buried = true;
            if !self.pause.looking {
                self.yield_to_burier(by);
            }
        }
    }

    /// A C daemon that declares this node dead has cancelled what it offered or asked for before. Nothing more
    /// will come of it, and as long as it is waited for, nothing is settled.
    fn offer_forgotten(&mut self, from: usize, seq: u64) {
        let stranger = self.nodes.get(from).is_some_and(|n| !n.kin && seq > n.ask_seq);
        if stranger && matches!(self.resources.standby, StandbyState::Me | StandbyState::Other) {
            self.cancel_standby();
            self.ask_for_claims();
        }
    }

    /// It is alive: what it said while this node slept still holds.
    pub(super) fn burier_heard(&mut self, from: usize) {
        if self.pause.unsure && !self.pause.looking && self.double.buried {
            self.yield_to_burier(from);
        }
    }

    fn yield_to_burier(&mut self, from: usize) {
        self.pause.unsure = false;
        let node = self.name_of(from);
        self.note(Note::DoubleYield { node, set: Hold::All.word().to_owned(), reason: Reason::Buried });
        self.double.left_to_peer = Hold::All;
        self.run_when_idle(Job::Standby { verb: Verb::Give, set: Hold::All });
    }

    /// It gives up everything when it sees that this node lives, and begins anew; or it has crashed since.
    /// Then nobody holds this node's groups.
    pub(super) fn burier_restarted(&mut self) {
        if std::mem::take(&mut self.double.buried) && !self.nice() {
            self.resources.wants_local = true;
        }
    }
}
