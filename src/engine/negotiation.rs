//! Who holds what: `starting`, `resource`, announcement (sections 8.2 and 8.3).

use super::ready::Preparing;
use super::standby::StandbyState;
use super::{Engine, Failback, Hold, Note, Verb};
use crate::wire::Message;
use std::collections::BTreeSet;
use std::time::Duration;

/// After the first `resource` message own groups are taken if nobody became stable by then.
const TAKE_LOCAL_AFTER: Duration = Duration::from_secs(10);

/// How far the negotiation has come; the numbers are those of the reference's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Init = 0,
    Starting = 1,
    BothStarting = 2,
    ResourceReceived = 3,
    Stable = 4,
    Shutdown = 5,
}

/// The variables of 8.2.
pub(super) struct Resources {
    pub(super) state: State,
    pub(super) i_hold: Hold,
    pub(super) other_holds: Hold,
    pub(super) other_stable: bool,
    pub(super) takeover_in_progress: bool,
    pub(super) standby: StandbyState,
    pub(super) standby_deadline: Option<Duration>,
    pub(super) standby_set: Hold,
    /// This node's offer was not answered yet: nothing moves.
    pub(super) offered: bool,
    /// The peer's offer is answered when this node knows that it can take.
    pub(super) preparing: Option<Preparing>,
    pub(super) needs_failback: bool,
    pub(super) failback_retry: Option<Duration>,
    local_done: bool,
    foreign_done: bool,
    announced: bool,
    take_local_at: Option<Duration>,
    /// Set once: the 10 s timer runs once in a life.
    take_local_armed: bool,
    pub(super) claim_at: Option<Duration>,
    pub(super) claim_foreign_at: Option<Duration>,
    /// Legacy mode: own groups are wanted as soon as every live peer is active.
    pub(super) wants_local: bool,
    /// Legacy mode: the keys of groups that an active peer was asked for and has not answered.
    pub(super) unanswered: BTreeSet<String>,
}

impl Resources {
    pub(super) fn new(resumed: Option<Hold>) -> Self {
        Self {
            state: if resumed.is_some() { State::Stable } else { State::Init },
            i_hold: resumed.unwrap_or_default(),
            other_holds: Hold::None,
            other_stable: false,
            takeover_in_progress: false,
            standby: StandbyState::Not,
            standby_deadline: None,
            standby_set: Hold::All,
            offered: false,
            preparing: None,
            needs_failback: false,
            failback_retry: None,
            local_done: false,
            foreign_done: false,
            announced: false,
            take_local_at: None,
            take_local_armed: false,
            claim_at: None,
            claim_foreign_at: None,
            wants_local: false,
            unanswered: BTreeSet::new(),
        }
    }
}

impl Engine {
    /// Communication is up: ask what the peer holds, or in legacy mode ask for our own groups.
    pub(super) fn begin_negotiation(&mut self) {
        if !self.settings.manages {
            return;
        }
        if self.nodes.iter().all(|n| !n.is_dead()) {
            self.resources.foreign_done = true;
        }
        if !self.nice() {
            // after a reload they are here
            self.resources.wants_local = !self.resources.i_hold.includes(Hold::Local);
            return self.ask_for_local();
        }
        if self.resources.state == State::Init {
            self.resources.state = State::Starting;
        }
        self.send(Message::of("starting"));
        if self.resources.state == State::Stable {
            // After a reload. A peer that asked a moment ago was not heard, and will not ask again.
            self.send_held_as_is();
        }
        // Who was active before this node was does not become so any more.
        let me = self.me;
        (0..self.nodes.len()).filter(|at| *at != me).for_each(|at| self.expect_word_of(at));
    }

    /// Legacy mode: an active peer must be asked. One that is about to become active may hold groups from
    /// before a reload, and cannot answer yet: nothing is taken until it can.
    pub(super) fn ask_for_local(&mut self) {
        if self.resources.wants_local && self.other_nodes().all(|n| n.is_dead() || n.status == "active") {
            self.resources.wants_local = false;
            self.acquire_local(true);
        }
    }

    /// Legacy mode: a request that the peer's earlier life took with it is made anew.
    pub(super) fn ask_again(&mut self) {
        if !self.resources.unanswered.is_empty() {
            self.acquire_local(true);
        }
    }

    /// Legacy mode: own groups are here once nobody has to answer for one of them.
    pub(super) fn own_groups_came(&mut self) {
        if !self.nice() && self.resources.unanswered.is_empty() {
            self.resources.i_hold = self.resources.i_hold.with(Hold::Local);
        }
    }

    /// What the next life is to believe that it holds.
    pub(super) fn handed_down(&self) -> Hold {
        let r = &self.resources;
        match r.wants_local || !r.unanswered.is_empty() {
            true => r.i_hold.without(Hold::Local),
            false => r.i_hold,
        }
    }

