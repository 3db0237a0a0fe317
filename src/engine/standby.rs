//! Handing groups over in good order: `ask_resources` and `shutdone` (section 8.5).

use super::negotiation::State;
use super::ready::REFUSAL;
use super::{Engine, Failback, Hold, Job, Note, Verb};
use crate::wire::Message;
use std::time::Duration;

/// A request that nobody answers is forgotten after this. A late answer is ignored from then on.
const ANSWER: Duration = Duration::from_secs(10);
/// Scripts may take this long.
const SCRIPTS: Duration = Duration::from_secs(3600);

/// Where a hand-over stands; the numbers are those of the reference's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StandbyState {
    Not = 0,
    /// This node gives.
    Me = 1,
    /// The other node gives.
    Other = 2,
    /// The giver is done.
    Done = 3,
}

impl Engine {
    /// A request from this machine that would be refused here must not reach the peer: it would wait for what
    /// never comes.
    pub(super) fn request_fails(&mut self, message: &Message) -> bool {
        let request = message.kind() == Some("ask_resources") && message.text("info") == Some("me");
        let counts = self.nice() && self.settings.manages && self.resources.state != State::Shutdown;
        request && counts && self.startup.is_up() && self.standby_refused(self.me, "me")
    }

    pub(super) fn on_ask_resources(&mut self, from: usize, message: &Message) {
        if !self.nice() {
            return self.note(Note::StandbyLegacy);
        }
        if self.resources.state == State::Shutdown {
            return;
        }
        let info = message.text("info").unwrap_or("").to_owned();
        let set = message.text("rsc_hold").and_then(Hold::parse).unwrap_or(Hold::All);
        if self.is_past(from, message) || self.standby_refused(from, &info) {
            return;
        }
        let seq = message.hex("seq").unwrap_or(0);
        if self.standby_step(from, &info, set)
            && let Some(node) = self.nodes.get_mut(from)
        {
            node.ask_seq = node.ask_seq.max(seq);
        }
        self.retry_shutdown();
    }

    /// A word of a hand-over that is over, sent again because it was lost: it must not be taken for one of the
    /// next.
    fn is_past(&self, from: usize, message: &Message) -> bool {
        let seq = message.hex("seq").unwrap_or(0);
        from != self.me && self.nodes.get(from).is_some_and(|node| seq < node.ask_seq)
    }

    /// The four reasons to ignore a message outright.
    fn standby_refused(&mut self, from: usize, info: &str) -> bool {
        let node = self.name_of(from);
        if info == "me" && self.is_reloading() {
            self.note(Note::StandbyFlux { info: info.to_owned(), node, local: true });
            return true;
        }
        if let Some(deadline) = self.resources.standby_deadline.filter(|_| info == "me") {
            let left = deadline.saturating_sub(self.now.mono);
            self.note(Note::StandbyBusy { node, left });
            return true;
        }
        if self.resources.standby != StandbyState::Not {
            return false;
        }
        let local = self.resources.state != State::Stable || self.pause.unsure;
        if self.resources.other_stable && !local {
            return false;
        }
        let local = self.resources.other_stable;
        self.note(Note::StandbyFlux { info: info.to_owned(), node, local });
        true
    }

    /// Whether the word belongs here.
    fn standby_step(&mut self, from: usize, info: &str, set: Hold) -> bool {
        let own = from == self.me;
        match (self.resources.standby, own, info) {
            (StandbyState::Not, true, "me") => self.offer(from, set),
            (StandbyState::Not, false, "me") => self.accept_offer(from, set),
            (StandbyState::Me, false, "other") => self.release(from, set),
            (StandbyState::Me, false, REFUSAL) if self.resources.offered => self.offer_refused(from, set),
            (StandbyState::Me, true, "done") => self.released(set),
            (StandbyState::Other, true, "other") => self.resources.standby_set = set,
            (StandbyState::Other, true, REFUSAL) => self.declined(set),
            (StandbyState::Other, false, "done") => self.acquire(from, set),
            (StandbyState::Done, true, "done") => self.acquired(set),
            (StandbyState::Done, false, "done") => self.taken(set),
            (state, _, _) => {
                let node = self.name_of(from);
                self.note(Note::StandbyIgnored { info: info.to_owned(), node, state: state as u8 });
                return false;
            }
        }
        true
    }

