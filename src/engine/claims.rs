//! Claims: what each node says it holds.
//!
//! One of ours says it in each status (`holds=`, a field that C daemons ignore), so that a lost message is made good by
//! the next heartbeat. A C daemon says it in `resource` messages only, when it thinks that it should; when it
//! matters it is asked (`starting`). What follows from claims is in `double`.

use super::negotiation::State;
use super::node::Node;
use super::standby::StandbyState;
use super::{Engine, Hold, Verb};
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
/// One that was asked so often in vain has nothing to tell: it runs without resources, or by the old protocol.
const MOST_ASKED: u32 = 10;
/// After an old word was sent again; all that are sent again until then are answered by one. (Who asks without end,
/// as 2.1.x does, would have each new word sent again, too.)
const OUTDO_AFTER: Duration = Duration::from_millis(500);
/// No network keeps a datagram for longer and brings it then.
const ARRIVED_AFTER: Duration = Duration::from_secs(1);
/// A C daemon that is taken for unsettled so long is asked, and again after as long: its last word was lost, or
/// overtaken by an older one. Its own patience at a start is 10 s.
const SETTLES_WITHIN: Duration = Duration::from_secs(15);

#[derive(Default)]
pub(super) struct Claims {
    /// The peer insists on nothing: it was asleep.
    pub(super) peer_unsure: bool,
    /// When to ask a C daemon for its claims.
    ask_at: Option<Duration>,
    /// When to say once more what is held, because an old word of it was sent again.
    outdo_at: Option<Duration>,
    /// Since when a C daemon has been taken for unsettled, or when it was asked because of that.
    unsettled_since: Option<Duration>,
    /// So often it was asked in vain; then `ask_at` is for the next time.
    asked: u32,
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

    /// What is on its way out counts as held (nobody else may take it yet), but this node does not insist on it.
    pub(super) fn insisted_on(&self) -> Hold {
        self.resources.i_hold.without(self.jobs.releasing())
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
        self.claims.peer_unsure = more.contains(&UNSURE);
        let settled = !more.contains(&MOVING) && !self.claims.peer_unsure;
        if settled {
            self.peer_hands_nothing();
        }
        self.claim_heard();
        if settled {
            self.begin_beside_kin(!more.contains(&STARTING));
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
        (self.claims.ask_at, self.claims.asked) = (None, 0);
        if !self.pause.looking {
            self.settle_double();
        }
    }

    /// A node that was given up for dead is there again: it may hold anything by now.
    pub(super) fn expect_claims(&mut self) {
        if !self.settings.manages {
            return;
        }
        self.claims.asked = 0;
        self.send_held_as_is();
        self.ask_for_claims();
        if self.other_nodes().any(|n| n.kin) {
            self.check_failback_soon();
        }
    }

    /// A node has become active. A C daemon may have kept what it held in an earlier life, and have said so
    /// behind a broken cable.
    pub(super) fn expect_word_of(&mut self, at: usize) {
        let stranger = self.nodes.get(at).is_some_and(Node::is_active_stranger);
        if stranger && self.nice() && self.settings.manages && self.claims.ask_at.is_none() {
            self.claims.asked = 0;
            self.claims.ask_at = Some(self.now.mono + TELLS_WITHIN);
        }
    }

    /// Those of ours tell by themselves.
    pub(super) fn ask_for_claims(&mut self) {
        if self.nice() && self.settings.manages {
            let now = self.now.mono;
            self.claims.ask_at = Some(self.claims.ask_at.filter(|_| self.claims.asked > 0).unwrap_or(now));
        }
    }

    pub(super) fn claims_deadline(&self) -> Option<Duration> {
        let unsettled = self.claims.unsettled_since.map(|since| since + SETTLES_WITHIN);
        [self.claims.ask_at, self.claims.outdo_at, unsettled].into_iter().flatten().min()
    }

    /// After each input: whether a C daemon keeps this node waiting, although nothing moves here.
    pub(super) fn watch_unsettled(&mut self) {
        let r = &self.resources;
        let waits = self.nice()
            && self.settings.manages
            && self.startup.is_up()
            && !r.other_stable
            && r.standby == StandbyState::Not
            && !self.is_shutting_down()
            && self.jobs.idle()
            && self.other_nodes().any(Node::is_active_stranger);
        let now = self.now.mono;
        self.claims.unsettled_since = waits.then(|| self.claims.unsettled_since.unwrap_or(now));
    }

    fn ask_the_unsettled(&mut self) {
        let now = self.now.mono;
        if self.claims.unsettled_since.is_some_and(|since| now >= since + SETTLES_WITHIN) {
            self.claims.unsettled_since = Some(now);
            self.ask_stranger();
        }
    }

    fn ask_stranger(&mut self) {
        self.send(Message::of("starting"));
        // It takes us for unsettled now, and must not go on to.
        self.send_held_as_is();
    }

    pub(super) fn claims_tick(&mut self) {
        self.outdo_tick();
        self.ask_the_unsettled();
        if self.claims.ask_at.is_none_or(|at| self.now.mono < at) {
            return;
        }
        self.claims.ask_at = None;
        if self.claims.asked >= MOST_ASKED {
            self.pause.unsure = false;
            return;
        }
        let stranger = self.other_nodes().any(Node::is_active_stranger);
        if !stranger || !self.startup.is_up() || self.is_shutting_down() {
            return;
        }
        self.claims.asked += 1;
        self.claims.ask_at = Some(self.now.mono + ASK_AGAIN.max(self.settings.keepalive.saturating_mul(2)));
        self.ask_stranger();
    }

    /// A C daemon takes what comes last for the newest, also when it is an old word sent again.
    pub(super) fn outdo_old_news(&mut self, peer: usize) {
        let stranger = self.nodes.get(peer).is_some_and(Node::is_active_stranger);
        if stranger && self.settings.manages && self.startup.is_up() {
            self.claims.outdo_at.get_or_insert(self.now.mono + OUTDO_AFTER);
        }
    }

    /// Nor does it notice when one word overtakes the other on its way. What was said last is said once more when
    /// nothing can be on its way any more.
    pub(super) fn outdo_on_its_way(&mut self) {
        let stranger = self.other_nodes().any(Node::is_active_stranger);
        if stranger && self.settings.manages && self.startup.is_up() {
            self.claims.outdo_at = Some(self.now.mono + ARRIVED_AFTER);
        }
    }

    fn outdo_tick(&mut self) {
        if self.claims.outdo_at.is_some_and(|at| self.now.mono >= at) {
            self.claims.outdo_at = None;
            // A hand-over ends with such a word anyway.
            if self.resources.standby == StandbyState::Not && !self.is_shutting_down() {
                self.send_held_as_is();
                self.claims.outdo_at = None;
            }
        }
    }
}
