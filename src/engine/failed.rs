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
}

impl Engine {
    /// This node's own word that it wants to give.
    pub(super) fn note_cause(&mut self, offer: &Message) {
        let (name, value) = CAUSE;
        if offer.text(name) != Some(value) || !self.settings.manages {
            return;
        }
        let now = self.now.mono;
        let again = self.failed.last.filter(|(_, at)| now < *at + LONGEST);
        let pause = again.map_or(PAUSE, |(pause, _)| (2 * pause).min(LONGEST));
        self.failed.last = Some((pause, now + pause));
        self.failed.again_at = Some(now + pause);
    }

    /// The peer is about to take what was given; what is still here may be what failed.
    pub(super) fn failure_may_be_gone(&mut self) {
        if self.resources.i_hold == Hold::None {
            self.failed = Failed::default();
        }
    }

    /// A peer has come, and may be able to take what fails here.
    pub(super) fn failure_may_be_taken(&mut self) {
        if let Some(at) = self.failed.again_at {
            self.failed = Failed { again_at: Some(at.min(self.now.mono + PAUSE)), last: None };
        }
    }

    pub(super) fn failed_tick(&mut self) {
        if self.failed.again_at.is_none_or(|at| self.now.mono < at) || self.is_shutting_down() {
            return;
        }
        let calm = self.resources_stable() && self.resources.state == State::Stable && !self.pause.unsure;
        if !calm || self.held_twice() != Hold::None {
            self.failed.again_at = Some(self.now.mono + RETRY);
            return;
        }
        self.failed.again_at = None;
        let set = self.resources.i_hold;
        if set != Hold::None {
            self.note(Note::TryAgain(set.word().to_owned()));
            self.run_taking(Job::Standby { verb: Verb::Take, set });
        }
    }
}
