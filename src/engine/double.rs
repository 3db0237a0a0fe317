//! Two owners: both nodes say that they hold the same groups, after a false death, a healed partition or a
//! pause. Exactly one keeps them.
//!
//! The reference logs it and leaves it so, or restarts both nodes. Here it ends as soon as one hears the
//! other's word:
//!
//! * Between two of ours each status tells what its node holds (`holds=`, a field that C daemons ignore).
//!   The groups stay on the node that haresources names; the other lets go. A node that was asleep yields to
//!   one that was awake. One that is at home but is not heard yields in the end: the other cannot know.
//! * A C daemon does not let go on a word of ours, it restarts or keeps everything. So we let go of
//!   all that it claims, and ask it for its claims (`starting`) when it does not tell by itself.
//! * In legacy mode nobody says what it holds. Who returns makes both restart (see `shutdown`); who hears that
//!   it was declared dead lets go at once.
//!
//! Nothing follows from an old word: only from one that came just now, and is the newest of its sender.

use super::negotiation::State;
use super::standby::StandbyState;
use super::{Engine, Failback, Hold, Job, Note, Reason, Verb};
use crate::wire::Message;
use std::time::Duration;

/// Behind the holdings in a status: this node was asleep and does not insist.
const UNSURE: &str = "unsure";
/// Behind them: they are about to change, by a hand-over or because the node has just started.
const MOVING: &str = "moving";
/// Behind them: this node waits to hear what it may take.
const STARTING: &str = "starting";
/// How often a C daemon is asked at most.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// A C daemon that has become active tells within this what it holds. If not, its word was lost.
const TELLS_WITHIN: Duration = Duration::from_secs(2);
/// A C daemon that was split off begins anew and is back within this and two dead times.
const BACK_WITHIN: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Double {
    /// What this node keeps and the peer is to let go of, and since when.
    kept: Option<(Hold, Duration)>,
    /// What the peer has promised to let go of; its scripts may take their time.
    promised: Hold,
    /// What a C daemon keeps, and does not announce again.
    left_to_stranger: Hold,
    /// The peer insists on nothing: it was asleep.
    peer_unsure: bool,
    /// When to ask a C daemon for its claims.
    ask_at: Option<Duration>,
    /// It was asked, and `ask_at` is for the next time.
    asked: bool,
    /// Legacy mode: this node was declared dead and let go of everything.
    buried: bool,
    /// A C daemon split off; when it is back it gets its groups, as after a restart of both.
    restore_until: Option<Duration>,
}

impl Engine {
    /// The value of `holds` in this node's status. None where peers must not rely on it.
    pub(super) fn claim(&self) -> Option<String> {
        if !self.nice() || !self.settings.manages {
            return None;
        }
        let mut words = vec![self.insisted_on().word()];
        words.extend(self.pause.unsure.then_some(UNSURE));
        words.extend(self.is_moving().then_some(MOVING));
        words.extend((self.resources.state < State::Stable).then_some(STARTING));
        Some(words.join(" "))
    }

    /// In the middle of a hand-over, of a release or an acquisition, or before the decision what to take.
    fn is_moving(&self) -> bool {
        let r = &self.resources;
        let scripts = self.jobs.moving(Verb::Give) || self.jobs.moving(Verb::Take) || r.takeover_in_progress;
        r.standby != StandbyState::Not || r.state == State::Init || scripts || self.is_shutting_down()
    }

    /// A status of a peer: one of ours tells what it holds.
    pub(super) fn read_claim(&mut self, from: usize, message: &Message) {
        let (seq, manages) = (message.hex("seq").unwrap_or(0), self.settings.manages);
        let Some(node) = self.nodes.get_mut(from) else { return };
        let Some(claim) = message.text("holds") else {
            node.kin = false;
            return self.stranger_heard(from);
        };
        node.kin = true;
        let mut words = claim.split(' ');
        let hold = words.next().and_then(Hold::parse);
        let more: Vec<&str> = words.collect();
        let fresh = seq > node.claim_seq.max(node.state_seq).max(node.ask_seq);
        let Some(hold) = hold.filter(|_| fresh && node.status == "active" && manages) else {
            return;
        };
        node.claim_seq = seq;
        if !more.contains(&MOVING) {
            node.ask_seq = seq;
        }
        // What is still on its way out there is not free for a node that has yet to begin.
        let waits = more.contains(&MOVING) && self.resources.state < State::Stable;
        self.resources.other_holds = if waits { self.resources.other_holds.with(hold) } else { hold };
        self.double.peer_unsure = more.contains(&UNSURE);
        let settled = !more.contains(&MOVING) && !self.double.peer_unsure;
        if settled {
            self.peer_hands_nothing();
        }
        self.claim_heard();
        if settled {
            self.begin_beside_kin();
        }
        if settled && !more.contains(&STARTING) {
            self.kin_is_stable();
        }
    }

    /// The same as `isstable=1` in a `resource` message, which may not have come, or before it counted.
    fn kin_is_stable(&mut self) {
        if self.resources.standby == StandbyState::Not && !self.resources.other_stable && self.startup.is_up()
        {
            self.peer_is_stable();
        }
    }

    /// A C daemon is alive; what it holds it said before, if at all.
    fn stranger_heard(&mut self, from: usize) {
        self.burier_heard(from);
        if self.pause.unsure && self.held_twice() != Hold::None {
            self.claim_heard();
        }
    }

