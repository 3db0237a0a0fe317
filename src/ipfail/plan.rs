//! What ipfail does about what happens: events in, messages and log lines out (commands.md section 10). Pure.
//!
//! Whoever sees fewer ping nodes than the other side gives its resources up after a delay; whoever holds
//! resources of a node that sees as many again gives those back, with `auto_failback on`. Messages and log
//! lines are those of 3.0.6. Beyond it:
//!
//! * Before resources move, the other side is asked once more, and has to answer.
//! * A program of ours tells *which* ping nodes it sees. Then the delay is longer, and holds for each
//!   ping node by itself: see [`Picture::ripe_at`].
//! * Nothing is asked for that would move nothing; what was asked for and not granted is asked for again,
//!   a few times.
//! * The log says what was decided, and on what grounds.

use super::plan_event::{Event, again, telling};
use super::plan_look::{Held, Look, What};
use super::plan_picture::{Picture, Theirs};
use crate::level::Level;
use crate::wire::Message;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::Duration;

/// Something to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this to the cluster.
    Send(Message),
    /// Log this.
    Log(Level, String),
}

/// Who we are, and how the cluster is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This node.
    pub me: String,
    /// The other one.
    pub peer: String,
    /// How often nodes speak.
    pub keepalive: Duration,
    /// Resources go back to their own node.
    pub auto_failback: bool,
}

/// While resources are on their way, and before a request that was not granted is repeated.
const LATER: Duration = Duration::from_secs(10);
/// How often a request is made for one and the same reason.
const TRIES: u32 = 3;

/// A decision on its way.
#[derive(Clone, Debug)]
struct Giveup {
    what: What,
    since: Duration,
    /// The reference numbers its timers, and logs the number.
    number: u32,
    check: Check,
}

/// The last question before resources move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    NotYet,
    AnswerBy(Duration),
    Answered,
}

/// The state of one ipfail. Times count from any fixed moment.
#[derive(Clone, Debug)]
pub struct Plan {
    settings: Settings,
    picture: Picture,
    /// The number we told last.
    told: usize,
    /// A question that is not answered: what it told, and when.
    open: Option<(BTreeSet<String>, Duration)>,
    giveup: Option<Giveup>,
    /// What happened here last was that a ping node came up, not that one fell silent.
    rising: bool,
    /// When to think again, without being asked to.
    later: Option<Duration>,
    tries: u32,
    number: u32,
    /// The last decision in the log, to say it once.
    said: String,
    actions: Vec<Action>,
}