    fn enter(&mut self, state: StandbyState, set: Hold, patience: Option<Duration>) {
        self.resources.standby = state;
        self.resources.offered = false;
        self.resources.preparing = None;
        self.resources.standby_set = set;
        self.resources.standby_deadline = patience.map(|p| self.now.mono + p);
    }

    pub(super) fn ask(&mut self, set: Hold, info: &str) {
        self.send(Message::of("ask_resources").with("rsc_hold", set.word()).with("info", info));
    }

    /// This node wants to give.
    fn offer(&mut self, from: usize, set: Hold) {
        self.resources.other_stable = false;
        let node = self.name_of(from);
        self.note(Note::WantsStandby { node, set: set.word().to_owned() });
        self.enter(StandbyState::Me, set, Some(ANSWER));
        self.resources.offered = true;
    }

    /// The peer wants to give; this node says so when it is able to take.
    fn accept_offer(&mut self, from: usize, set: Hold) {
        self.resources.other_stable = false;
        let node = self.name_of(from);
        self.note(Note::WantsStandby { node, set: set.word().to_owned() });
        // A giver that does not even say that it lets go has forgotten its offer: it came late.
        let silence = self.nodes.get(from).map_or(Duration::ZERO, |n| n.dead_time);
        self.enter(StandbyState::Other, set, Some(ANSWER + silence));
        self.answer_when_ready(from, set);
    }

    /// The peer can take: let go.
    fn release(&mut self, from: usize, set: Hold) {
        let node = self.name_of(from);
        self.note(Note::CanTake { node, set: set.word().to_owned() });
        self.enter(StandbyState::Me, set, Some(SCRIPTS));
        self.resources.other_stable = false;
        self.resources.i_hold = self.resources.i_hold.without(set);
        self.send_held(false, Some("standby"));
        self.run_when_idle(Job::Standby { verb: Verb::Give, set });
    }

    /// The giver lets go: its scripts may take their time.
    pub(super) fn giver_lets_go(&mut self) {
        if self.resources.standby == StandbyState::Other {
            self.resources.standby_deadline = Some(self.now.mono + SCRIPTS);
        }
    }

    /// Everything was let go.
    fn released(&mut self, set: Hold) {
        self.note(Note::StandbyReleased(set.word().to_owned()));
        self.resources.i_hold = self.resources.i_hold.without(set);
        self.failure_may_be_gone();
        self.enter(StandbyState::Done, set, Some(SCRIPTS));
    }

    /// The giver is done: take.
    fn acquire(&mut self, from: usize, set: Hold) {
        let node = self.name_of(from);
        self.note(Note::StandbyAcquire { node, set: set.word().to_owned() });
        self.enter(StandbyState::Done, set, Some(SCRIPTS));
        // Already now: should the giver begin anew meanwhile, it must not take what is being taken here.
        self.resources.i_hold = self.resources.i_hold.with(set.mirror());
        self.resources.other_holds = self.resources.other_holds.without(set);
        self.run_taking(Job::Standby { verb: Verb::Take, set: set.mirror() });
    }

    /// Everything was taken.
    fn acquired(&mut self, set: Hold) {
        self.note(Note::StandbyAcquired(set.word().to_owned()));
        self.resources.i_hold = self.resources.i_hold.with(set.mirror());
        self.enter(StandbyState::Not, set, None);
        if self.settings.failback == Failback::On {
            self.local_settled("auto_failback");
        }
        self.send_held(true, None);
    }

    /// The peer has taken what was given.
    fn taken(&mut self, set: Hold) {
        self.note(Note::StandbyTaken(set.word().to_owned()));
        self.enter(StandbyState::Not, set, None);
        self.send_held(true, None);
    }