    /// The peer just said what it holds.
    pub(super) fn claim_heard(&mut self) {
        (self.double.ask_at, self.double.asked) = (None, false);
        if !self.pause.looking {
            self.settle_double();
        }
    }

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
        (self.double.kept, self.double.promised) = (None, Hold::None);
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

    /// What is on its way out counts as held (nobody else may take it yet), but this node does not insist on it.
    fn insisted_on(&self) -> Hold {
        self.resources.i_hold.without(self.jobs.releasing())
    }

    /// Which part of it this node loses.
    fn judge(&self, double: Hold, asleep: bool) -> (Hold, Reason) {
        let Some(peer) = self.other_nodes().next() else { return (Hold::None, Reason::Home) };
        if !peer.kin {
            return (double, Reason::Stranger);
        }
        match (asleep, self.double.peer_unsure) {
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
        if reason == Reason::Stranger {
            self.double.left_to_stranger = set;
        }
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
            self.double.promised = set;
            self.run_beside(Job::Announce { set, for_peer: false });
        }
    }

    /// The peer is at rest again: what it released answers to nobody any more.
    pub(super) fn peer_is_at_rest(&mut self) {
        let set = std::mem::take(&mut self.double.promised);
        if set != Hold::None && self.resources.i_hold.includes(set) {
            self.run_beside(Job::Announce { set, for_peer: false });
        }
    }

    /// What was let go of is released.
    pub(super) fn released_double(&mut self) {
        let set = std::mem::take(&mut self.double.left_to_stranger);
        if set != Hold::None {
            self.run_beside(Job::Announce { set, for_peer: true });
        }
    }

    fn peer_name(&self) -> String {
        self.other_nodes().next().map(|n| n.name.clone()).unwrap_or_default()
    }

    /// A node that was given up for dead is there again: it may hold anything by now.
    pub(super) fn expect_claims(&mut self) {
        self.send_held_as_is();
        self.ask_for_claims();
        if self.other_nodes().any(|n| n.kin) {
            self.check_failback_soon();
        }
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

    /// A node has become active. A C daemon may have kept what it held in an earlier life, and have said so
    /// behind a broken cable.
    pub(super) fn expect_word_of(&mut self, at: usize) {
        let stranger = self.nodes.get(at).is_some_and(|n| !n.kin && n.is_normal());
        if stranger && self.nice() && self.settings.manages && self.double.ask_at.is_none() {
            self.double.ask_at = Some(self.now.mono + TELLS_WITHIN);
        }
    }

    /// Those of ours tell by themselves.
    pub(super) fn ask_for_claims(&mut self) {
        if self.nice() && self.settings.manages {
            let now = self.now.mono;
            self.double.ask_at = Some(self.double.ask_at.filter(|_| self.double.asked).unwrap_or(now));
        }
    }

    pub(super) fn double_deadline(&self) -> Option<Duration> {
        self.double.ask_at
    }

    pub(super) fn double_tick(&mut self) {
        if self.double.ask_at.is_none_or(|at| self.now.mono < at) {
            return;
        }
        (self.double.ask_at, self.double.asked) = (None, false);
        let stranger = self.other_nodes().any(|n| !n.kin && n.status == "active");
        if !stranger || !self.startup.is_up() || self.is_shutting_down() {
            return;
        }
        self.double.asked = true;
        self.double.ask_at = Some(self.now.mono + ASK_AGAIN.max(self.settings.keepalive.saturating_mul(2)));
        self.send(Message::of("starting"));
        // It takes us for unsettled now, and must not go on to.
        self.send_held_as_is();
    }

    /// A C daemon takes what comes last for the newest, also when it is an old word sent again.
    pub(super) fn outdo_old_news(&mut self, peer: usize) {
        let stranger = self.nodes.get(peer).is_some_and(|n| !n.kin && n.status == "active");
        if stranger
            && self.settings.manages
            && self.resources.standby == StandbyState::Not
            && self.startup.is_up()
        {
            self.send_held_as_is();
        }
    }

    /// Legacy mode: a peer that declares this node dead takes everything.
    pub(super) fn on_stonith(&mut self, from: usize, message: &Message) {
        let word = (message.text("node"), message.text("result"));
        // After a reset that failed nothing is taken, and what runs here runs nowhere else.
        let me = word.0 == Some(&self.settings.me) && matches!(word.1, Some("n_stnth" | "OK"));
        let (seq, settled) =
            (message.hex("seq").unwrap_or(0), self.startup.is_up() && !self.is_shutting_down());
        let fresh = |n: &&super::node::Node| n.status == "active" && seq > n.last_status_seq;
        if from != self.me && word.0 == Some(&self.settings.me) && settled && self.nice() {
            return self.offer_forgotten(from, seq);
        }
        if from == self.me
            || !me
            || self.nice()
            || !settled
            || !self.nodes.get(from).as_ref().is_some_and(fresh)
        {
            return;
        }
        self.double.buried = true;
        if !self.pause.looking {
            self.yield_to_burier(from);
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
    fn burier_heard(&mut self, from: usize) {
        if self.pause.unsure && !self.pause.looking && self.double.buried {
            self.yield_to_burier(from);
        }
    }

    fn yield_to_burier(&mut self, from: usize) {
        self.pause.unsure = false;
        let node = self.name_of(from);
        self.note(Note::DoubleYield { node, set: Hold::All.word().to_owned(), reason: Reason::Buried });
        self.double.left_to_stranger = Hold::All;
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
