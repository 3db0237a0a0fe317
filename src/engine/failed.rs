//! Groups of which one did not start here: the resource scripts give it up, and have the peer asked half a minute later
//! to take over, always the foreign ones. Where nobody takes what failed (the peer refused, or there is none, or it was a
//! local group) nobody serves it. Its node tries again, and what fails again is offered again; more and more slowly, and
//! sooner where a peer has come.
//!
//! What is tried is what this node holds, and no other node may take meanwhile.

use super::negotiation::State;
use super::{Engine, Hold, Job, Note, Verb};
use crate::wire::Message;
use std::time::Duration;

/// The field of an offer that comes from such a failure; a C daemon does not know it.
pub const CAUSE: (&str, &str) = ("cause", "failure");

/// From the first offer to the next try.
const PAUSE: Duration = Duration::from_secs(60);
/// The same after many.
const LONGEST: Duration = Duration::from_secs(16 * 60);
/// A try waits for calm in steps of this.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Failed {
    /// When to try again what was not taken.
    pub(super) again_at: Option<Duration>,
    /// How long that took to come, and when it came.
    last: Option<(Duration, Duration)>,
    /// The life of the peer that was there: it has had its chance.
    beside: Option<u64>,
}

impl Failed {
    /// `before`: an earlier life of this process had something to try again.
    pub(super) fn new(before: bool, now: Duration) -> Self {
        Self { again_at: before.then(|| now + PAUSE), ..Self::default() }
    }
}

impl Engine {
    /// A word from this machine that it wants to give, at the door: an offer that leads nowhere tells of a failure all
    /// the same.
    pub(super) fn note_cause(&mut self, offer: &Message) {
        if !is_of_failure(offer) || !self.nice() || !self.settings.manages {
            return;
        }
        // Groups that fail together say so one after the other. Only what fails in a try makes the next one later.
        if self.failed.again_at.is_some() {
            return;
        }
        let now = self.now.mono;
        let again = self.failed.last.filter(|(_, at)| now < *at + LONGEST);
        let pause = again.map_or(PAUSE, |(pause, _)| (2 * pause).min(LONGEST));
        self.failed.last = Some((pause, now + pause));
        self.failed.again_at = Some(now + pause);
        self.failed.beside = self.life_of_peer();
    }

    /// The peer is about to take what was given; what is still here may be what failed.
    pub(super) fn failure_may_be_gone(&mut self) {
        if self.resources.i_hold == Hold::None {
            self.failed = Failed::default();
        }
    }

    /// A peer is stable. One that has come meanwhile may be able to take what fails here.
    pub(super) fn failure_may_be_taken(&mut self) {
        let peer = self.life_of_peer();
        if std::mem::replace(&mut self.failed.beside, peer) == peer {
            return;
        }
        if let Some(at) = self.failed.again_at {
            self.failed.again_at = Some(at.min(self.now.mono + PAUSE));
            self.failed.last = None;
        }
    }

    /// Who comes back after this has come, be it the same life.
    pub(super) fn nobody_is_beside(&mut self) {
        self.failed.beside = None;
    }

    fn life_of_peer(&self) -> Option<u64> {
        self.other_nodes().find(|node| node.status == "active").map(|node| node.generation)
    }

    pub(super) fn failed_tick(&mut self) {
        if self.failed.again_at.is_none_or(|at| self.now.mono < at) || self.is_shutting_down() {
            return;
        }
        // After a pause of this node the peer may hold what it held; not one that is dead.
        let unsure = self.pause.unsure && self.other_nodes().any(|node| !node.is_dead());
        let calm = self.resources_stable() && self.resources.state == State::Stable && !unsure;
        if !calm || self.held_twice() != Hold::None {
            self.failed.again_at = Some(self.now.mono + RETRY);
            return;
        }
        let set = self.resources.i_hold;
        if set == Hold::None {
            self.failed = Failed::default();
            return;
        }
        self.failed.again_at = None;
        self.note(Note::TryAgain(set.word().to_owned()));
        self.run_taking(Job::Standby { verb: Verb::Take, set });
    }
}

fn is_of_failure(offer: &Message) -> bool {
    let (name, value) = CAUSE;
    let request = offer.kind() == Some("ask_resources") && offer.text("info") == Some("me");
    request && offer.text(name) == Some(value)
}