    /// The scripts of a standby job have ended: say so, to the peer and to ourselves. What is held follows
    /// the scripts, even if the hand-over was cancelled under them.
    pub(super) fn standby_job_done(&mut self, verb: Verb, set: Hold) {
        let holds = self.resources.i_hold;
        self.resources.i_hold = match verb {
            // What was asked for meanwhile comes next.
            Verb::Give => holds.without(set).with(self.jobs.acquiring()),
            Verb::Take => holds.with(set),
        };
        if verb == Verb::Give && !self.jobs.moving(verb) {
            self.released_double();
        }
        // Scripts of a hand-over that was cancelled do not end the next one.
        let awaited = match verb {
            Verb::Give => StandbyState::Me,
            Verb::Take => StandbyState::Done,
        };
        // Nor do they answer an offer that nobody has accepted yet.
        let ended = self.resources.standby == awaited && !self.resources.offered;
        match ended && !self.jobs.moving(verb) {
            true => self.ask(self.resources.standby_set, "done"),
            false => self.send_held_as_is(),
        }
    }

    pub(super) fn expire_standby(&mut self) {
        if self.resources.standby_deadline.is_none_or(|deadline| self.now.mono < deadline) {
            return;
        }
        self.stand_by_no_more();
        self.resources.other_stable = true;
        self.note(Note::StandbyTimeout);
        self.audit();
        self.retry_shutdown();
    }

    /// The peer, one of ours, is not in a hand-over (any more). What it does not wait for, this node need not
    /// wait for either: it died meanwhile in the other's eyes, or its last word was lost.
    pub(super) fn peer_hands_nothing(&mut self) {
        let set = self.resources.standby_set;
        match self.resources.standby {
            StandbyState::Done if !self.jobs.moving(Verb::Take) => {
                match self.resources.other_holds.mirror().includes(set) {
                    true => self.taken(set),
                    false => self.cancel_standby(),
                }
            }
            StandbyState::Other => self.cancel_standby(),
            _ => return,
        }
        self.retry_shutdown();
    }

    /// The peer began anew and knows nothing of a hand-over. What scripts still release here is held until
    /// they have ended.
    pub(super) fn forget_hand_over(&mut self) {
        self.cancel_standby();
        self.resources.i_hold = self.resources.i_hold.with(self.jobs.releasing());
    }

    /// The peer died in the middle of a hand-over, or forgot it.
    pub(super) fn cancel_standby(&mut self) {
        if self.resources.standby == StandbyState::Not && self.resources.standby_deadline.is_none() {
            return;
        }
        self.note(Note::StandbyCancelled);
        self.stand_by_no_more();
        if self.resources.i_hold == Hold::All {
            self.resources.other_stable = true;
        }
    }

    pub(super) fn stand_by_no_more(&mut self) {
        let r = &mut self.resources;
        (r.standby, r.standby_deadline) = (StandbyState::Not, None);
        (r.offered, r.preparing) = (false, None);
    }

    /// A node has given up everything because it stops.
    pub(super) fn on_shutdone(&mut self, from: usize) {
        if from == self.me {
            return self.gave_up_everything();
        }
        if let Some(node) = self.nodes.get_mut(from) {
            node.may_hold = false;
        }
        if !self.startup.is_up() {
            // Its death will follow, communication comes up, and all that nobody holds is taken then.
            self.resources.other_holds = Hold::None;
            return;
        }
        if self.nice() {
            self.resources.other_stable = true;
            self.resources.other_holds = Hold::None;
            self.take_what_is_not_held();
            self.audit();
        }
        self.resources.other_stable = false;
        self.resources.other_holds = Hold::None;
        let node = self.name_of(from);
        self.note(Note::ShutdownNotice(node));
        self.take_over(from);
        self.retry_shutdown();
    }

    fn take_what_is_not_held(&mut self) {
        if self.is_shutting_down() {
            return;
        }
        let set = match self.resources.i_hold {
            Hold::All => return,
            Hold::Foreign => Hold::Foreign,
            Hold::Local => Hold::Local,
            Hold::None => Hold::All,
        };
        self.resources.standby = StandbyState::Done;
        self.run_taking(Job::Standby { verb: Verb::Take, set });
    }
}