impl Plan {
    /// At the start: nothing is known of the other side. Its ipfail asks us when it hears of us.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            picture: Picture::default(),
            told: 0,
            open: None,
            giveup: None,
            rising: true,
            later: None,
            tries: 0,
            number: 0,
            said: String::new(),
            actions: Vec::new(),
        }
    }

    /// When a [`Event::Tick`] is wanted at the latest.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.due().into_iter().chain(self.later).min()
    }

    /// Whether resources are about to be given up, and which.
    pub fn giving_up(&self) -> Option<What> {
        self.giveup.as_ref().map(|giveup| giveup.what)
    }

    /// Something happened; this is what the daemon says now.
    pub fn handle(&mut self, now: Duration, event: Event, look: &Look) -> Vec<Action> {
        self.picture.see(now, &look.seen);
        let may_begin = self.take(now, event, look);
        self.weigh(now, look, may_begin);
        if self.later.is_some_and(|later| later <= now) {
            self.later = None;
            if self.giveup.is_none() {
                self.weigh(now, look, May::Resume);
            }
        }
        if self.due().is_some_and(|due| due <= now) {
            self.fall_due(now, look);
        } else if let Some(giveup) = self.giveup.as_mut().filter(|g| g.check == Check::Answered) {
            // the picture has changed with the answer: wait anew, ask anew
            giveup.check = Check::NotYet;
        }
        std::mem::take(&mut self.actions)
    }

    /// Logs the event, answers it; says what it may begin.
    fn take(&mut self, now: Duration, event: Event, look: &Look) -> May {
        match event {
            Event::Node { node, status } => self.node(now, &node, &status, look),
            Event::Link { node, link, status } => self.link(now, &node, &link, &status, look),
            Event::Asked(theirs) => return self.asked(now, theirs),
            Event::YouAreDead(theirs) => {
                if !self.answered() {
                    self.info("Giving up because we were told that we have less ping nodes.");
                }
                let told = self.told;
                self.picture.hear(now, theirs.unwrap_or_else(|| Theirs::more_than(told)));
                return May::GiveUp;
            }
            Event::AbortGiveup(theirs) => {
                if !self.answered() && self.giveup.is_none() {
                    self.info("No giveup timer to abort.");
                }
                let equal = self.told;
                self.picture.hear(now, theirs.unwrap_or_else(|| Theirs::counted(equal)));
                return if self.rising { May::GiveBack } else { May::Tell };
            }
            Event::Joined => {
                self.debug(format!("Got join message from another ipfail client. ({})", self.settings.peer));
                self.open = None;
                self.ask(now, look);
            }
            Event::Left => self.lost(now, "its ipfail has ended"),
            Event::Resources { stable: true } => self.debug("Other side is now stable.".to_owned()),
            Event::Resources { stable: false } => self.debug("Other side is unstable.".to_owned()),
            Event::Tick => {}
        }
        May::Nothing
    }

    fn node(&mut self, now: Duration, node: &str, status: &str, look: &Look) {
        self.info(&format!("Status update: Node {node} now has status {status}"));
        match status {
            "dead" if look.seen.is_empty() => self.info("NS: We are dead. :<"),
            "dead" => self.info("NS: We are still alive!"),
            "ping" => {
                self.info("A ping node just came up.");
                self.rising = true;
                self.ask(now, look);
            }
            _ => {}
        }
        if status == "dead" && node.eq_ignore_ascii_case(&self.settings.peer) {
            self.lost(now, "it is dead");
        }
    }

    fn link(&mut self, now: Duration, node: &str, link: &str, status: &str, look: &Look) {
        self.info(&format!("Link Status update: Link {node}/{link} now has status {status}"));
        if status != "dead" {
            return;
        }
        self.rising = false;
        if look.seen.is_empty() {
            self.info("We are dead. :<");
            self.ask(now, look);
        } else {
            self.ask(now, look);
            self.info("Checking remote count of ping nodes.");
        }
    }

    fn asked(&mut self, now: Duration, theirs: Theirs) -> May {
        let (is_ours, only_to_be_sure) = (theirs.names.is_some(), theirs.again);
        self.picture.hear(now, theirs);
        self.answered();
        match self.picture.verdict() {
            Some(Ordering::Greater) => {
                self.info("Telling other node that we have more visible ping nodes.");
                self.tell("you_are_dead");
            }
            Some(Ordering::Less) => {
                self.info("Giving up because we have less visible ping nodes.");
                // the reference would not answer; one of ours may be waiting for it
                if is_ours {
                    self.tell("abort_giveup");
                }
                return May::GiveUp;
            }
            _ => {
                self.info("Ping node count is balanced.");
                self.tell("abort_giveup");
            }
        }
        if only_to_be_sure { May::Tell } else { May::GiveBack }
    }

    /// An answer came; whether it is the one a decision waited for.
    fn answered(&mut self) -> bool {
        self.open = None;
        let Some(giveup) = &mut self.giveup else { return false };
        let waited = matches!(giveup.check, Check::AnswerBy(_));
        if waited {
            giveup.check = Check::Answered;
        }
        waited
    }

    /// What the other side sees is not known any more, so nothing can be given to it.
    fn lost(&mut self, now: Duration, why: &str) {
        self.picture.forget(now);
        (self.open, self.later) = (None, None);
        if self.abort() {
            self.decide(&format!("Keeping our resources: of {} we know nothing, {why}.", self.settings.peer));
        }
    }

    /// Asks the other side how many ping nodes it sees, unless it is about to tell.
    fn ask(&mut self, now: Duration, look: &Look) {
        let fresh = |at: Duration| now.saturating_sub(at) < self.settings.keepalive.saturating_mul(2);
        if self.open.as_ref().is_some_and(|(seen, at)| *seen == look.seen && fresh(*at)) {
            self.debug("The other side has not answered yet.".to_owned());
            return;
        }
        self.info("Asking other side for ping node count.");
        self.open = Some((look.seen.clone(), now));
        self.tell("num_ping_nodes");
    }

    fn tell(&mut self, kind: &str) {
        self.told = self.picture.here().len();
        let message = telling(kind, &self.settings.me, &self.settings.peer, self.picture.here());
        self.actions.push(Action::Send(message));
    }

    /// Compares both sides: ends what has no reason any more, begins what has one.
    fn weigh(&mut self, now: Duration, look: &Look, may: May) {
        let pending = self.giving_up();
        if may == May::Resume && look.held == Held::Transition {
            self.later = Some(now.saturating_add(LATER));
            return;
        }
        match self.picture.verdict() {
            None => {}
            Some(Ordering::Less) => {
                if pending == Some(What::Foreign) {
                    self.abort();
                }
                let in_vain = may == May::Resume && !What::All.is_in(look.held);
                if pending != Some(What::All) && may.give_up(self.tries) && !in_vain {
                    self.begin(now, What::All, may);
                }
            }
            Some(Ordering::Greater) => {
                let may = if self.abort() { May::Tell } else { may };
                self.stay(may);
            }
            Some(Ordering::Equal) => {
                if pending == Some(What::All) {
                    self.abort();
                    self.stay(May::Tell);
                } else if pending.is_none() {
                    self.give_back(now, look, may);
                }
            }
        }
    }

    fn stay(&mut self, may: May) {
        if matches!(may, May::Tell | May::GiveUp | May::GiveBack) {
            let words = self.picture.words(&self.settings.peer);
            self.decide(&format!("Keeping our resources: {words}."));
        }
    }

    fn give_back(&mut self, now: Duration, look: &Look, may: May) {
        let wanted = self.settings.auto_failback && What::Foreign.is_in(look.held);
        if !wanted || !may.give_back(self.tries) {
            return self.stay(may);
        }
        if look.held == Held::Transition {
            self.later = Some(now.saturating_add(LATER));
            return;
        }
        self.info("Giving up foreign resources (auto_failback).");
        self.begin(now, What::Foreign, may);
    }

    fn begin(&mut self, now: Duration, what: What, may: May) {
        if may != May::Resume {
            self.tries = 0;
        }
        self.later = None;
        self.number = self.number.wrapping_add(1);
        self.giveup = Some(Giveup { what, since: now, number: self.number, check: Check::NotYet });
        let delay = self.due().map_or(Duration::ZERO, |due| due.saturating_sub(now));
        self.info(&format!("Delayed giveup in {} seconds.", delay.as_secs()));
    }

    /// Ends a decision that is on its way; whether there was one.
    fn abort(&mut self) -> bool {
        let Some(giveup) = self.giveup.take() else { return false };
        self.info(&format!("Aborted delayed giveup ({})", giveup.number));
        true
    }

    /// Twice as long where both sides can be sure to mean the same ping nodes.
    fn patience(&self) -> Duration {
        self.settings.keepalive.saturating_mul(if self.picture.names_are_told() { 4 } else { 2 })
    }

    /// When something is to be done about what is on its way.
    fn due(&self) -> Option<Duration> {
        let giveup = self.giveup.as_ref()?;
        match (giveup.check, giveup.what) {
            (Check::AnswerBy(limit), _) => Some(limit),
            (_, What::Foreign) => Some(giveup.since.saturating_add(self.patience())),
            // what counts against us may have changed since
            (_, What::All) => Some(self.picture.ripe_at(self.patience()).unwrap_or(Duration::MAX)),
        }
    }

    fn fall_due(&mut self, now: Duration, look: &Look) {
        let Some(giveup) = self.giveup.clone() else { return };
        let (what, peer) = (giveup.what, self.settings.peer.clone());
        if giveup.check == Check::NotYet {
            self.info("giveup() called (timeout worked)");
        }
        if let Check::AnswerBy(_) = giveup.check {
            self.end(now, what, Some(&format!("{peer} did not answer")));
        } else if !look.peer_active {
            self.end(now, what, Some(&format!("{peer} is not active")));
        } else if look.held == Held::Transition {
            self.giveup = None;
            self.later = Some(now.saturating_add(LATER));
            self.decide("Resources are on their way just now: thinking again in 10 seconds.");
        } else if !what.is_in(look.held) {
            self.giveup = None;
            self.decide(&format!("Nothing to move: {}.", self.picture.words(&peer)));
        } else if giveup.check == Check::NotYet && self.may_ask(what) {
            self.check(now, look);
        } else {
            self.decide(&format!(
                "Moving {} resources to {peer}: {}.",
                what.word(),
                self.picture.words(&peer)
            ));
            self.actions.push(Action::Send(
                Message::of("ask_resources")
                    .with("rsc_hold", what.word())
                    .with("src", &self.settings.me)
                    .with("info", "me"),
            ));
            self.end(now, what, None);
        }
    }

    /// A question that tells the reference of balance makes it give something up itself.
    fn may_ask(&self, what: What) -> bool {
        what == What::All || self.picture.names_are_told()
    }

    fn check(&mut self, now: Duration, look: &Look) {
        let patience = self.settings.keepalive.saturating_mul(4).max(Duration::from_secs(5));
        self.told = look.seen.len();
        let question = telling("num_ping_nodes", &self.settings.me, &self.settings.peer, &look.seen);
        let question = if self.picture.names_are_told() { again(question) } else { question };
        self.info("Asking other side for ping node count.");
        self.actions.push(Action::Send(question));
        if let Some(giveup) = &mut self.giveup {
            giveup.check = Check::AnswerBy(now.saturating_add(patience));
        }
    }

    /// Done, or not to be done now; a look later shows whether it is to be tried again.
    fn end(&mut self, now: Duration, what: What, instead: Option<&str>) {
        self.giveup = None;
        self.tries = self.tries.saturating_add(1);
        self.later = Some(now.saturating_add(LATER).saturating_add(self.patience()));
        if let Some(why) = instead {
            let words = self.picture.words(&self.settings.peer);
            self.decide(&format!("Keeping {} resources: {why}; {words}.", what.word()));
        }
    }

    fn decide(&mut self, text: &str) {
        if self.said != text {
            text.clone_into(&mut self.said);
            self.info(text);
        }
    }

    fn info(&mut self, text: &str) {
        self.actions.push(Action::Log(Level::Info, text.to_owned()));
    }

    fn debug(&mut self, text: String) {
        self.actions.push(Action::Log(Level::Debug, text));
    }
}

/// What an event may begin, should the comparison call for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum May {
    Nothing,
    /// Nothing, but the log shall know how things stand.
    Tell,
    /// The other side told that it sees more.
    GiveUp,
    /// The other side asked.
    GiveBack,
    /// We are to think again.
    Resume,
}

impl May {
    fn give_up(self, tries: u32) -> bool {
        self == Self::GiveUp || self == Self::Resume && tries < TRIES
    }

    fn give_back(self, tries: u32) -> bool {
        self == Self::GiveBack || self == Self::Resume && tries < TRIES
    }
}