    /// Tells everybody what this node holds.
    pub(super) fn send_held(&mut self, stable: bool, why: Option<&str>) {
        self.tell_held(self.resources.i_hold, stable, why);
    }

    fn tell_held(&mut self, hold: Hold, stable: bool, why: Option<&str>) {
        if !self.nice() {
            return;
        }
        let mut message = Message::of("resource")
            .with("rsc_hold", hold.word())
            .with("rtype", "full")
            .with("isstable", if stable { "1" } else { "0" });
        if let Some(why) = why {
            message = message.with("info", why);
        }
        self.send(message);
        self.outdo_on_its_way();
    }

    pub(super) fn send_held_as_is(&mut self) {
        let stable = self.resources.state == State::Stable && !self.jobs.moving(Verb::Give);
        self.send_held(stable, None);
    }

    /// The peer asks what this node holds. `outdated`: what the peer holds is known already.
    pub(super) fn on_starting(&mut self, from: usize, outdated: bool) {
        if from == self.me || !self.nice() {
            return;
        }
        match self.resources.state {
            State::ResourceReceived | State::Stable | State::Shutdown => {}
            State::Starting => {
                self.resources.state = State::BothStarting;
                self.foreign_settled("HB_R_BOTHSTARTING");
            }
            state @ (State::Init | State::BothStarting) => {
                return self.note(Note::StartingInState(state as u8));
            }
        }
        self.resources.other_stable &= outdated;
        self.expect_word_of(from);
        if self.resources.takeover_in_progress {
            self.note(Note::StartingDuringTakeover);
        }
        match self.still_here() {
            Hold::None => self.send_held_as_is(),
            // Who begins now must not take it before it has stopped, which `shutdone` will tell.
            held => self.tell_held(held, false, None),
        }
        self.audit();
    }

    pub(super) fn on_resource(&mut self, from: usize, message: &Message) {
        if !self.nice() {
            return;
        }
        match self.resources.state {
            State::Starting | State::BothStarting => {
                self.resources.state = State::ResourceReceived;
                if self.settings.failback == Failback::Off {
                    self.foreign_settled("T_RESOURCES");
                }
            }
            State::Init => return self.note(Note::ResourceInState(State::Init as u8)),
            _ => {}
        }
        self.arm_take_local();
        if from == self.me {
            self.on_own_resource(message);
        } else {
            self.on_peer_resource(from, message);
        }
        self.audit();
        self.retry_shutdown();
    }

    fn arm_take_local(&mut self) {
        let r = &mut self.resources;
        if r.state == State::ResourceReceived && !r.take_local_armed {
            r.take_local_armed = true;
            r.take_local_at = Some(self.now.mono + TAKE_LOCAL_AFTER);
        }
    }

    fn read_hold(&mut self, before: Hold, message: &Message) -> Hold {
        let word = message.text("rsc_hold").unwrap_or("");
        let said = Hold::parse(word).unwrap_or_else(|| {
            self.note(Note::BadHold(word.to_owned()));
            Hold::None
        });
        let replaces = message.text("rtype") == Some("full") || said == Hold::None;
        if replaces { said } else { before.with(said) }
    }

    fn on_own_resource(&mut self, message: &Message) {
        if self.still_here() != Hold::None {
            return;
        }
        self.resources.i_hold = self.read_hold(self.resources.i_hold, message);
        if message.text("info") == Some("mach_down") {
            self.resources.i_hold = self.resources.i_hold.without(self.jobs.releasing());
        }
        if self.resources.i_hold.includes(Hold::Local) {
            self.local_settled("T_RESOURCES(us)");
        }
        match message.text("info") {
            Some("mach_down") => self.mach_down_complete(),
            Some("shutdown") => self.resources.state = State::Shutdown,
            _ => {}
        }
    }

    fn mach_down_complete(&mut self) {
        self.note(Note::MachDownComplete);
        let r = &mut self.resources;
        r.takeover_in_progress = false;
        // What was taken may have been found on the peer since, and is on its way out again.
        r.i_hold = r.i_hold.with(Hold::Foreign.without(self.jobs.releasing()));
        r.needs_failback = true;
        r.other_stable = true;
        self.foreign_settled("mach_down");
    }

