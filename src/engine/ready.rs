//! Who is offered groups looks whether it can take them before the other lets go: what is found out only
//! afterwards costs the time in which nobody serves.
//!
//! Between two of ours only. A C daemon is answered at once, as by one of its own. What cannot be taken is refused
//! with a word that a C daemon never gets; who offered keeps it, and stays in service.

use super::standby::StandbyState;
use super::{Engine, Hold, JobId, Note};
use std::time::Duration;

/// For so long the answer may wait. A look that takes longer waits for something that may never come; the offer
/// itself is forgotten after ten seconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// `info` of the answer of one that cannot take.
pub(super) const REFUSAL: &str = "unable";

/// An offer that is not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Preparing {
    look: JobId,
    pub(super) until: Duration,
}

impl Engine {
    /// The peer offers `set`, as it calls it.
    pub(super) fn answer_when_ready(&mut self, from: usize, set: Hold) {
        let kin = self.nodes.get(from).is_some_and(|node| node.kin);
        let look = if kin { self.look_ahead(set.mirror()) } else { None };
        self.resources.preparing = look.map(|look| Preparing { look, until: self.now.mono + PATIENCE });
        if look.is_none() {
            self.ask(set, "other");
        }
    }

    /// A look is over.
    pub(super) fn prepared(&mut self, look: JobId, well: bool) {
        if self.resources.preparing.is_some_and(|preparing| preparing.look == look) {
            match well {
                true => self.accept(),
                false => self.refuse(),
            }
        }
    }

    /// What cannot be looked at in time may be taken all the same.
    pub(super) fn answer_unprepared(&mut self) {
        if self.resources.preparing.is_some_and(|preparing| self.now.mono >= preparing.until) {
            self.accept();
        }
    }

    fn accept(&mut self) {
        self.resources.preparing = None;
        if self.resources.standby == StandbyState::Other {
            self.ask(self.resources.standby_set, "other");
        }
    }

    fn refuse(&mut self) {
        self.resources.preparing = None;
        if self.resources.standby == StandbyState::Other {
            self.ask(self.resources.standby_set, REFUSAL);
        }
    }

    /// This node said that it cannot take.
    pub(super) fn declined(&mut self, set: Hold) {
        self.note(Note::StandbyUnable(set.mirror().word().to_owned()));
        self.offer_is_off();
    }

    /// The peer cannot take what it was offered.
    pub(super) fn offer_refused(&mut self, from: usize, set: Hold) {
        let node = self.name_of(from);
        self.note(Note::StandbyRefused { node, set: set.word().to_owned() });
        self.offer_is_off();
        self.offer_again(set);
    }

    fn offer_is_off(&mut self) {
        self.stand_by_no_more();
        self.resources.other_stable = true;
        self.audit();
    }
}
