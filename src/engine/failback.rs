//! Automatic failback (section 8.4): a peer is offered its own groups back.

use super::negotiation::State;
use super::standby::StandbyState;
use super::{Engine, Failback, Hold, Verb};
use crate::wire::Message;
use std::time::Duration;

/// Failback waits for calm in steps of this.
const FAILBACK_RETRY: Duration = Duration::from_secs(1);
/// What was refused is offered again after this.
const REFUSED_RETRY: Duration = Duration::from_secs(60);

impl Engine {
    /// Offers the peer its own groups back, when all is calm (8.4).
    pub(super) fn check_failback(&mut self) {
        self.resources.failback_retry = None;
        let wanted = (self.settings.failback == Failback::On || self.may_restore())
            && !self.is_shutting_down()
            && self.resources.i_hold.includes(Hold::Foreign)
            && self.resources.needs_failback;
        if !wanted {
            self.resources.needs_failback = false;
            return;
        }
        // What is on its way out is not there to be offered.
        let settled = !self.pause.unsure && self.held_twice() == Hold::None && !self.jobs.moving(Verb::Give);
        let r = &mut self.resources;
        if r.standby != StandbyState::Not || !r.other_stable || r.state != State::Stable || !settled {
            r.failback_retry = Some(self.now.mono + FAILBACK_RETRY);
            return;
        }
        r.standby_set = Hold::Foreign;
        r.needs_failback = false;
        self.restored();
        self.send(Message::of("ask_resources").with("rsc_hold", "foreign").with("info", "me"));
    }

    /// A node that has come back and cannot take its groups yet is offered them again.
    pub(super) fn offer_again(&mut self, set: Hold) {
        if self.settings.failback == Failback::On && set == Hold::Foreign {
            self.resources.needs_failback = true;
            self.resources.failback_retry = Some(self.now.mono + REFUSED_RETRY);
        }
    }

    /// A peer that held nothing of its own meanwhile may be ready for it.
    pub(super) fn check_failback_soon(&mut self) {
        self.resources.failback_retry = Some(self.now.mono + FAILBACK_RETRY);
    }
}