    fn on_peer_resource(&mut self, from: usize, message: &Message) {
        let (seq, told) = (message.hex("seq"), self.read_hold(self.resources.other_holds, message));
        let newer = self.nodes.get(from).is_some_and(|n| seq >= Some(n.claim_seq));
        if newer {
            // What a node that stops lets go of is not free for one that has yet to begin.
            let waits = message.text("info") == Some("shutdown") && self.resources.state < State::Stable;
            self.resources.other_holds = if waits { self.resources.other_holds.with(told) } else { told };
        }
        match message.text("isstable") {
            Some("1") if !self.resources.other_stable => {
                self.peer_is_stable();
            }
            Some("1") | None => {}
            Some(_) => self.resources.other_stable = false,
        }
        if message.text("info") == Some("standby") {
            self.giver_lets_go();
        }
        if message.text("isstable") == Some("1") {
            self.peer_is_at_rest();
        }
        let settled = matches!(self.resources.state, State::Stable | State::Shutdown);
        if !settled && self.resources.other_stable {
            self.become_stable_beside_peer();
        }
        if self.nodes.get(from).is_some_and(|n| !n.kin) {
            self.claim_heard();
        }
    }

    /// The peer, one of ours, has just said what it holds: nothing is left to wait for. Beside a C daemon a start
    /// waits until that one is stable, or for ten seconds.
    pub(super) fn begin_beside_kin(&mut self, stable: bool) {
        let waiting =
            matches!(self.resources.state, State::Starting | State::BothStarting | State::ResourceReceived);
        if waiting && self.startup.is_up() && !self.pause.unsure && !self.is_shutting_down() {
            self.resources.take_local_armed = true;
            self.resources.take_local_at = None;
            // One that is only just starting says so, and what nobody holds yet is no reason to complain.
            self.resources.other_stable = stable;
            self.become_stable_beside_peer();
        }
    }

    pub(super) fn peer_is_stable(&mut self) {
        self.note(Note::RemoteTransition);
        self.failure_may_be_taken();
        self.resources.other_stable = true;
        // Who becomes stable by this says so next. A C daemon keeps the word that comes last, were it "not stable".
        if self.resources.state >= State::Stable {
            self.send_held_as_is();
        }
        self.check_failback();
    }

    fn become_stable_beside_peer(&mut self) {
        self.note(Note::RemoteTransition);
        self.acquire_local(false);
        self.resources.state = State::Stable;
        self.send_held(true, None);
        self.check_failback();
        self.foreign_settled("T_RESOURCES(them)");
        if self.settings.failback == Failback::Off && self.resources.other_holds.includes(Hold::Foreign) {
            self.local_settled("T_RESOURCES(them)");
        }
    }

    /// "Resources are stable" (8.2).
    pub(super) fn resources_stable(&self) -> bool {
        let r = &self.resources;
        if !self.jobs.idle() || self.fencing.is_pending() {
            return false;
        }
        !self.nice()
            || (r.other_stable
                && !r.takeover_in_progress
                && r.standby == StandbyState::Not
                && r.standby_deadline.is_none()
                && matches!(r.state, State::Stable | State::Shutdown | State::Init))
    }

    pub(super) fn local_settled(&mut self, why: &str) {
        self.resources.local_done = true;
        self.announce(why);
    }

    pub(super) fn foreign_settled(&mut self, why: &str) {
        self.resources.foreign_done = true;
        self.announce(why);
    }

    fn announce(&mut self, why: &str) {
        let r = &mut self.resources;
        if r.local_done && r.foreign_done && !r.announced {
            r.announced = true;
            self.note(Note::AcquisitionComplete(why.to_owned()));
        }
    }

    pub(super) fn negotiation_deadline(&self) -> Option<Duration> {
        let r = &self.resources;
        let answer = r.preparing.as_ref().map(|preparing| preparing.until);
        [r.take_local_at, r.failback_retry, r.standby_deadline, r.claim_at, r.claim_foreign_at, answer]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn negotiation_tick(&mut self) {
        let now = self.now.mono;
        let due = |at: Option<Duration>| at.is_some_and(|at| now >= at);
        self.expire_standby();
        self.answer_unprepared();
        if due(self.resources.take_local_at) {
            self.resources.take_local_at = None;
            self.take_local_alone();
        }
        if due(self.resources.failback_retry) {
            self.check_failback();
        }
        if due(self.resources.claim_at) {
            self.audit();
            self.claim_unowned();
        }
        if due(self.resources.claim_foreign_at) {
            self.audit();
            self.claim_foreign();
        }
    }

    /// Ten seconds have passed and no peer became stable: take what is ours and unclaimed.
    fn take_local_alone(&mut self) {
        if self.resources.state != State::ResourceReceived {
            return;
        }
        self.resources.state = State::Stable;
        self.acquire_local(false);
        self.note(Note::LocalTransition);
        self.send_held(true, None);
        self.audit();
        self.retry_shutdown();
    }

    /// Nothing is taken unasked before that moment.
    pub(super) fn take_nothing_before(&mut self, moment: Duration) {
        let r = &mut self.resources;
        let timers = [
            &mut r.take_local_at,
            &mut r.failback_retry,
            &mut r.claim_at,
            &mut r.claim_foreign_at,
            &mut self.failed.again_at,
        ];
        for at in timers.into_iter().flatten() {
            *at = (*at).max(moment);
        }
    }
}
