//! Groups that nobody holds, or both: the complaint (section 8.9), and the claim of what lies about.

use super::negotiation::State;
use super::{Engine, Hold, Job, Note, Verb};
use std::time::Duration;

/// Groups that nobody claims for so long in calm are taken by their own node.
const CLAIM_AFTER: Duration = Duration::from_secs(3);
/// So much longer their own node has to claim them: 3.0.6 never does.
const CLAIM_FOREIGN_AFTER: Duration = Duration::from_secs(15);

impl Engine {
    /// Says what is wrong with the distribution of groups (8.9), and has those claimed that nobody holds.
    pub(super) fn audit(&mut self) {
        if !self.nice() {
            return;
        }
        let (mine, theirs) = (self.resources.i_hold, self.resources.other_holds);
        let has = |hold: Hold, part| hold.includes(part);
        self.complain_of_double();
        let calm =
            self.resources_stable() && self.resources.state == State::Stable && !self.is_shutting_down();
        let orphaned = calm && !has(mine, Hold::Local) && !has(theirs, Hold::Foreign);
        if !orphaned {
            self.resources.claim_at = None;
        } else if self.resources.claim_at.is_none() {
            self.note_rarely("nobody local", Note::NobodyOwnsLocal);
            self.resources.claim_at = Some(self.now.mono + CLAIM_AFTER);
        }
        if !(calm && !has(mine, Hold::Foreign) && !has(theirs, Hold::Local)) {
            self.resources.claim_foreign_at = None;
        } else if self.resources.claim_foreign_at.is_none() {
            self.note_rarely("nobody foreign", Note::NobodyOwnsForeign);
            self.resources.claim_foreign_at = Some(self.now.mono + CLAIM_FOREIGN_AFTER);
        }
    }

    pub(super) fn claim_unowned(&mut self) {
        if self.resources.claim_at.take().is_some() {
            self.note(Note::ClaimUnowned);
            self.acquire_local(false);
        }
    }

    pub(super) fn claim_foreign(&mut self) {
        if self.resources.claim_foreign_at.take().is_some() {
            self.note(Note::ClaimForeign);
            self.resources.i_hold = self.resources.i_hold.with(Hold::Foreign);
            self.send_held(true, None);
            self.run_taking(Job::Standby { verb: Verb::Take, set: Hold::Foreign });
        }
    }
}
