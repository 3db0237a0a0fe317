//! Two owners: both nodes say that they hold the same groups, after a false death, a healed partition or a
//! pause. Exactly one keeps them.
//!
//! The reference logs it and leaves it so, or restarts both nodes. Here it ends as soon as one hears the
//! other's word:
//!
//! * Between two of ours (see `claims`) the groups stay on the node that haresources names; the other lets go. A
//!   node that was asleep yields to one that was awake. One that is at home but is not heard yields in the end:
//!   the other cannot know.
//! * A C daemon does not let go on a word of ours, it restarts or keeps everything. So we let go of
//!   all that it claims, and ask it for its claims (`starting`) when it does not tell by itself.
//! * In legacy mode nobody says what it holds. Who returns makes both restart (see `shutdown`); who hears that
//!   it was declared dead lets go at once (`buried`).
//!
//! Nothing follows from an old word: only from one that came just now, and is the newest of its sender.

use super::standby::StandbyState;
use super::{Engine, Failback, Hold, Job, Note, Reason, Verb};
use std::time::Duration;

/// A C daemon that was split off begins anew and is back within this and two dead times.
const BACK_WITHIN: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Double {
    /// What this node keeps and the peer is to let go of, and since when.
    kept: Option<(Hold, Duration)>,
    /// What the peer keeps. A C daemon does not announce it again; one of ours did so before slow scripts here were
    /// done.
    pub(super) left_to_peer: Hold,
    /// Legacy mode: this node was declared dead and let go of everything.
    pub(super) buried: bool,
    /// A C daemon split off; when it is back it gets its groups, as after a restart of both.
    restore_until: Option<Duration>,
}

impl Engine {
    /// Says what is wrong, as the reference does.
    pub(super) fn complain_of_double(&mut self) {
        let double = self.held_twice();
        if double.includes(Hold::Local) {
            self.note_rarely("both own", Note::BothOwn);
        }
        if double.includes(Hold::Foreign) {
            self.note_rarely("both own foreign", Note::BothOwnForeign);
        }
        if double != Hold::None && self.may_settle() && self.other_nodes().any(|n| !n.kin) {
            self.ask_for_claims();
        }
    }

    /// A peer is dead: what it held is taken.
    pub(super) fn nothing_is_double(&mut self) {
        self.double.kept = None;
        self.double.buried = false;
        self.pause.unsure = false;
    }

    /// Compares holdings, and lets go of what is the peer's.
    pub(super) fn settle_double(&mut self) {
        if self.resources.offered && self.held_twice() != Hold::None {
            // An offer of what both hold leads nowhere.
            self.cancel_standby();
        }
        if self.waits_in_vain() {
            self.cancel_standby();
        }
        if !self.may_settle() {
            return;
        }
        let asleep = std::mem::take(&mut self.pause.unsure);
        let double = self.held_twice();
        if double == Hold::None {
            return self.peer_let_go();
        }
        self.complain_of_double();
        let (lost, reason) = self.judge(double, asleep);
        let kept = double.without(lost);
        if lost != Hold::None {
            self.let_go(lost, reason);
        }
        self.keep(kept, if lost == Hold::None { reason } else { Reason::Home });
    }

    /// This node gave groups and waits for the taker, a C daemon, to be done; but that one says that it holds what
    /// nobody gave it: it knows of no hand-over.
    fn waits_in_vain(&self) -> bool {
        let waits = self.resources.standby == StandbyState::Done
            && !self.jobs.moving(Verb::Take)
            && !self.jobs.moving(Verb::Give);
        waits && self.held_twice() != Hold::None && self.other_nodes().any(|n| !n.kin)
    }

    /// Not in the middle of a hand-over: then a group changes hands, and words cross.
    fn may_settle(&self) -> bool {
        let r = &self.resources;
        let handing = r.standby != StandbyState::Not || r.standby_deadline.is_some();
        let peer = self.other_nodes().any(|n| n.status == "active");
        self.nice()
            && self.settings.manages
            && self.startup.is_up()
            && !self.is_shutting_down()
            && !handing
            && peer
    }

    /// What both nodes hold, seen from here.
    pub(super) fn held_twice(&self) -> Hold {
        let (mine, theirs) = (self.insisted_on(), self.resources.other_holds.mirror());
        mine.without(mine.without(theirs))
    }

    /// Which part of it this node loses.
    fn judge(&self, double: Hold, asleep: bool) -> (Hold, Reason) {
        let Some(peer) = self.other_nodes().next() else { return (Hold::None, Reason::Home) };
        if !peer.kin {
            return (double, Reason::Stranger);
        }
        match (asleep, self.claims.peer_unsure) {
            (true, false) => return (double, Reason::Awake),
            (false, true) => return (Hold::None, Reason::Awake),
            _ => {}
        }
        let patience = peer.dead_time.saturating_mul(2).max(self.settings.keepalive.saturating_mul(4));
        match self.double.kept {
            Some((kept, since)) if double.includes(kept) && self.now.mono >= since + patience => {
                (double, Reason::Unheard)
            }
            _ => (double.without(Hold::Local), Reason::Home),
        }
    }

    fn let_go(&mut self, set: Hold, reason: Reason) {
        let node = self.peer_name();
        self.note(Note::DoubleYield { node, set: set.word().to_owned(), reason });
        self.resources.i_hold = self.resources.i_hold.without(set);
        self.double.left_to_peer = self.double.left_to_peer.with(set);
        self.send_held(false, Some("double"));
        self.run_when_idle(Job::Standby { verb: Verb::Give, set });
    }

    fn keep(&mut self, set: Hold, reason: Reason) {
        if set == Hold::None {
            self.double.kept = None;
        } else if self.double.kept.is_none_or(|(kept, _)| kept != set) {
            self.double.kept = Some((set, self.now.mono));
            let node = self.peer_name();
            self.note(Note::DoubleKeep { node, set: set.word().to_owned(), reason });
        }
    }

    /// The neighbourhood may have the peer's hardware address in mind.
    fn peer_let_go(&mut self) {
        let Some((set, _)) = self.double.kept.take() else { return };
        if self.resources.i_hold.includes(set) {
            let node = self.peer_name();
            self.note(Note::DoubleOver { node, set: set.word().to_owned() });
            self.announce_again(set, false);
            // its scripts may take their time
            self.doubt_whereabouts();
        }
    }

    /// What was let go of is released.
    pub(super) fn released_double(&mut self) {
        let set = std::mem::take(&mut self.double.left_to_peer);
        if set != Hold::None {
            self.announce_again(set, true);
        }
    }

    fn peer_name(&self) -> String {
        self.other_nodes().next().map(|n| n.name.clone()).unwrap_or_default()
    }

    /// After a partition a C daemon gives up everything and begins anew.
    pub(super) fn expect_restart(&mut self, at: usize) {
        let Some(peer) = self.nodes.get(at).filter(|n| !n.kin) else { return };
        if self.settings.failback == Failback::Off {
            self.double.restore_until = Some(self.now.mono + peer.dead_time.saturating_mul(2) + BACK_WITHIN);
        }
    }

    /// Two C daemons would both begin anew, and each would end with its own groups. So does ours beside one.
    pub(super) fn may_restore(&self) -> bool {
        self.double.restore_until.is_some_and(|until| self.now.mono < until)
    }

    /// The groups were offered.
    pub(super) fn restored(&mut self) {
        self.double.restore_until = None;
    }
}
